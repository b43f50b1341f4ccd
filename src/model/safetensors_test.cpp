#include "model/safetensors.h"

#include <cstring>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"

namespace model {
namespace {

std::string file_of(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + std::string(data_bytes, '\0');
}

TEST(Safetensors, ComesBackBitForBitInEveryType) {
  base::TemporaryFolder folder;
  TensorMap tensors = {{"a", torch::tensor({1.5f, -0.f, NAN})},
                       {"b", torch::ones({2, 3}, torch::kBFloat16)},
                       {"empty", torch::empty({0, 4})},
                       {"scalar", torch::tensor(7, torch::kInt64)}};
  write_safetensors(folder.path() / "x.safetensors", tensors);
  const TensorMap back = read_safetensors(folder.path() / "x.safetensors");
  ASSERT_EQ(back.size(), 4u);
  EXPECT_EQ(hash_tensors(back), hash_tensors(tensors));
}

TEST(Safetensors, EveryTypeOfTheFormatComesBack) {
  base::TemporaryFolder folder;
  TensorMap tensors;
  for (const torch::Dtype type :
       {torch::kBool, torch::kUInt8, torch::kInt8, torch::kFloat8_e5m2, torch::kFloat8_e4m3fn,
        torch::kFloat8_e8m0fnu, torch::kFloat8_e4m3fnuz, torch::kFloat8_e5m2fnuz, torch::kInt16,
        torch::kUInt16, torch::kFloat16, torch::kBFloat16, torch::kInt32, torch::kUInt32,
        torch::kFloat32, torch::kComplexFloat, torch::kFloat64, torch::kInt64, torch::kUInt64})
    tensors[c10::toString(type)] = torch::ones({2, 3}).to(type);
  write_safetensors(folder.path() / "x.safetensors", tensors);
  const TensorMap back = read_safetensors(folder.path() / "x.safetensors");
  EXPECT_EQ(hash_tensors(back), hash_tensors(tensors));
  for (const auto& [name, tensor] : back) EXPECT_EQ(c10::toString(tensor.scalar_type()), name);
  EXPECT_THROW(
      write_safetensors(folder.path() / "y", {{"q", torch::ones(1, torch::kComplexDouble)}}),
      base::Error);
}

// Wider types first, and among types of one width upstream's order; then by name.
TEST(Safetensors, BytesAreWorkedOutByHand) {
  base::TemporaryFolder folder;
  write_safetensors(folder.path() / "x", {{"b", torch::tensor({1, 2}, torch::kUInt8)},
                                          {"a", torch::tensor({3}, torch::kInt8)},
                                          {"z", torch::tensor(4, torch::kInt32)}});
  std::string expected("\xc0\0\0\0\0\0\0\0", 8);
  expected += R"({"__metadata__":{"format":"pt"},)"
              R"("z":{"dtype":"I32","shape":[],"data_offsets":[0,4]},)"
              R"("a":{"dtype":"I8","shape":[1],"data_offsets":[4,5]},)"
              R"("b":{"dtype":"U8","shape":[2],"data_offsets":[5,7]}}    )";
  expected.append("\4\0\0\0\3\1\2", 7);
  EXPECT_EQ(base::read_file(folder.path() / "x"), expected);
}

TEST(Safetensors, TensorsAreViewsThatOutliveTheFileAndKeepWritesToThemselves) {
  base::TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  write_safetensors(path, {{"a", torch::ones({4})}, {"b", torch::full({2}, 2.f)}});
  torch::Tensor a, b;
  {
    const TensorMap tensors = read_safetensors(path);
    a = tensors.at("a");
    b = tensors.at("b");
  }
  EXPECT_EQ(static_cast<const char*>(b.data_ptr()) - static_cast<const char*>(a.data_ptr()), 16);
  a.fill_(5);
  EXPECT_EQ(read_safetensors(path).at("a").sum().item<float>(), 4);
  std::filesystem::remove(path);
  EXPECT_EQ(a.sum().item<float>(), 20);
  EXPECT_EQ(b.sum().item<float>(), 4);
}

TEST(Safetensors, APlaceThatDoesNotSuitTheTypeIsCopied) {
  base::TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  // One byte in front of the numbers, and a header that is not padded.
  const std::string header = R"({"u":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                             R"("f":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})";
  const float numbers[] = {1.5f, -2.f};
  std::string file = file_of(header, 1);
  file.append(reinterpret_cast<const char*>(numbers), sizeof numbers);
  base::write_file(path, file);
  const torch::Tensor found = read_safetensors(path).at("f");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(found.data_ptr()) % 4, 0u);
  EXPECT_TRUE(torch::equal(found, torch::tensor({1.5f, -2.f})));
}

}  // namespace
}  // namespace model
