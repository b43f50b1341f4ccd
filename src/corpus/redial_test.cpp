#include "corpus/redial.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/test_data.h"
#include "corpus/check.h"
#include "corpus/split.h"
#include "corpus/statistics.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;

const char* const kMovies =
    "movieId,movieName,nbMentions\n"
    "11111,\"Crouching Tiger,  Hidden Dragon (2000)\",5\n"
    "22222,Tom &amp; Jerry ,9\n"
    "33333,\"The \"\"Burbs\"\" (1989)\",1\n";

const char* const kDialogue =
    R"j({"conversationId":"7","initiatorWorkerId":1,"respondentWorkerId":2,)j"
    R"j("movieMentions":{"11111":"x","22222":null,"50":null},)j"
    R"j("initiatorQuestions":{"11111":{"suggested":1,"seen":0,"liked":2}},"respondentQuestions":[],)j"
    R"j("messages":[{"timeOffset":0,"text":"Like @11111 @5pm","senderWorkerId":1,"messageId":70},)j"
    R"j({"timeOffset":9,"text":"@22222!","senderWorkerId":2,"messageId":71}]})j";

std::string rest_line(const std::string& conversation, int index) {
  return R"({"conversationId":)" + conversation + R"(,"trainIndex":)" + std::to_string(index) +
         R"(,"initiatorWorkerId":1,"respondentWorkerId":0,"movieMentions":{"33333":"x"},)"
         R"("initiatorLiked":{"33333":0},"respondentLiked":{"33333":1},"messages":[)"
         R"({"text":"@33333?","senderWorkerId":0}],"reconstruction":{"order":"exact"}})"
         "\n";
}

class Redial : public testing::Test {
 protected:
  fs::path write(const std::string& name, const std::string& content) {
    base::write_file(folder_.path() / name, content);
    return folder_.path() / name;
  }
  dialogue::Catalogue movies() { return read_redial_catalogue(write("movies.csv", kMovies)); }
  std::string error_of(const std::string& from, const std::string& to) {
    std::string line = kDialogue;
    line.replace(line.find(from), from.size(), to);
    try {
      read_redial_file(write("bad.jsonl", std::string(kDialogue) + "\n" + line), movies());
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "no error";
  }
  base::TemporaryFolder folder_;
};

TEST_F(Redial, ThePublishedFolderIsReadWithoutItsTestDialogues) {
  write("movies_with_mentions.csv", kMovies);
  std::string later = kDialogue, earlier = kDialogue;
  later.replace(later.find("\"7\""), 3, "\"9\"");
  write("train_data.jsonl", later + "\n" + earlier + "\n");
  write("test_data.jsonl", "not read");
  const dialogue::Corpus corpus = read_redial(folder_.path());
  ASSERT_EQ(corpus.dialogues.size(), 2u);
  EXPECT_EQ(corpus.dialogues[0].id, "7");  // sorted by conversation
  EXPECT_EQ(corpus.dialogues[1].id, "9");
  EXPECT_EQ(corpus.dialogues[1].source, "train_data");
}

TEST_F(Redial, TitlesLoseQuotesEntitiesAndDoubleSpaces) {
  const dialogue::Catalogue catalogue = movies();
  ASSERT_EQ(catalogue.size(), 3);
  EXPECT_EQ(catalogue[0].title, "Crouching Tiger, Hidden Dragon (2000)");
  EXPECT_EQ(catalogue[0].year, 2000);
  EXPECT_EQ(catalogue[1].title, "Tom & Jerry");
  EXPECT_FALSE(catalogue[1].year.has_value());
  EXPECT_EQ(catalogue[2].title, "The \"Burbs\" (1989)");
}

TEST_F(Redial, AnOriginalLineKeepsTimesWorkersSpansAndForms) {
  const auto dialogues = read_redial_file(write("test_data.jsonl", kDialogue), movies());
  ASSERT_EQ(dialogues.size(), 1u);
  const dialogue::Dialogue& dialogue = dialogues[0];
  EXPECT_EQ(dialogue.id, "7");
  EXPECT_EQ(dialogue.order, 7000);
  EXPECT_EQ(dialogue.source, "test_data");
  EXPECT_EQ(dialogue.seeker, "1");
  ASSERT_EQ(dialogue.turns.size(), 2u);
  EXPECT_EQ(dialogue.turns[0].id, "70");
  ASSERT_EQ(dialogue.turns[0].mentions.size(), 1u);  // "@5pm" is plain text
  EXPECT_EQ(dialogue.turns[0].mentions[0].begin, 5u);
  EXPECT_EQ(dialogue.turns[0].mentions[0].end, 11u);
  EXPECT_EQ(dialogue.turns[1].role, dialogue::Role::recommender);
  EXPECT_EQ(dialogue.turns[1].time, 9);
  const dialogue::Label* label = dialogue.seeker_label(0);
  EXPECT_EQ(label->suggested, true);
  EXPECT_EQ(label->seen, false);
  EXPECT_FALSE(label->liked.has_value());
  EXPECT_TRUE(dialogue.recommender_labels.empty());
}

TEST_F(Redial, DialoguesWithoutAnIdComeWhereTheirIndexSaysAmongBothFiles) {
  // The whole training file has 8 lines: ids 5, [7], null, [9], null, 12 of which 7 and 9 are in
  // train_part; index 2 is behind one train_part dialogue, index 4 behind two.
  std::string nine = kDialogue;
  nine.replace(nine.find("\"7\""), 3, "\"9\"");
  write("movies_with_mentions.csv", kMovies);
  write("train_part.jsonl", std::string(kDialogue) + "\n" + nine + "\n");
  write("train_rest_reconstructed.jsonl",
        rest_line("5", 0) + rest_line("null", 2) + rest_line("null", 4) + rest_line("12", 5));
  std::vector<std::string> ids;
  const dialogue::Corpus corpus = read_redial(folder_.path());
  for (const dialogue::Dialogue& dialogue : corpus.dialogues) ids.push_back(dialogue.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"5", "7", "train-2", "9", "train-4", "12"}));
  const dialogue::Dialogue& derived = corpus.dialogues[2];
  EXPECT_TRUE(derived.seeker.empty());
  EXPECT_EQ(derived.turns[0].role, dialogue::Role::recommender);
  EXPECT_FALSE(derived.turns[0].time.has_value());
  EXPECT_EQ(derived.seeker_label(2)->liked, false);
  EXPECT_EQ(derived.recommender_labels[0].liked, true);
}

