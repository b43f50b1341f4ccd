// Files that each break one rule, and one rule only; each is refused with words of its own.
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "model/safetensors.h"
#include "model/safetensors_header.h"
#include "model/safetensors_index.h"

namespace model {
namespace {

std::string with_size(std::uint64_t size, const std::string& rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + rest;
}

std::string file(const std::string& header, std::size_t data_bytes) {
  return with_size(header.size(), header + std::string(data_bytes, '\1'));
}

// One tensor of eight bytes, with this instead of {"dtype":"F32","shape":[2],"data_offsets":[0,8]}.
std::string entry(const std::string& value, std::size_t data_bytes = 8) {
  return file("{\"a\":" + value + "}", data_bytes);
}

std::string shape(const std::string& sizes, std::size_t data_bytes = 8) {
  return entry("{\"dtype\":\"F32\",\"shape\":" + sizes + ",\"data_offsets\":[0," +
                   std::to_string(data_bytes) + "]}",
               data_bytes);
}

std::string offsets(const std::string& places) {
  return entry(R"({"dtype":"F32","shape":[2],"data_offsets":)" + places + "}");
}

std::string dtype(const std::string& value) {
  return entry(R"({"dtype":)" + value + R"(,"shape":[2],"data_offsets":[0,8]})");
}

// Two tensors of eight bytes at these places, in so many bytes of data.
std::string two(const std::string& a, const std::string& b, std::size_t data_bytes = 16) {
  const auto tensor = [](const std::string& places) {
    return R"({"dtype":"U8","shape":[8],"data_offsets":)" + places + "}";
  };
  return file("{\"a\":" + tensor(a) + ",\"b\":" + tensor(b) + "}", data_bytes);
}

std::string metadata(const std::string& value) {
  return file("{\"__metadata__\":" + value + "}", 0);
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

const std::string kTensor = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
const std::string kGood = entry(kTensor);

struct Hostile {
  const char* name;
  std::string bytes;
  std::string message;  // a part of it
};

std::vector<Hostile> hostile_files() {
  const std::string sizes65 = "[" + repeated("1,", 64) + "1]";
  return {
      // the size in front
      {"empty file", "", "0 bytes, too short"},
      {"seven bytes", std::string(7, '\0'), "7 bytes, too short"},
      {"header size 0", with_size(0, ""), "does not begin with {"},
      {"header size beyond the file", with_size(100, "{}"), "of 100 bytes, but only 2 follow"},
      {"header size one too many", with_size(3, "{}"), "of 3 bytes, but only 2 follow"},
      {"header above 100,000,000", with_size(100'000'001, "{}"), "above the format's limit"},
      {"header size 2^63", with_size(1ull << 63, "{}"), "of 9223372036854775808 bytes"},
      {"header size 2^64 - 1", with_size(~0ull, "{}"), "of 18446744073709551615 bytes"},
      {"header size 2^64 - 8, which wraps", with_size(~0ull - 7, "{}"), "18446744073709551608"},
      // the header's text
      {"space before {", file(" {}", 0), "does not begin with {"},
      {"byte order mark", file("\xef\xbb\xbf{}", 0), "does not begin with {"},
      {"a list", file("[]", 0), "does not begin with {"},
      {"a pickle", file("\x80\x04\x95", 0), "does not begin with {"},
      {"not UTF-8", file("{\"\xff\":1}", 0), "no JSON: The input is not valid UTF-8"},
      {"a surrogate as UTF-8", file("{\"\xed\xa0\x80\":1}", 0), "no JSON"},
      {"cut JSON", file("{\"a\":", 0), "the header is no JSON"},
      {"two values", file("{}{}", 0), "the header is no JSON"},
      {"padding of zeros", file(std::string("{}\0\0", 4), 0), "the header is no JSON"},
      {"a line end in a name", file("{\"a\nb\":1}", 0), "the header is no JSON"},
      {"a trailing comma", file("{\"a\":" + kTensor + ",}", 8), "the header is no JSON"},
      {"a comment", file("{/**/}", 0), "the header is no JSON"},
      {"NaN", shape("[NaN]"), "the header is no JSON"},
      {"a leading zero", shape("[02]"), "the header is no JSON"},
      {"lists 100,000 deep", entry(repeated("[", 100'000) + repeated("]", 100'000)),
       "no JSON: The JSON document was too deep"},
      {"objects 100,000 deep", file(repeated("{\"a\":", 100'000) + "1" + repeated("}", 100'000), 0),
       "too deep"},
      // names
      {"a tensor twice", file("{\"a\":" + kTensor + ",\"a\":" + kTensor + "}", 8),
       "the header: the key \"a\" appears twice"},
      {"a tensor twice, once escaped",
       file("{\"a\":" + kTensor + ",\"\\u0061\":" + kTensor + "}", 8), "\"a\" appears twice"},
      {"dtype twice", entry(R"({"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"),
       "\"dtype\" appears twice"},
      {"shape twice", entry(R"({"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,8]})"),
       "\"shape\" appears twice"},
      {"offsets twice",
       entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]})"),
       "\"data_offsets\" appears twice"},
      // metadata
      {"metadata twice", file(R"({"__metadata__":{},"__metadata__":{}})", 0),
       "\"__metadata__\" appears twice"},
      {"a metadata key twice", metadata(R"({"k":"1","k":"2"})"), "__metadata__: the key \"k\""},
      {"metadata is a list", metadata("[]"), "__metadata__ is no JSON object"},
      {"metadata is null", metadata("null"), "__metadata__ is no JSON object"},
      {"a number in metadata", metadata(R"({"k":1})"), "__metadata__: \"k\" is no text"},
      {"an object in metadata", metadata(R"({"o":{}})"), "__metadata__: \"o\" is no text"},
      // a tensor's entry
      {"a tensor is a number", entry("1"), "tensor \"a\" is no JSON object"},
      {"a tensor is null", entry("null"), "tensor \"a\" is no JSON object"},
      {"no dtype", entry(R"({"shape":[2],"data_offsets":[0,8]})"), "dtype is missing"},
      {"no shape", entry(R"({"dtype":"F32","data_offsets":[0,8]})"), "shape is missing"},
      {"no offsets", entry(R"({"dtype":"F32","shape":[2]})"), "data_offsets is missing"},
      {"dtype is a number", dtype("32"), "dtype is no text"},
      {"an unknown dtype", dtype("\"F33\""), "dtype \"F33\" is not supported"},
      {"a dtype in small letters", dtype("\"f32\""), "dtype \"f32\" is not supported"},
      {"a dtype below a byte", dtype("\"F4\""), "dtype \"F4\" is not supported"},
      {"shape is a number", shape("2"), "shape is no list"},
      {"shape is an object", shape("{}"), "shape is no list"},
      {"a negative size", shape("[-2]"), "shape holds \"-2\""},
      {"a size with a fraction", shape("[2.0]"), "shape holds \"2.0\""},
      {"a size as text", shape("[\"2\"]"), "shape holds \"\"2\"\""},
      {"a list as size", shape("[[2]]"), "shape holds \"[2]\""},
      {"a size of 2^64", shape("[18446744073709551616]"), "the header is no JSON"},
      {"a size of 2^63", shape("[9223372036854775808]"), "more bytes than there can be"},
      {"a product that overflows", shape("[4294967296,4294967296]"),
       "more bytes than there can be"},
      {"a product that wraps to 8", shape("[4611686018427387906]"), "more bytes than there can be"},
      {"an overflow behind a 0", shape("[0,4294967296,4294967296]", 0),
       "more bytes than there can be"},
      {"65 sizes", shape(sizes65, 4), "65 sizes, expected at most 64"},
      {"offsets are a number", offsets("8"), "data_offsets is no list"},
      {"one offset", offsets("[8]"), "data_offsets has 1 numbers"},
      {"three offsets", offsets("[0,8,8]"), "data_offsets has 3 numbers"},
      {"a negative offset", offsets("[-8,0]"), "data_offsets holds \"-8\""},
      {"an offset with a fraction", offsets("[0,8.5]"), "data_offsets holds \"8.5\""},
      {"offsets backwards", offsets("[8,0]"), "ends at byte 0, before it begins at 8"},
      {"fewer bytes than the shape needs", shape("[3]"),
       "8 bytes, but its shape and dtype need 12"},
      {"more bytes than the shape needs", shape("[1]"), "8 bytes, but its shape and dtype need 4"},
      {"no bytes for a single number", shape("[]", 0), "0 bytes, but its shape and dtype need 4"},
      {"bytes for an empty tensor", shape("[0]", 8), "8 bytes, but its shape and dtype need 0"},
      // the places of all
      {"a hole in front", two("[8,16]", "[16,24]", 24), "there is a hole in the data"},
      {"a hole between", two("[0,8]", "[9,17]", 17),
       "begins at byte 9, expected 8: there is a hole"},
      {"an overlap", two("[0,8]", "[7,15]", 15), "begins at byte 7, expected 8: it overlaps"},
      {"one place for two", two("[0,8]", "[0,8]", 8), "begins at byte 0, expected 8: it overlaps"},
      {"offsets past 2^63", two("[0,8]", "[18446744073709551600,18446744073709551608]"),
       "begins at byte 18446744073709551600"},
      {"a byte less than needed", entry(kTensor, 7),
       "holds 7 bytes of tensors, but its header needs 8; the file is cut"},
      {"a byte more than needed", entry(kTensor, 9),
       "holds 9 bytes of tensors, but its header needs 8; it has grown"},
      {"bytes and no tensor", file("{}", 4), "its header needs 0"},
      {"a file of 2^50 bytes, claimed",
       entry(R"({"dtype":"U8","shape":[1125899906842624],"data_offsets":[0,1125899906842624]})"),
       "but its header needs 1125899906842624; the file is cut"},
  };
}

