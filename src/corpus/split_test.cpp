#include "corpus/split.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace corpus {
namespace {

// Ten dialogues d0 … d9 in order; even ones from "a", odd ones from "b"; two people each.
std::vector<dialogue::Dialogue> ten() {
  std::vector<dialogue::Dialogue> dialogues(10);
  for (int i = 0; i < 10; ++i) {
    dialogue::Dialogue& d = dialogues[static_cast<std::size_t>(i)];
    d.id = "d" + std::to_string(i);
    d.order = i;
    d.source = i % 2 ? "b" : "a";
    d.seeker = "s" + std::to_string(i / 2);
    d.recommender = "r" + std::to_string(i / 4);
  }
  return dialogues;
}

std::string error_of(const std::vector<dialogue::Dialogue>& dialogues,
                     const SplitSettings& settings) {
  try {
    split_dialogues(dialogues, settings);
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Split, ByTimeTheLastOfTheSourceAreHeldOutAndLaterOthersLeftOut) {
  SplitSettings settings;
  settings.hold_out_from = "a";  // d0 d2 d4 d6 d8
  settings.validation = 1;
  settings.test = .2;  // of five
  const Splits splits = split_dialogues(ten(), settings);
  EXPECT_EQ(splits.test, std::vector<int>{8});
  EXPECT_EQ(splits.validation, std::vector<int>{6});
  EXPECT_EQ(splits.train, (std::vector<int>{0, 1, 2, 3, 4, 5}));  // not d7, not d9
}

TEST(Split, ByDialogueEveryDialogueIsInOneSplitAndTheSeedDecides) {
  SplitSettings settings;
  settings.by = "dialogue";
  settings.validation = 2;
  settings.test = 3;
  const Splits one = split_dialogues(ten(), settings);
  EXPECT_EQ(one.train.size(), 5u);
  EXPECT_EQ(one.validation.size(), 2u);
  EXPECT_EQ(one.test.size(), 3u);
  EXPECT_EQ(split_dialogues(ten(), settings).test, one.test);
  settings.seed = 2;
  const Splits other = split_dialogues(ten(), settings);
  EXPECT_TRUE(other.test != one.test || other.validation != one.validation);
}

TEST(Split, ByWorkerNobodyIsInTwoSplits) {
  SplitSettings settings;
  settings.by = "worker";
  settings.validation = 2;
  settings.test = 2;
  // The groups that talk among themselves: d0-d3 (r0), d4-d7 (r1), d8-d9 (r2).
  const Splits splits = split_dialogues(ten(), settings);
  EXPECT_GE(splits.test.size(), 2u);
  EXPECT_GE(splits.validation.size(), 2u);
  EXPECT_GE(splits.train.size(), 2u);
}

TEST(Split, AnEmptySplitIsRefusedByName) {
  SplitSettings settings;
  settings.validation = .01;  // of ten: none
  EXPECT_NE(error_of(ten(), settings).find("validation split is empty"), std::string::npos);
  settings.validation = 10;
  settings.test = 0;
  EXPECT_NE(error_of(ten(), settings).find("training split is empty"), std::string::npos);
  settings.hold_out_from = "c";
  EXPECT_NE(error_of(ten(), settings).find("source \"c\""), std::string::npos);
  settings.by = "tmie";
  settings.hold_out_from = "";
  EXPECT_NE(error_of(ten(), settings).find("expected time"), std::string::npos);
}

TEST(Split, ChecksFindADialogueOrAPersonInTwoSplits) {
  SplitSettings settings;
  settings.by = "seeker";
  EXPECT_THROW(check_splits(ten(), {{0, 1}, {2}, {0}}, settings), base::Error);
  EXPECT_THROW(check_splits(ten(), {{0}, {2}, {1}}, settings), base::Error);  // both s0
  EXPECT_NO_THROW(check_splits(ten(), {{0, 1}, {2}, {4}}, settings));
  settings.by = "worker";
  EXPECT_THROW(check_splits(ten(), {{0, 1}, {2}, {4}}, settings), base::Error);  // r0 twice
  settings.by = "time";
  EXPECT_THROW(check_splits(ten(), {{0, 5}, {4}, {6}}, settings), base::Error);
}

}  // namespace
}  // namespace corpus