TEST_F(Redial, BadLinesAreRefusedWithTheirNumber) {
  EXPECT_NE(error_of("Like @11111", "Like @99999").find("bad.jsonl:2: a message names movie 99999"),
            std::string::npos);
  EXPECT_NE(error_of("\"22222\":null", "\"22223\":null").find("movieMentions names movie 22223"),
            std::string::npos);
  EXPECT_NE(error_of("\"senderWorkerId\":2", "\"senderWorkerId\":3").find("expected 1 or 2"),
            std::string::npos);
  EXPECT_NE(error_of("\"liked\":2", "\"liked\":3").find("expected 0, 1 or 2"), std::string::npos);
  EXPECT_NE(error_of("messages", "massages").find("\"messages\" is missing"), std::string::npos);
  EXPECT_NE(error_of("\"7\"", "\"7\"").find("was already on line 1"), std::string::npos);
}

// ---- on the real data ----

fs::path real_folder() { return base::test::data_folder() / "redial"; }

// Read once for all tests below.
const dialogue::Corpus& real_corpus() {
  static const dialogue::Corpus corpus = read_redial(real_folder());
  return corpus;
}

class RealRedial : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(real_folder() / "train_part.jsonl.xz"))
      GTEST_SKIP() << "skipped: no " << real_folder() << "; set ATTUNE_DATA";
  }
};

TEST_F(RealRedial, CountsOfTrainPartAreThePublishedOnes) {
  const dialogue::Corpus& all = real_corpus();
  EXPECT_EQ(all.catalogue.size(), 6924);
  std::vector<int> part;
  for (std::size_t i = 0; i < all.dialogues.size(); ++i)
    if (all.dialogues[i].source == "train_part") part.push_back(static_cast<int>(i));
  const Statistics s = measure(all, part);
  EXPECT_EQ(s.dialogues, 4109);
  EXPECT_EQ(s.messages, 74562);
  EXPECT_NEAR(static_cast<double>(s.merged_turns) / 4109, 12.35, .005);
  EXPECT_EQ(s.seeker_mentions, 10041);
  EXPECT_EQ(s.recommender_mentions, 16330);
  EXPECT_EQ(s.distinct_items, 4022);
  EXPECT_EQ(s.liked.yes, 17208);
  EXPECT_EQ(s.liked.no, 1046);
  EXPECT_EQ(s.liked.not_said, 3018);
  EXPECT_EQ(s.liked_suggested.yes, 11432);
  EXPECT_EQ(s.liked_suggested.no, 838);
  EXPECT_EQ(s.liked_suggested.not_said, 2459);
  EXPECT_EQ(s.seconds_median, 263);
  EXPECT_EQ(s.seconds_p95, 526);
  EXPECT_EQ(s.timed, 4109);
}

TEST_F(RealRedial, CountsOfAllTrainingDialoguesAreThePublishedOnes) {
  const Statistics s = measure(real_corpus());
  EXPECT_EQ(s.dialogues, 10000);
  EXPECT_EQ(s.messages, 181991);
  EXPECT_NEAR(static_cast<double>(s.merged_turns) / 10000, 12.4, .05);
  EXPECT_EQ(s.seeker_mentions + s.recommender_mentions, 64430);
  EXPECT_EQ(s.distinct_items, 6222);
}

TEST_F(RealRedial, SplitsByTimeHoldOutTheEndOfTrainPartOnly) {
  SplitSettings settings;
  settings.hold_out_from = "train_part";
  settings.validation = 400;
  settings.test = 300;
  const Splits splits = split_dialogues(real_corpus().dialogues, settings);
  EXPECT_EQ(splits.validation.size(), 400u);
  EXPECT_EQ(splits.test.size(), 300u);
  EXPECT_LT(splits.train.size(), 9300u);  // later derived dialogues are in no split
  EXPECT_GT(splits.train.size(), 7000u);
  for (int i : splits.test)
    EXPECT_EQ(real_corpus().dialogues[static_cast<std::size_t>(i)].source, "train_part");
}

TEST_F(RealRedial, SplitsByWorkerShareNoWorker) {
  SplitSettings settings;
  settings.by = "worker";
  settings.hold_out_from = "train_part";
  const Splits splits = split_dialogues(real_corpus().dialogues, settings);  // checked inside
  EXPECT_GT(splits.train.size(), 1000u);
  EXPECT_GE(splits.validation.size(), 411u);
}

}  // namespace
}  // namespace corpus
