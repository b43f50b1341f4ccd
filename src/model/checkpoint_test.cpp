#include "model/checkpoint.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/files.h"

namespace model {
namespace {

namespace fs = std::filesystem;

class Checkpoints : public testing::Test {
 protected:
  void write(std::int64_t step) {
    write_checkpoint(folder(), {step,
                                {{"weight", torch::full({2, 3}, static_cast<float>(step))},
                                 {"count", torch::tensor({step, step + 1}, torch::kInt64)}},
                                {{"beta", .1 * static_cast<double>(step)}}});
  }
  std::optional<Checkpoint> read() {
    warnings_.clear();
    return read_newest_checkpoint(folder(),
                                  [&](const std::string& text) { warnings_.push_back(text); });
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder()))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  const fs::path& folder() const { return folder_.path(); }

  std::vector<std::string> warnings_;

 private:
  base::TemporaryFolder folder_;
};

TEST_F(Checkpoints, TheNewestComesBackAsItWasWritten) {
  write(9);
  write(10);  // newer, though it sorts before 9 as a text
  const auto read_back = read();
  ASSERT_TRUE(read_back);
  EXPECT_EQ(read_back->step, 10);
  EXPECT_EQ(read_back->state, (base::Json{{"beta", 1.}}));
  ASSERT_EQ(read_back->tensors.size(), 2u);
  EXPECT_TRUE(at::equal(read_back->tensors.at("weight"), torch::full({2, 3}, 10.f)));
  EXPECT_TRUE(at::equal(read_back->tensors.at("count"), torch::tensor({10, 11}, torch::kInt64)));
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(Checkpoints, WhereThereIsNoneNothingComesBack) {
  EXPECT_FALSE(read());
  EXPECT_FALSE(read_newest_checkpoint(folder() / "not there", {}));
}

TEST_F(Checkpoints, ADamagedNewestIsPassedOverWithAWarningThatNamesIt) {
  const fs::path newest = folder() / "checkpoint-8";
  const auto damages = {
      std::pair<const char*, std::function<void()>>{
          "state.safetensors",
          [&] {
            std::string content = base::read_file(newest / "state.safetensors");
            content.back() ^= 1;
            base::write_file(newest / "state.safetensors", content);
          }},
      {"state.safetensors", [&] { fs::resize_file(newest / "state.safetensors", 20); }},
      {"state.json", [&] { fs::remove(newest / "state.json"); }},
      {"manifest.json", [&] { base::write_file(newest / "manifest.json", "{"); }},
      {"checkpoint-8", [&] { fs::remove(newest / "manifest.json"); }}};
  for (const auto& [file, damage] : damages) {
    write(7);
    write(8);
    damage();
    const auto read_back = read();
    ASSERT_TRUE(read_back) << file;
    EXPECT_EQ(read_back->step, 7) << file;
    ASSERT_EQ(warnings_.size(), 1u) << file;
    EXPECT_NE(warnings_[0].find("checkpoint-8"), std::string::npos) << warnings_[0];
    EXPECT_NE(warnings_[0].find(file), std::string::npos) << warnings_[0];
  }
}

TEST_F(Checkpoints, WhereAllAreDamagedNothingComesBackAndEachIsNamed) {
  for (const int step : {3, 4}) {
    write(step);
    fs::remove(folder() / ("checkpoint-" + std::to_string(step)) / "manifest.json");
  }
  EXPECT_FALSE(read());
  EXPECT_EQ(warnings_.size(), 2u);
}

TEST_F(Checkpoints, TheTwoNewestAreKept) {
  for (const int step : {8, 9, 10, 11}) write(step);
  EXPECT_EQ(names(), (std::vector<std::string>{"checkpoint-10", "checkpoint-11"}));
}

TEST_F(Checkpoints, WritingAStepAgainReplacesIt) {
  write(5);
  write_checkpoint(folder(), {5, {{"weight", torch::zeros({1})}}, {{"again", true}}});
  EXPECT_EQ(names(), std::vector<std::string>{"checkpoint-5"});
  EXPECT_EQ(read()->state, (base::Json{{"again", true}}));
}

TEST_F(Checkpoints, WhatACrashLeftIsNeitherReadNorInTheWayOfTheNext) {
  write(4);
  base::create_folder(folder() / "checkpoint-6.partial");
  base::write_file(folder() / "checkpoint-6.partial" / "old", "half");
  base::create_folder(folder() / "checkpoint-");
  base::create_folder(folder() / "checkpoint-7x");
  EXPECT_EQ(read()->step, 4);
  EXPECT_TRUE(warnings_.empty());
  write(6);
  EXPECT_FALSE(fs::exists(folder() / "checkpoint-6.partial"));
  EXPECT_FALSE(fs::exists(folder() / "checkpoint-6" / "old"));
  EXPECT_EQ(read()->step, 6);
}

TEST_F(Checkpoints, AllOfThemAreRemovedAndNothingElse) {
  write(1);
  write(2);
  base::create_folder(folder() / "checkpoint-3.partial");
  base::write_file(folder() / "metrics.jsonl", "{}\n");
  remove_checkpoints(folder());
  EXPECT_EQ(names(), std::vector<std::string>{"metrics.jsonl"});
  EXPECT_NO_THROW(remove_checkpoints(folder() / "not there"));
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
