#include "corpus/opendialkg.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/test_data.h"
#include "corpus/read.h"
#include "corpus/statistics.h"
#include "corpus/test_dropped.h"
#include "corpus/turn_records.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;
using dialogue::Role;

const dialogue::Dialogue* find(const dialogue::Corpus& corpus, const std::string& id) {
  for (const dialogue::Dialogue& dialogue : corpus.dialogues)
    if (dialogue.id == id) return &dialogue;
  return nullptr;
}

class OpenDialKG : public testing::Test {
 protected:
  // Two films, two books, and Ann, a person. Dialogue 3 has a training turn 1 and a validation turn
  // 3; the book dialogue 3269 a training turn 1 and a turn 3 that is in neither split; of 3270 no
  // turn is in a split.
  void SetUp() override {
    write("entity2id.json", R"j({"Heat":0,"Ann":1,"It":2,"It Follows":5,"Dune":7,"Emma":8})j");
    write("item_ids.json", "[0,2,5,7,8]");
    write(
        "id2info.json",
        R"j({"0":{"name":"It","year":"1990","actor":["Ann"]},"1":{"name":"Dune","writer":["Ann"]},)j"
        R"j("2":{"name":"Heat"}})j");
    write("train_data_processed.jsonl", kTrain);
    write(
        "valid_data_processed.jsonl",
        R"j({"dialog_id":3,"turn_id":3,"context":["Films with Ann?","Try It.","Seen it. Heat too"],)j"
        R"j("entity":["Ann","It","Heat"],"rec":["It Follows","Ghost"],"resp":"It follows, it"})j"
        "\n");
    write(
        "dialog_Books.jsonl",
        R"j([{"role":"user","text":"Like Emma","item":["Emma"]},)j"
        R"j({"role":"assistant","text":"Dune","item":["Dune"]},)j"
        R"j({"role":"user","text":"More than emma?","item":["Emma"]},)j"
        R"j({"role":"assistant","text":"Heat","item":["Heat"]},)j"
        R"j({"role":"user","text":"Bye","item":[]}])j"
        "\n"
        R"j([{"role":"user","text":"Hi","item":[]},{"role":"assistant","text":"It","item":["It"]}])j"
        "\n");
  }
  fs::path write(const std::string& name, const std::string& content) {
    base::write_file(folder_.path() / name, content);
    return folder_.path() / name;
  }
  std::string error_of(const std::string& name, const std::string& content) {
    write(name, content);
    try {
      read_corpus(folder_.path());
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "no error";
  }
  std::string changed(const std::string& from, const std::string& to) {
    std::string lines = kTrain;
    return lines.replace(lines.find(from), from.size(), to);
  }
  const std::string kTrain =
      R"j({"dialog_id":3,"turn_id":1,"context":["Films with Ann?"],"entity":["Ann"],)j"
      R"j("rec":["It"],"resp":"Try It."})j"
      "\n"
      R"j({"dialog_id":3269,"turn_id":1,"context":["Like Emma"],"entity":["Emma"],)j"
      R"j("rec":["Dune"],"resp":"Dune"})j"
      "\n";
  base::TemporaryFolder folder_;
};

TEST_F(OpenDialKG, ItemsAreTheCandidatesWithTheirAttributesByName) {
  const dialogue::Catalogue catalogue = read_opendialkg_catalogue(folder_.path());
  ASSERT_EQ(catalogue.size(), 5);
  EXPECT_EQ(catalogue[1].id, "2");
  EXPECT_EQ(catalogue[1].title, "It");
  EXPECT_EQ(catalogue[1].year, 1990);
  EXPECT_EQ(catalogue[1].domain, "movie");
  EXPECT_EQ(catalogue[3].domain, "book");
  EXPECT_EQ(catalogue[0].domain, "");
}

TEST_F(OpenDialKG, EachPartOfAConversationHasItsOwnTurnsAsTargets) {
  const dialogue::Corpus corpus = read_corpus(folder_.path());
  ASSERT_EQ(corpus.dialogues.size(), 3u);
  const dialogue::Dialogue& train = *find(corpus, "train-3");
  const dialogue::Dialogue& valid = *find(corpus, "valid-3");
  EXPECT_EQ(train.conversation(), "3");
  EXPECT_EQ(train.source, "train");
  EXPECT_EQ(train.targets, std::vector<int>{1});
  ASSERT_EQ(train.turns.size(), 2u);
  EXPECT_EQ(valid.conversation(), "3");
  EXPECT_EQ(valid.targets, std::vector<int>{3});
  ASSERT_EQ(valid.turns.size(), 4u);
  EXPECT_EQ(valid.turns[0].role, Role::seeker);
  EXPECT_EQ(valid.turns[1].role, Role::recommender);
  EXPECT_EQ(valid.turns[1].items(), std::vector<int>{1});
  EXPECT_EQ(valid.turns[2].items(), (std::vector<int>{1, 0}));
  EXPECT_FALSE(valid.is_target(1));
  // The target is named, "it" alone is not what is recommended; Ghost is no item.
  EXPECT_EQ(valid.turns[3].items(), std::vector<int>{2});
  EXPECT_EQ(valid.turns[3].mentions[0].end, 10u);
  EXPECT_EQ(test::count(corpus.dropped, "items to recommend that the catalogue lacks"), 1);
  EXPECT_EQ(train.seed, "Ann");
  EXPECT_EQ(valid.seed, "Ann");
}

TEST_F(OpenDialKG, ABookDialogueGoesOnUpToTheNextRecommendation) {
  const dialogue::Corpus corpus = read_corpus(folder_.path());
  const dialogue::Dialogue& book = *find(corpus, "train-3269");
  ASSERT_EQ(book.turns.size(), 3u);  // "Heat" and what follows it are of neither split
  EXPECT_EQ(book.turns[2].items(), std::vector<int>{4});
  EXPECT_EQ(book.targets, std::vector<int>{1});
  EXPECT_EQ(test::count(corpus.dropped, "turns of book dialogues"), 4);
  EXPECT_EQ(test::count(corpus.dropped, "book dialogues without a turn"), 1);
}

TEST_F(OpenDialKG, AFileAloneHasItsTurnsAsTargets) {
  const dialogue::Catalogue catalogue = read_opendialkg_catalogue(folder_.path());
  const fs::path file = write(
      "test_data_processed.jsonl",
      R"j({"dialog_id":9,"turn_id":4,"context":["Hi","Yes?","A film","Heat"],"entity":[],)j"
      R"j("rec":["Dune"],"resp":"Why not"})j"
      "\n"
      R"j({"dialog_id":9,"turn_id":1,"context":["","Hi"],"entity":[],"rec":["Heat"],"resp":"Heats"})j"
      "\n"
      R"j({"dialog_id":9,"turn_id":2,"context":["Hi","Yes?"],"entity":[],"rec":["Heat"],"resp":"A film"})j"
      "\n");
  const dialogue::Corpus corpus = read_more(file, catalogue);
  ASSERT_EQ(corpus.dialogues.size(), 2u);
  const dialogue::Dialogue& whole = *find(corpus, "test-9-2");
  EXPECT_EQ(whole.targets, (std::vector<int>{2, 4}));
  EXPECT_EQ(whole.turns[0].role, Role::recommender);
  ASSERT_EQ(whole.turns[4].mentions.size(), 1u);
  EXPECT_EQ(whole.turns[4].mentions[0].begin, 7u);  // not named: at the end
  EXPECT_EQ(whole.turns[4].mentions[0].end, 7u);
  EXPECT_EQ(test::count(corpus.dropped, "items to recommend that their turn does not name"), 2);
  // "Hi" answered by "Heats" is another talk than "Hi" answered by "Yes?".
  EXPECT_EQ(find(corpus, "test-9")->turns.size(), 2u);
  EXPECT_EQ(find(corpus, "test-9")->turns[1].mentions[0].end, 4u);
  EXPECT_EQ(test::count(corpus.dropped, "dialogues whose turns are not those of other records"), 1);
  EXPECT_EQ(measure(corpus).target_turns, 3);
  EXPECT_EQ(measure(corpus).targets, 3);
}

TEST_F(OpenDialKG, RecordsWithOtherWordsBeforeThemAreADialogueOfTheirOwn) {
  write("train_data_processed.jsonl",
        kTrain + R"j({"dialog_id":3,"turn_id":3,"context":["Films with Bob?","Try It.","No"],)j"
                 R"j("entity":[],"rec":["Heat"],"resp":"Heat"})j"
                 "\n");
  const dialogue::Corpus corpus = read_corpus(folder_.path());
  EXPECT_EQ(find(corpus, "train-3")->turns.size(), 2u);
  ASSERT_NE(find(corpus, "train-3-2"), nullptr);
  EXPECT_EQ(find(corpus, "train-3-2")->conversation(), "3");
  EXPECT_EQ(find(corpus, "train-3-2")->targets, std::vector<int>{3});
  EXPECT_EQ(test::count(corpus.dropped, "dialogues whose turns are not those of other records"), 1);
}

TEST_F(OpenDialKG, WithoutEntitiesTheSeedIsTheFirstNameInTheText) {
  write("train_data_processed.jsonl", changed("\"entity\":[\"Emma\"]", "\"entity\":[\"\"]"));
  EXPECT_EQ(find(read_corpus(folder_.path()), "train-3269")->seed, "Emma");
}

TEST_F(OpenDialKG, DamagedFilesAreRefusedWithTheirLine) {
  const char* const train = "train_data_processed.jsonl";
  EXPECT_NE(error_of(train, changed("\"turn_id\":1", "\"turn_id\":2"))
                .find("train_data_processed.jsonl:1: \"turn_id\" is 2, but the context has 1"),
            std::string::npos);
  EXPECT_NE(error_of(train, changed("\"resp\"", "\"response\"")).find(":1: \"resp\" is missing"),
            std::string::npos);
  EXPECT_NE(error_of(train, kTrain + kTrain).find(":3: turn 1 of dialogue 3 was already"),
            std::string::npos);
  EXPECT_NE(error_of(train, kTrain.substr(0, kTrain.size() - 5)).find(":2: "), std::string::npos);
  write(train, kTrain);
  EXPECT_NE(error_of("dialog_Books.jsonl", R"j([{"role":"bot","text":"","item":[]}])j")
                .find("Books.jsonl:1: unknown role \"bot\""),
            std::string::npos);
  EXPECT_NE(error_of("item_ids.json", "[0,99]").find("item 99 has no name"), std::string::npos);
  EXPECT_NE(error_of("item_ids.json", "[0,0]").find("the item id \"0\" appears twice"),
            std::string::npos);
  fs::remove(folder_.path() / "valid_data_processed.jsonl");
  EXPECT_NE(error_of("item_ids.json", "[0]").find("valid_data_processed.jsonl: no such file"),
            std::string::npos);
}

// ---- on the real data ----

fs::path real_folder() { return base::test::data_folder() / "opendialkg"; }

class RealOpenDialKG : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(real_folder() / "train_data_processed.jsonl.xz"))
      GTEST_SKIP() << "skipped: no " << real_folder() << "; set ATTUNE_DATA";
  }
};