// Without the syncing of base::write_file, which would take most of the test's time.
void put(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::string refusal(const std::filesystem::path& path) {
  try {
    read_safetensors(path);
  } catch (const base::DataError& error) {
    return error.what();
  }
  return "";
}

TEST(HostileSafetensors, EachIsRefusedInItsOwnWordsAndNamesTheFile) {
  base::TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  std::set<std::string> names;
  for (const Hostile& hostile : hostile_files()) {
    EXPECT_TRUE(names.insert(hostile.name).second) << hostile.name;
    put(path, hostile.bytes);
    const std::string message = refusal(path);
    EXPECT_EQ(message.rfind(path.string(), 0), 0u) << hostile.name << ": \"" << message << '"';
    EXPECT_NE(message.find(hostile.message), std::string::npos)
        << hostile.name << ": \"" << message << '"';
  }
  EXPECT_GE(names.size(), 40u);
}

TEST(HostileSafetensors, WhatTheTableBreaksIsFineWhereItIsNotBroken) {
  base::TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  for (const std::string& good :
       {kGood, two("[0,8]", "[8,16]"), two("[8,16]", "[0,8]"), shape("[]", 4), shape("[0]", 0),
        shape("[1,2,1]"), metadata(R"({"k":"v"})"), file("{}", 0), file("{}      ", 0),
        dtype("\"F32\""), offsets("[0,8]"),
        entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":[{}]})")}) {
    put(path, good);
    EXPECT_EQ(refusal(path), "") << good;
  }
}

