#include "corpus/published.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/test_data.h"
#include "corpus/read.h"
#include "corpus/statistics.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;
using dialogue::Role;

class Published : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& content) {
    base::write_file(folder_.path() / name, content);
  }
  std::string error() {
    try {
      count_published(folder_.path());
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "no error";
  }
  base::TemporaryFolder folder_;
};

TEST_F(Published, RowsOfUniCRSCountTargetsOfTurnsWithSomethingBeforeThem) {
  write("item_ids.json", "[5,6]");
  write("valid_data_processed.jsonl",
        R"j({"context":[""],"resp":"Hi <movie>","rec":[5],"entity":[]})j"
        "\n"
        R"j({"context":["","Hi","More"],"resp":"<movie> <movie>","rec":[5,5,7],"entity":[5]})j"
        "\n"
        R"j({"context":["Hi"],"resp":"Bye","rec":[],"entity":[]})j"
        "\n");
  const std::vector<PublishedFile> files = count_published(folder_.path());
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].made_by, "UniCRS");
  EXPECT_EQ(files[0].rows, 3);
  EXPECT_EQ(files[0].turns, 1);
  EXPECT_EQ(files[0].targets, 3);
  EXPECT_EQ(files[0].repeated, 2);
  EXPECT_EQ(files[0].unranked, 1);
  EXPECT_EQ(files[0].candidates, 2);
}

TEST_F(Published, RowsOfIEvaLMAndOfZeroShotAreTold) {
  write("item_ids.json", "[5,6]");
  write("entity2id.json", R"j({"Heat":5,"Ann":9})j");
  write("a.jsonl", R"j({"dialog_id":"7","turn_id":1,"context":["Heat"],"entity":["Heat"],)j"
                   R"j("rec":["Heat","Ann","Ghost"],"resp":"x"})j"
                   "\n");
  write("b.jsonl", R"j({"context":["Hi"],"resp":"x","rec":[6],"prev_entity":[],"is_user":0})j"
                   "\n"
                   R"j({"context":["Hi","x"],"resp":"x","rec":[6],"prev_entity":[6],"is_user":1})j"
                   "\n");
  write("notes.jsonl", "{}\n");
  const std::vector<PublishedFile> files = count_published(folder_.path());
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].made_by, "iEvaLM");
  EXPECT_EQ(files[0].targets, 3);
  EXPECT_EQ(files[0].repeated, 1);
  EXPECT_EQ(files[0].unranked, 2);
  EXPECT_EQ(files[1].made_by, "LLM zero-shot");
  EXPECT_EQ(files[1].rows, 1);
  EXPECT_EQ(files[1].repeated, 0);
}

TEST_F(Published, WhatIsNoProcessedSplitIsRefused) {
  EXPECT_NE(error().find("no processed split there"), std::string::npos);
  write("item_ids.json", "[5,5]");
  EXPECT_NE(error().find("item_ids.json: 5 is there twice"), std::string::npos);
  write("item_ids.json", "[5]");
  EXPECT_EQ(count_published(folder_.path()).at(0).candidates, 1);
  write("a.jsonl", R"j({"context":["Hi"],"resp":"x","rec":["Heat"],"entity":[]})j");
  EXPECT_NE(error().find("a.jsonl:1: \"rec\""), std::string::npos);
}

TEST(CountByRules, RulesDifferInMergingOpeningRepeatsAndLinks) {
  // recommender "a a", seeker "b", recommender "a", recommender "b c".
  dialogue::Dialogue dialogue;
  const auto say = [&](Role role, const std::vector<int>& items) {
    dialogue::Turn turn;
    turn.role = role;
    turn.text = std::string(items.size(), 'x');
    for (std::size_t i = 0; i < items.size(); ++i) turn.mentions.push_back({items[i], i, i + 1});
    dialogue.turns.push_back(turn);
  };
  say(Role::recommender, {0, 0});
  say(Role::seeker, {1});
  say(Role::recommender, {0});
  say(Role::recommender, {1, 2, 2});
  const auto rules = count_by_rules({dialogue}, std::vector<bool>{true, false, true});
  ASSERT_EQ(rules.size(), 4u);
  const auto expect = [&](std::size_t rule, int turns, int targets, int fresh) {
    EXPECT_EQ(rules[rule].turns, turns) << rules[rule].rule;
    EXPECT_EQ(rules[rule].targets, targets) << rules[rule].rule;
    EXPECT_EQ(rules[rule].new_targets, fresh) << rules[rule].rule;
  };
  EXPECT_EQ(rules[3].rule, "CRSLab");
  expect(0, 2, 3, 1);  // a; b c
  expect(1, 1, 4, 2);  // a b c c
  expect(2, 2, 4, 2);  // the opening a; a b c
  expect(3, 1, 3, 2);  // a c c
  EXPECT_EQ(count_by_rules({dialogue}, std::nullopt).size(), 3u);
}

