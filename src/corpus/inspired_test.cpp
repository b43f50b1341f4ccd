#include "corpus/inspired.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/test_data.h"
#include "corpus/inspired_outcomes.h"
#include "corpus/read.h"
#include "corpus/statistics.h"
#include "corpus/test_dropped.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;
using dialogue::Role;

std::string utterance(const std::string& role, const std::string& text, const std::string& movies,
                      const std::string& links, const std::string& names) {
  return R"j({"role":")j" + role + R"j(","text":")j" + text + R"j(","movie":[)j" + movies +
         R"j(],"movie_link":[)j" + links + R"j(],"movie_name":[)j" + names +
         R"j(],"entity_name":["thriller"]})j";
}

const char* const kJoker = R"j("<http://dbpedia.org/resource/Joker_(2019_film)>")j";
const char* const kMa = R"j("<http://dbpedia.org/resource/Ma_(film)>")j";

class Inspired : public testing::Test {
 protected:
  void SetUp() override {
    write("unicrs/train_data_dbpedia.jsonl",
          "[" + utterance("SEEKER", "A thriller, please", "", "", "") + "," +
              utterance("RECOMMENDER", "joker! The Joker", R"j("Joker (2019)","Ghost (1990)")j",
                        kJoker, R"j("Joker")j") +
              "]\n");
    write("unicrs/valid_data_dbpedia.jsonl",
          "[" + utterance("RECOMMENDER", "Did you see it?", R"j("Ma (2019)")j", kMa, R"j("Ma")j") +
              "," + utterance("SEEKER", "\\\"No\\\" it's old", "", "", "") + "]\n");
    write("dev.tsv",
          "dialog_id\ttext\tfine_label\n"
          "a.pkl\tDid you see it?\tnan\n"
          "a.pkl\tQUOTATION_MARKNoQUOTATION_MARK it's old\taccept_uninterested\n"
          "b.pkl\tHi \"there\taccept_others\n");
  }
  fs::path write(const std::string& name, const std::string& content) {
    const fs::path file = folder_.path() / "inspired" / name;
    base::create_folder(file.parent_path());
    base::write_file(file, content);
    return file;
  }
  dialogue::Corpus read() { return read_corpus(folder_.path() / "inspired"); }
  std::string error_of(const std::string& name, const std::string& content) {
    write(name, content);
    try {
      read();
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "no error";
  }
  base::TemporaryFolder folder_;
};

TEST_F(Inspired, MoviesAreItemsByTheirLinkAndStandWhereTheTextNamesThem) {
  const dialogue::Corpus corpus = read();
  ASSERT_EQ(corpus.catalogue.size(), 2);
  EXPECT_EQ(corpus.catalogue[0].id, "Joker_(2019_film)");
  EXPECT_EQ(corpus.catalogue[0].title, "Joker (2019)");
  EXPECT_EQ(corpus.catalogue[0].year, 2019);
  ASSERT_EQ(corpus.dialogues.size(), 2u);
  const dialogue::Dialogue& first = corpus.dialogues[0];
  EXPECT_EQ(first.id, "train-1");
  EXPECT_EQ(first.seed, "thriller");
  ASSERT_EQ(first.turns[1].mentions.size(), 2u);
  EXPECT_EQ(first.turns[1].mentions[0].end, 5u);
  EXPECT_EQ(first.turns[1].mentions[1].begin, 11u);
  EXPECT_EQ(corpus.dialogues[1].turns[0].mentions.at(0).begin, 15u);  // at the text's end
  EXPECT_EQ(test::count(corpus.dropped, "movies named without a link"), 1);
  EXPECT_EQ(test::count(corpus.dropped, "linked movies that their turn does not name"), 1);
}

TEST_F(Inspired, OutcomesAreJoinedByTheWordsAndSayHowItEnded) {
  const dialogue::Corpus corpus = read();
  const dialogue::Dialogue& rejected = corpus.dialogues[1];
  EXPECT_EQ(rejected.satisfaction, 0);
  ASSERT_EQ(rejected.seeker_labels.size(), 1u);
  EXPECT_EQ(rejected.seeker_labels[0].liked, false);
  EXPECT_EQ(rejected.seeker_labels[0].suggested, true);
  EXPECT_FALSE(corpus.dialogues[0].satisfaction.has_value());
  EXPECT_EQ(test::count(corpus.dropped, "dialogues whose outcome is not known"), 1);
}

TEST_F(Inspired, MoviesThatTheCatalogueLacksAreCountedAndCandidatesBesideTheFolderFillIt) {
  const fs::path test =
      write("test_data_dbpedia.jsonl",
            "[" +
                utterance("RECOMMENDER", "Heat?", "",
                          R"j("<http://dbpedia.org/resource/Heat_(1995_film)>")j", R"j("Heat")j") +
                "]\n");
  dialogue::Corpus more = read_more(test, read().catalogue);
  EXPECT_EQ(more.dialogues.at(0).id, "test-1");
  EXPECT_EQ(measure(more).targets, 0);
  EXPECT_EQ(test::count(more.dropped, "movies of the recommender that the catalogue lacks"), 1);
  write("../crs_splits/llm_zeroshot_inspired/entity2id.json",
        R"j({"<http://dbpedia.org/resource/Heat_(1995_film)>":4})j");
  write("../crs_splits/llm_zeroshot_inspired/item_ids.json", "[4]");
  const dialogue::Catalogue catalogue = read().catalogue;
  EXPECT_EQ(catalogue[2].title, "Heat (1995)");
  EXPECT_EQ(measure(read_more(test, catalogue)).targets, 1);
}

TEST_F(Inspired, DamagedFilesAreRefusedWithTheirLine) {
  const std::string good =
      base::read_file(folder_.path() / "inspired/unicrs/train_data_dbpedia.jsonl");
  const char* const train = "unicrs/train_data_dbpedia.jsonl";
  EXPECT_NE(error_of(train, good + "{}\n").find("dbpedia.jsonl:2: expected a list"),
            std::string::npos);
  EXPECT_NE(error_of(train, "[" + utterance("BOT", "", "", "", "") + "]")
                .find(":1: [0]: unknown role \"BOT\""),
            std::string::npos);
  EXPECT_NE(error_of(train, "[" + utterance("SEEKER", "", "", kMa, "") + "]")
                .find("1 movie_link and 0 movie_name"),
            std::string::npos);
  EXPECT_NE(error_of(train, R"j([{"role":"SEEKER","movie_link":[],"movie_name":[]}])j")
                .find("\"text\" is missing"),
            std::string::npos);
  EXPECT_NE(error_of(train, good + good.substr(0, 40)).find(":2: "), std::string::npos);
  write(train, good);
  EXPECT_NE(error_of("dev.tsv", "dialog_id\ttext\tfine_label\na\tb\n")
                .find("dev.tsv:2: 2 fields, expected 3"),
            std::string::npos);
  EXPECT_NE(error_of("dev.tsv", "dialog_id\ttext\tfine_label\na\tb\tgood\n")
                .find("dev.tsv:2: unknown fine_label \"good\""),
            std::string::npos);
  EXPECT_NE(error_of("dev.tsv", "dialog_id\ttext\n").find("no column \"fine_label\""),
            std::string::npos);
}

// ---- on the real data ----

TEST(RealInspired, CountsAreThePublishedOnesAndValidationOutcomesAreAllJoined) {
  const fs::path folder = base::test::data_folder() / "inspired";
  if (!fs::exists(folder / "unicrs" / "train_data_dbpedia.jsonl.xz"))
    GTEST_SKIP() << "skipped: no " << folder << "; set ATTUNE_DATA";
  const dialogue::Corpus corpus = read_corpus(folder);
  EXPECT_EQ(corpus.catalogue.size(), 1449);  // 1,385 named and 64 more candidates
  std::vector<int> train, valid;
  int rated = 0, labels = 0, seedless = 0, with_attributes = 0;
  for (std::size_t i = 0; i < corpus.dialogues.size(); ++i) {
    const dialogue::Dialogue& dialogue = corpus.dialogues[i];
    (dialogue.source == "train" ? train : valid).push_back(static_cast<int>(i));
    rated += dialogue.satisfaction.has_value();
    labels += static_cast<int>(dialogue.seeker_labels.size());
    seedless += dialogue.seed.empty();
  }
  for (const dialogue::Item& item : corpus.catalogue.items())
    with_attributes += !item.attributes.empty();
  EXPECT_EQ(train.size(), 801u);
  EXPECT_EQ(valid.size(), 99u);
  EXPECT_EQ(measure(corpus, train).messages, 16982);
  EXPECT_EQ(measure(corpus, valid).messages, 2053);
  EXPECT_EQ(measure(corpus, train).target_turns, 1805);
  EXPECT_EQ(measure(corpus, train).targets, 2072);
  EXPECT_EQ(measure(corpus, valid).target_turns, 246);
  EXPECT_EQ(measure(corpus, valid).targets, 272);
  EXPECT_EQ(rated, 64);  // 35 of the 99 were accepted without a rating
  EXPECT_EQ(labels, 24);
  EXPECT_EQ(seedless, 0);
  EXPECT_EQ(with_attributes, 1355);
  EXPECT_EQ(test::count(corpus.dropped, "dialogues whose outcome is not known"), 801);
  EXPECT_EQ(test::count(corpus.dropped, "linked movies that their turn does not name"), 601);
  EXPECT_EQ(test::count(corpus.dropped, "movies named without a link"), 728);
}

}  // namespace
}  // namespace corpus
