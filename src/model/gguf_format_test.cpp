#include "model/gguf_format.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace model {
namespace {

using namespace std::string_literals;

// Numbers are little-endian; a text is its length in eight bytes and its bytes.
TEST(GgufFormat, BytesAreWorkedOutByHand) {
  GgufMetadata metadata;
  metadata.add_number("n", 258);
  metadata.add_text("t", "hi");
  metadata.add_flag("f", true);
  metadata.add_float("x", 1.f);  // 0x3f800000
  metadata.add_texts("l", {"a", ""});
  metadata.add_numbers("i", {-1});
  EXPECT_EQ(metadata.count(), 6u);
  const std::string one = "\1\0\0\0\0\0\0\0"s, two = "\2\0\0\0\0\0\0\0"s;
  const std::string none = "\0\0\0\0\0\0\0\0"s;
  EXPECT_EQ(metadata.bytes(), one + "n" + "\4\0\0\0"s + "\2\1\0\0"s +          //
                                  one + "t" + "\x08\0\0\0"s + two + "hi" +     //
                                  one + "f" + "\7\0\0\0"s + "\1" +             //
                                  one + "x" + "\6\0\0\0"s + "\0\0\x80\x3f"s +  //
                                  one + "l" + "\x09\0\0\0\x08\0\0\0"s + two + one + "a" + none +
                                  one + "i" + "\x09\0\0\0\5\0\0\0"s + one + "\xff\xff\xff\xff");
}

TEST(GgufFormat, TensorsHaveTheirSizesBackwardsAndPaddedOffsets) {
  const std::vector<GgufTensor> tensors = {{"a", {3, 2}, GgufType::f16},  // 12 bytes, so 32
                                           {"b", {1}, GgufType::f32}};
  EXPECT_EQ(gguf_bytes(tensors[0]), 12u);
  const std::string head = format_gguf_head({}, tensors);
  const auto number = [](char low) { return std::string(1, low) + "\0\0\0\0\0\0\0"s; };
  const std::string expected = "GGUF\3\0\0\0"s + number(2) + number(0) +                  //
                               number(1) + "a" + "\2\0\0\0"s + number(2) + number(3) +    //
                               "\1\0\0\0"s + number(0) +                                  //
                               number(1) + "b" + "\1\0\0\0"s + number(1) + "\0\0\0\0"s +  //
                               number(32);
  EXPECT_EQ(head.substr(0, expected.size()), expected);
  EXPECT_EQ(head.size(), 128u);  // 24 + 41 + 33 = 98, padded
  EXPECT_EQ(head.find_first_not_of('\0', expected.size()), std::string::npos);
}

TEST(GgufFormat, WhatNoReaderWouldTakeIsRefused) {
  GgufMetadata metadata;
  metadata.add_flag("f", true);
  EXPECT_THROW(metadata.add_flag("f", false), base::Error);
  EXPECT_THROW(format_gguf_head({}, {{std::string(64, 'x'), {1}}}), base::Error);
  EXPECT_THROW(format_gguf_head({}, {{"a", {1, 1, 1, 1, 1}}}), base::Error);
  EXPECT_THROW(format_gguf_head({}, {{"a", {}}}), base::Error);
}

}  // namespace
}  // namespace model