// ---- on the real data ----

TEST(RealPublished, CountsOfTheValidationSplitsAreReproduced) {
  const fs::path splits = base::test::data_folder() / "crs_splits";
  if (!fs::exists(splits / "unicrs_redial" / "valid_data_processed.jsonl.xz"))
    GTEST_SKIP() << "skipped: no " << splits << "; set ATTUNE_DATA";
  const PublishedFile unicrs = count_published(splits / "unicrs_redial").at(0);
  EXPECT_EQ(unicrs.candidates, 6281);
  EXPECT_EQ(unicrs.rows, 6253);
  EXPECT_EQ(unicrs.turns, 2785);
  EXPECT_EQ(unicrs.targets, 3696);
  EXPECT_EQ(unicrs.unranked, 0);
  const PublishedFile ievalm = count_published(splits / "ievalm_redial").at(0);
  EXPECT_EQ(ievalm.candidates, 6576);
  EXPECT_EQ(ievalm.rows, 2716);
  EXPECT_EQ(ievalm.turns, 2716);
  EXPECT_EQ(ievalm.targets, 3595);
  EXPECT_EQ(count_published(splits / "kgsf_redial").at(0).candidates, 6924);
  EXPECT_EQ(count_published(splits / "llm_zeroshot_redial").at(0).candidates, 6281);
  EXPECT_EQ(count_published(splits / "llm_zeroshot_inspired").at(0).candidates, 1123);
}

TEST(RealPublished, TheRulesOnThePublishedValidationDialogues) {
  const fs::path data = base::test::data_folder(), splits = data / "crs_splits";
  if (!fs::exists(splits / "ievalm_redial" / "valid_data.jsonl.xz"))
    GTEST_SKIP() << "skipped: no " << splits << "; set ATTUNE_DATA";
  const dialogue::Catalogue catalogue = read_corpus(data / "redial").catalogue;
  const dialogue::Corpus valid =
      read_more(splits / "ievalm_redial" / "valid_data.jsonl.xz", catalogue);
  EXPECT_EQ(valid.dialogues.size(), 1000u);
  const auto rules =
      count_by_rules(valid.dialogues, linked_items(splits / "kgsf_redial", catalogue));
  ASSERT_EQ(rules.size(), 4u);
  EXPECT_EQ(rules[0].turns, 2880);
  EXPECT_EQ(rules[0].targets, 3823);
  EXPECT_EQ(rules[0].new_targets, 3544);
  EXPECT_EQ(rules[1].targets, 3854);
  EXPECT_EQ(rules[2].targets, 3863);
  EXPECT_EQ(rules[3].targets, 3227);
}

TEST(RealPublished, IEvaLMsTurnsAreTargetsOverReDialsCatalogue) {
  const fs::path data = base::test::data_folder(), splits = data / "crs_splits";
  if (!fs::exists(splits / "ievalm_redial" / "valid_data_processed.jsonl.xz"))
    GTEST_SKIP() << "skipped: no " << splits << "; set ATTUNE_DATA";
  const dialogue::Corpus turns =
      read_more(splits / "ievalm_redial" / "valid_data_processed.jsonl.xz",
                read_corpus(data / "redial").catalogue);
  EXPECT_EQ(turns.dialogues.size(), 985u);
  EXPECT_EQ(measure(turns).target_turns, 2716);
  EXPECT_EQ(measure(turns).targets, 3595);
  EXPECT_TRUE(turns.dropped.empty());
}

}  // namespace
}  // namespace corpus