TEST_F(RealOpenDialKG, CountsAreThePublishedOnes) {
  const dialogue::Corpus corpus = read_corpus(real_folder());
  EXPECT_EQ(corpus.catalogue.size(), 2965);
  std::vector<int> train, valid;
  int seedless = 0;
  for (std::size_t i = 0; i < corpus.dialogues.size(); ++i) {
    (corpus.dialogues[i].source == "train" ? train : valid).push_back(static_cast<int>(i));
    seedless += corpus.dialogues[i].seed.empty();
  }
  EXPECT_EQ(train.size(), 4100u);
  EXPECT_EQ(valid.size(), 1124u);
  EXPECT_EQ(measure(corpus, train).target_turns, 5547);
  EXPECT_EQ(measure(corpus, train).targets, 5893);
  EXPECT_EQ(measure(corpus, valid).target_turns, 1187);
  EXPECT_EQ(measure(corpus, valid).targets, 1253);  // 1,254, of which one has no number
  EXPECT_EQ(test::count(corpus.dropped, "items to recommend that the catalogue lacks"), 1);
  EXPECT_EQ(test::count(corpus.dropped, "book dialogues without a turn"), 195);
  EXPECT_EQ(test::count(corpus.dropped, "items to recommend that their turn does not name"), 24);
  EXPECT_EQ(test::count(corpus.dropped, "turns of book dialogues"), 2605);
  EXPECT_EQ(test::count(corpus.dropped, "book dialogues that differ"), 1);
  EXPECT_EQ(seedless, 0);
}

TEST_F(RealOpenDialKG, TheValidationFileAloneGivesTheSamePairs) {
  const dialogue::Catalogue catalogue = read_opendialkg_catalogue(real_folder());
  const dialogue::Corpus valid =
      read_more(real_folder() / "valid_data_processed.jsonl.xz", catalogue);
  EXPECT_EQ(valid.dialogues.size(), 1124u);
  EXPECT_EQ(measure(valid).targets, 1253);
}

}  // namespace
}  // namespace corpus