bool is_refused(const std::string& bytes) {
  try {
    parse_safetensors_header(bytes, "x");
  } catch (const base::DataError&) {
    return true;
  }
  return false;
}

TEST(HostileSafetensors, AFileCutAnywhereIsRefused) {
  const std::string good = two("[0,8]", "[8,16]");
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_TRUE(is_refused(good.substr(0, size))) << size;
}

TEST(HostileSafetensors, AChangedBitIsRefusedOrReadNeverWorse) {
  const std::string good = two("[0,8]", "[8,16]");
  int refused = 0;
  for (std::size_t bit = 0; bit + 16 * 8 < good.size() * 8; ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    refused += is_refused(bytes);
  }
  EXPECT_GT(refused, 500);  // others only rename a tensor, or read U8 as I8
}

TEST(HostileSafetensors, ANameCannotDriveTheTerminalOrFillIt) {
  base::TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  put(path, file("{\"\\u001b[2J" + repeated("x", 100'000) + "\":1}", 0));
  const std::string message = refusal(path);
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_LT(message.size(), 300u);
}

TEST(HostileSafetensors, WhatIsNoFileIsRefused) {
  base::TemporaryFolder folder;
  EXPECT_NE(refusal(folder.path()).find("no regular file"), std::string::npos);
  EXPECT_NE(refusal("/dev/zero").find("no regular file"), std::string::npos);
  EXPECT_NE(refusal(folder.path() / "absent").find("cannot be read"), std::string::npos);
}

// ---- the index of a cut checkpoint ----

std::string index_refusal(const std::string& text) {
  try {
    parse_safetensors_index(text, "index");
  } catch (const base::DataError& error) {
    return error.what();
  }
  return "";
}

std::string placed_in(const std::string& file) {
  return R"({"metadata":{"total_size":8},"weight_map":{"a":)" + file + "}}";
}

TEST(HostileIndex, EachIsRefusedInItsOwnWords) {
  const std::vector<Hostile> hostile = {
      {"empty", "", "index: empty"},
      {"cut", R"({"weight_map":{"a":)", "index: "},
      {"a list", "[]", "index: is no JSON object"},
      {"deep", repeated("[", 100'000) + repeated("]", 100'000), "deeper than 64"},
      {"not UTF-8", "{\"\xff\":1}", "not UTF-8"},
      {"no weight_map", "{}", "weight_map is missing"},
      {"weight_map is a list", R"({"weight_map":[]})", "weight_map is no JSON object"},
      {"weight_map is empty", R"({"weight_map":{}})", "names no tensor"},
      {"weight_map twice", R"({"weight_map":{},"weight_map":{}})", "\"weight_map\" appears twice"},
      {"a tensor twice", R"({"weight_map":{"a":"x.safetensors","a":"y.safetensors"}})",
       "\"a\" appears twice"},
      {"a number for a file", placed_in("1"), "is no text"},
      {"a path", placed_in(R"("sub/x.safetensors")"), "in \"sub/x.safetensors\", expected"},
      {"a Windows path", placed_in(R"("sub\\x.safetensors")"), "expected the name"},
      {"an absolute path", placed_in(R"("/etc/x.safetensors")"), "expected the name"},
      {"the folder above", placed_in(R"("../x.safetensors")"), "expected the name"},
      {"two dots", placed_in(R"("..x.safetensors")"), "expected the name"},
      {"no name", placed_in(R"("")"), "expected the name"},
      {"a pickle", placed_in(R"("pytorch_model-00001.bin")"), "expected the name"},
      {"a NUL", placed_in(R"("x\u0000.safetensors")"), "x\\x00.safetensors"},
      {"a name too long", placed_in("\"" + repeated("x", 300) + ".safetensors\""),
       "expected the name"},
      {"metadata is a list", R"({"metadata":[],"weight_map":{"a":"x.safetensors"}})",
       "metadata is no JSON object"},
      {"a negative total_size",
       R"({"metadata":{"total_size":-1},"weight_map":{"a":"x.safetensors"}})", "total_size is"},
      {"a total_size with a fraction",
       R"({"metadata":{"total_size":1.5},"weight_map":{"a":"x.safetensors"}})", "total_size is"},
      {"a total_size as text",
       R"({"metadata":{"total_size":"8"},"weight_map":{"a":"x.safetensors"}})", "total_size is"}};
  for (const Hostile& one : hostile)
    EXPECT_NE(index_refusal(one.bytes).find(one.message), std::string::npos)
        << one.name << ": \"" << index_refusal(one.bytes) << '"';
}

TEST(HostileIndex, WhatOthersWriteIsRead) {
  EXPECT_EQ(index_refusal(placed_in(R"("model-00001-of-00002.safetensors")")), "");
  const auto index = parse_safetensors_index(
      R"({"metadata":{"total_size":1.35e9,"total_parameters":1},"weight_map":{"a":"x.safetensors"}})",
      "index");
  EXPECT_EQ(index.total_size, 1'350'000'000u);
  EXPECT_FALSE(parse_safetensors_index(R"({"weight_map":{"a":"x.safetensors"}})", "i").total_size);
  const auto again = parse_safetensors_index(format_safetensors_index(index), "again");
  EXPECT_EQ(again.files, index.files);
  EXPECT_EQ(again.total_size, index.total_size);
}

}  // namespace
}  // namespace model
