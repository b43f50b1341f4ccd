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

TEST(Safetensors, EachRuleOfTheFormatIsHeld) {
  base::TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  const std::string good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  base::write_file(path, file_of(good, 8));
  EXPECT_NO_THROW(read_safetensors(path));
  const std::vector<std::pair<std::string, std::size_t>> bad = {
      {good, 7},                                                           // cut
      {good, 9},                                                           // too long
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12},  // a hole in front
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8},    // another size
      {R"({"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", 8},    // no such type
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8},   // a negative size
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})",
       8},                                                               // overflow
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8},  // backwards
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
       16},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
       12},
      {R"({"__metadata__":{"x":1}})", 0},  // metadata is text
      {R"([1])", 0},
      {R"({"a":{"dtype":"F32","shape":[2]}})", 8}};
  for (const auto& [header, bytes] : bad) {
    base::write_file(path, file_of(header, bytes));
    EXPECT_THROW(read_safetensors(path), base::DataError) << header;
  }
  base::write_file(path, "short");
  EXPECT_THROW(read_safetensors(path), base::DataError);
  std::string huge(16, '\xff');
  base::write_file(path, huge);
  EXPECT_THROW(read_safetensors(path), base::DataError);
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
