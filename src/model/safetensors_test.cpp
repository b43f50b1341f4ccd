#include "model/safetensors.h"

#include <cstring>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "model/checkpoint.h"
#include "model/folder.h"

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
  EXPECT_EQ(base::read_file(folder.path() / "x"),
            std::string("\xc0\0\0\0\0\0\0\0", 8) +
                R"({"__metadata__":{"format":"pt"},)"
                R"("z":{"dtype":"I32","shape":[],"data_offsets":[0,4]},)"
                R"("a":{"dtype":"I8","shape":[1],"data_offsets":[4,5]},)"
                R"("b":{"dtype":"U8","shape":[2],"data_offsets":[5,7]}}    )" +
                std::string("\4\0\0\0\3\1\2", 7));
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

TEST(ModelFolder, ComesBackAndIgnoresPrefixAndBuffers) {
  base::TemporaryFolder folder;
  const LanguageModel model = random_model(gpt2_config(1, 2, 8, 8, 20), 3);
  write_model(folder.path(), model);
  EXPECT_EQ(hash_tensors(read_model(folder.path()).parameters.values()),
            hash_tensors(model.parameters.values()));
  TensorMap prefixed;
  for (const auto& [name, tensor] : model.parameters.values())
    prefixed["transformer." + name] = tensor;
  prefixed["transformer.h.0.attn.bias"] = torch::ones({1, 1, 8, 8});
  prefixed["lm_head.weight"] = torch::ones({20, 8});
  write_safetensors(folder.path() / "model.safetensors", prefixed);
  EXPECT_EQ(hash_tensors(read_model(folder.path()).parameters.values()),
            hash_tensors(model.parameters.values()));
  prefixed.erase("transformer.ln_f.bias");
  write_safetensors(folder.path() / "model.safetensors", prefixed);
  EXPECT_THROW(read_model(folder.path()), base::Error);
}

TEST(Checkpoint, TheNewestWholeOneIsFoundAndADamagedOnePassedOver) {
  base::TemporaryFolder folder;
  for (int step : {10, 20, 30})
    write_checkpoint(folder.path(), {step, {{"w", torch::full({4}, float(step))}}, {{"beta", .5}}});
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "checkpoint-10"));
  EXPECT_EQ(read_newest_checkpoint(folder.path(), nullptr)->step, 30);
  std::string bytes = base::read_file(folder.path() / "checkpoint-30/state.safetensors");
  bytes.back() ^= 1;
  base::write_file(folder.path() / "checkpoint-30/state.safetensors", bytes);
  std::string warning;
  const auto found =
      read_newest_checkpoint(folder.path(), [&](const std::string& text) { warning = text; });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 20);
  EXPECT_EQ(found->state["beta"], .5);
  EXPECT_NE(warning.find("state.safetensors"), std::string::npos);
}

}  // namespace
}  // namespace model
