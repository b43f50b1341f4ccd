#include "corpus/split.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/test_data.h"
#include "corpus/check.h"
#include "corpus/read.h"

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

// Eight dialogues: c0 … c3, each in two parts, "train" and "valid".
std::vector<dialogue::Dialogue> in_parts() {
  std::vector<dialogue::Dialogue> dialogues(8);
  for (int i = 0; i < 8; ++i) {
    dialogue::Dialogue& d = dialogues[static_cast<std::size_t>(i)];
    d.part_of = "c" + std::to_string(i / 2);
    d.source = i % 2 ? "valid_data" : "train";
    d.id = d.source + d.part_of;
    d.order = i / 2;
  }
  return dialogues;
}

TEST(Split, ByDialogueTheTurnsOfAConversationStayTogether) {
  SplitSettings settings;
  settings.by = "dialogue";
  settings.validation = settings.test = 2;
  for (settings.seed = 1; settings.seed < 6; ++settings.seed) {
    const Splits splits = split_dialogues(in_parts(), settings);
    ASSERT_EQ(splits.validation.size(), 2u);
    EXPECT_EQ(splits.validation[0] / 2, splits.validation[1] / 2);
  }
  EXPECT_THROW(check_splits(in_parts(), {{0}, {1}, {2}}, settings), base::Error);
}

TEST(Split, BySeedEntityNoSeedIsInTwoSplits) {
  auto dialogues = ten();  // d0 d1 d2 begin with Heat, d3 d4 with Alien, the others with nothing
  for (int i = 0; i < 5; ++i)
    dialogues[static_cast<std::size_t>(i)].seed = i == 1 ? "HEAT" : i < 3 ? "Heat" : "Alien";
  SplitSettings settings;
  settings.by = "seed_entity";
  settings.validation = settings.test = 3;
  for (settings.seed = 1; settings.seed < 9; ++settings.seed) {
    const Splits splits = split_dialogues(dialogues, settings);  // checked inside
    EXPECT_GE(splits.test.size(), 3u);
    const auto in_test = [&](int i) {
      return std::count(splits.test.begin(), splits.test.end(), i);
    };
    EXPECT_EQ(in_test(0), in_test(1));
    EXPECT_EQ(in_test(3), in_test(4));
  }
  EXPECT_THROW(check_splits(dialogues, {{0}, {1}, {5}}, settings), base::Error);
  EXPECT_NE(error_of(ten(), settings).find("no dialogue says what it begins with"),
            std::string::npos);
}

TEST(Split, ASeedThatIsHeldOutIsNotTrainedOnEither) {
  auto dialogues = ten();
  for (auto& dialogue : dialogues) dialogue.seed = "s" + std::to_string(dialogue.order / 2);
  SplitSettings settings;
  settings.by = "seed_entity";
  settings.hold_out_from = "a";  // each seed has one of a, one of b
  settings.validation = settings.test = 1;
  const Splits splits = split_dialogues(dialogues, settings);
  EXPECT_EQ(splits.test.size() + splits.validation.size(), 2u);
  EXPECT_EQ(splits.train.size(), 6u);
  ASSERT_EQ(splits.dropped.size(), 1u);
  EXPECT_EQ(splits.dropped[0].count, 2);
}

TEST(Split, AsPublishedTheSourceDecidesAndSharedConversationsAreALeak) {
  SplitSettings settings;
  settings.by = "published";
  auto dialogues = in_parts();
  dialogues[7].source = "test";
  const Splits splits = split_dialogues(dialogues, settings);
  EXPECT_EQ(splits.train, (std::vector<int>{0, 2, 4, 6}));
  EXPECT_EQ(splits.validation, (std::vector<int>{1, 3, 5}));
  EXPECT_EQ(splits.test, std::vector<int>{7});
  const Check check = check_corpus({{}, dialogues}, splits, settings);
  ASSERT_EQ(check.leaks.size(), 2u);
  EXPECT_EQ(check.leaks[0],
            "3 of 3 validation dialogues have other turns of their conversation in training");
  EXPECT_NE(error_of(ten(), settings).find("no published split"), std::string::npos);
}

