#include "model/weights.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "model/safetensors.h"

namespace model {
namespace {

namespace fs = std::filesystem;

class WeightsFolder : public testing::Test {
 protected:
  const fs::path& path() const { return folder_.path(); }
  fs::path index() const { return path() / "model.safetensors.index.json"; }
  std::string refusal() const {
    try {
      read_weights(path());
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "";
  }

  base::TemporaryFolder folder_;
  // 16, 12 and 8 bytes
  TensorMap tensors_ = {{"a", torch::tensor({1.f, 2.f, 3.f, 4.f})},
                        {"b", torch::tensor({5.f, 6.f, 7.f})},
                        {"c", torch::tensor(8, torch::kInt64)}};
};

TEST_F(WeightsFolder, OneFileOrSeveralGiveTheSameTensors) {
  write_weights(path(), tensors_);
  EXPECT_FALSE(fs::exists(index()));
  EXPECT_EQ(read_weights(path()).path, path() / "model.safetensors");
  EXPECT_EQ(hash_tensors(read_weights(path()).tensors), hash_tensors(tensors_));

  write_weights(path(), tensors_, 20);  // a | b, c
  EXPECT_FALSE(fs::exists(path() / "model.safetensors"));
  EXPECT_TRUE(fs::exists(path() / "model-00002-of-00002.safetensors"));
  EXPECT_EQ(read_weights(path()).path, index());
  EXPECT_EQ(hash_tensors(read_weights(path()).tensors), hash_tensors(tensors_));
  EXPECT_EQ(base::read_file(index()), R"({
  "metadata": {
    "total_size": 36
  },
  "weight_map": {
    "a": "model-00001-of-00002.safetensors",
    "b": "model-00002-of-00002.safetensors",
    "c": "model-00002-of-00002.safetensors"
  }
}
)");
  write_weights(path(), tensors_);
  EXPECT_FALSE(fs::exists(index()));
}

TEST_F(WeightsFolder, ATensorThatIsLargerThanAFileIsNotCut) {
  write_weights(path(), tensors_, 1);
  EXPECT_TRUE(fs::exists(path() / "model-00003-of-00003.safetensors"));
  EXPECT_EQ(hash_tensors(read_weights(path()).tensors), hash_tensors(tensors_));
}

TEST_F(WeightsFolder, EveryFileMustBeWhatTheIndexSays) {
  write_weights(path(), tensors_, 20);
  const fs::path first = path() / "model-00001-of-00002.safetensors";
  const std::string good = base::read_file(first);

  fs::remove(first);
  EXPECT_NE(refusal().find("names model-00001-of-00002.safetensors, which is not there"),
            std::string::npos);
  write_safetensors(first, {{"a", tensors_["a"]}, {"x", tensors_["a"]}});
  EXPECT_NE(refusal().find("a tensor \"x\" that the index does not name"), std::string::npos);
  write_safetensors(first, {{"a", tensors_["a"]}, {"b", tensors_["b"]}});
  EXPECT_NE(refusal().find("\"b\", which the index places in model-00002"), std::string::npos);
  write_safetensors(first, {});
  EXPECT_NE(refusal().find("places the tensor \"a\" in model-00001-of-00002.safetensors, which "
                           "does not hold it"),
            std::string::npos);
  write_safetensors(first, {{"a", torch::ones(5)}});
  EXPECT_NE(refusal().find("total_size is 36, but the tensors have 40 bytes"), std::string::npos);
  base::write_file(first, good.substr(0, good.size() - 1));
  EXPECT_NE(refusal().find("model-00001-of-00002.safetensors: holds 15 bytes"), std::string::npos);
  base::write_file(first, good);
  EXPECT_EQ(refusal(), "");
}

TEST_F(WeightsFolder, PicklesAreRefusedWithTheWayOut) {
  EXPECT_NE(refusal().find("holds no weights, expected model.safetensors"), std::string::npos);
  base::write_file(path() / "pytorch_model.bin.index.json", "{}");
  EXPECT_NE(refusal().find("save_pretrained('.')"), std::string::npos);
  base::write_file(path() / "pytorch_model.bin", "\x80");
  EXPECT_NE(refusal().find("pytorch_model.bin: pickled weights are not read"), std::string::npos);
  write_weights(path(), tensors_);  // beside safe weights they do no harm
  EXPECT_EQ(refusal(), "");
}

}  // namespace
}  // namespace model