TEST(Split, ByIdsFilesSayWhatIsHeldOutAndUnknownOnesAreRefused) {
  base::TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& content) {
    base::write_file(folder.path() / name, content);
    return (folder.path() / name).string();
  };
  SplitSettings settings;
  settings.by = "ids";
  settings.validation_ids = write("v.txt", "d1\n\n d3\n");
  settings.test_ids =
      write("t.jsonl", "{\"conversationId\":\"d5\"}\n{\"dialog_id\":\"d5\"}\n{\"id\":\"d0\"}\n");
  const Splits splits = split_dialogues(ten(), settings);
  EXPECT_EQ(splits.validation, (std::vector<int>{1, 3}));
  EXPECT_EQ(splits.test, (std::vector<int>{0, 5}));
  EXPECT_EQ(splits.train, (std::vector<int>{2, 4, 6, 7, 8, 9}));
  // A conversation's id holds out all its parts.
  SplitSettings whole;
  whole.by = "ids";
  whole.validation_ids = write("c.txt", "c2\n");
  EXPECT_EQ(split_dialogues(in_parts(), whole).validation, (std::vector<int>{4, 5}));

  settings.validation_ids = write("v.txt", "d1\nd11\nd12\n");
  EXPECT_NE(error_of(ten(), settings)
                .find("v.txt: 2 of the 3 dialogues that it names are not in the corpus (d11, d12)"),
            std::string::npos);
  settings.unknown_ids = 2;
  EXPECT_EQ(split_dialogues(ten(), settings).dropped.at(0).count, 2);
  settings.validation_ids = write("v.txt", "d0\n");
  EXPECT_NE(error_of(ten(), settings).find("dialogue d0 is in "), std::string::npos);
  settings.validation_ids = write("v.txt", "\n");
  EXPECT_NE(error_of(ten(), settings).find("names no dialogue"), std::string::npos);
  settings.validation_ids = write("v.txt", "d1\n{\"name\":1}\n");
  EXPECT_NE(error_of(ten(), settings).find("v.txt:2: has neither"), std::string::npos);
  settings.validation_ids = settings.test_ids = "";
  EXPECT_NE(error_of(ten(), settings).find("split.validation_ids"), std::string::npos);
}

TEST(Split, DerivedDialoguesAreNeverHeldOut) {
  auto dialogues = ten();
  for (int i = 5; i < 10; ++i)
    dialogues[static_cast<std::size_t>(i)].source = "train_rest_reconstructed";
  SplitSettings settings;
  settings.validation = settings.test = 2;
  for (const char* by : {"time", "dialogue"}) {
    settings.by = by;
    const Splits splits = split_dialogues(dialogues, settings);
    for (const std::vector<int>* split : {&splits.validation, &splits.test})
      for (int i : *split) EXPECT_LT(i, 5) << by;
  }
  settings.hold_out_from = "train_rest_reconstructed";
  EXPECT_NE(error_of(dialogues, settings).find("no dialogue that may be held out"),
            std::string::npos);
  base::TemporaryFolder folder;
  base::write_file(folder.path() / "ids", "d1\nd7\nd8\n");
  settings.by = "ids";
  settings.validation_ids = (folder.path() / "ids").string();
  const Splits splits = split_dialogues(dialogues, settings);
  EXPECT_EQ(splits.validation, std::vector<int>{1});
  EXPECT_EQ(splits.train.size(), 7u);
  EXPECT_EQ(splits.dropped.at(0).count, 2);
  EXPECT_THROW(check_splits(dialogues, {{0}, {7}, {}}, settings), base::Error);
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

// ---- on the real data ----

TEST(RealSplit, OpenDialKGsPublishedSplitLeaksAndSplitsOfOurOwnDoNot) {
  const auto folder = base::test::data_folder() / "opendialkg";
  if (!std::filesystem::exists(folder / "train_data_processed.jsonl.xz"))
    GTEST_SKIP() << "skipped: no " << folder << "; set ATTUNE_DATA";
  const dialogue::Corpus corpus = read_corpus(folder);
  SplitSettings settings;
  settings.by = "published";
  const auto overlaps = [&] {
    return check_corpus(corpus, split_dialogues(corpus.dialogues, settings), settings).overlaps;
  };
  const std::vector<Overlap> published = overlaps();
  ASSERT_EQ(published.size(), 2u);
  EXPECT_EQ(published[0].count, 543);  // dialogues with other turns in training
  EXPECT_EQ(published[0].of, 1124);
  EXPECT_EQ(published[1].count, 1023);  // begin with a seed of training
  settings.by = "dialogue";
  EXPECT_EQ(overlaps()[0].count, 0);
  settings.by = "seed_entity";
  for (const Overlap& overlap : overlaps()) EXPECT_EQ(overlap.count, 0) << overlap.what;
}

TEST(RealSplit, OfReDialsPublishedValidationDialoguesTheOriginalOnesAreHeldOut) {
  const auto data = base::test::data_folder();
  if (!std::filesystem::exists(data / "crs_splits" / "ievalm_redial" / "valid_data.jsonl.xz"))
    GTEST_SKIP() << "skipped: no " << data / "crs_splits"
                 << "; set ATTUNE_DATA";
  SplitSettings settings;
  settings.by = "ids";
  settings.validation_ids =
      (data / "crs_splits" / "ievalm_redial" / "valid_data.jsonl.xz").string();
  const dialogue::Corpus corpus = read_corpus(data / "redial");
  EXPECT_NE(error_of(corpus.dialogues, settings).find("1 of the 1000 dialogues"),
            std::string::npos);
  settings.unknown_ids = 1;
  const Splits splits = split_dialogues(corpus.dialogues, settings);
  EXPECT_EQ(splits.validation.size(), 354u);
  EXPECT_EQ(splits.train.size(), 9001u);  // 10,000 without the 999
  EXPECT_EQ(splits.dropped.at(0).count, 645);
}

}  // namespace
}  // namespace corpus
