#include "dialogue/jsonl.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"

namespace dialogue {
namespace {

const char* const kLine =
    R"j({"schema":"attune.dialogue/1","id":"d1","seeker":"u","items":[{"id":"7","title":"Heat (1995)","year":1995,"attributes":{"genre":["crime","drama"]}},{"id":"8","title":"Alien"}],)j"
    R"j("turns":[{"id":"a","role":"seeker","text":"I saw Heat (1995)","time":0,"mentions":[{"item":"7","begin":6,"end":17}]},)j"
    R"j({"role":"recommender","text":"Alien then?","time":4.5,"items":["8"]}],)j"
    R"j("labels":[{"item":"8","by":"seeker","suggested":true,"liked":false},{"item":"8","by":"recommender","liked":true}],)j"
    R"j("events":[{"type":"dwell","turn":"1","item":"8","value":3.5}],"satisfaction":0.25})j";

class Jsonl : public testing::Test {
 protected:
  std::filesystem::path file(const std::string& content) {
    const auto path = folder_.path() / "d.jsonl";
    base::write_file(path, content);
    return path;
  }
  // The message of the error that reading this content throws.
  std::string error_of(const std::string& content) {
    try {
      read_dialogues(file(content));
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "no error";
  }
  // The line with its first `from` replaced.
  static std::string changed(const std::string& from, const std::string& to) {
    std::string line = kLine;
    return line.replace(line.find(from), from.size(), to);
  }
  base::TemporaryFolder folder_;
};

void expect_end(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST_F(Jsonl, ALineGivesADialogueWithItsItemsLabelsAndEvents) {
  const Corpus corpus = read_dialogues(file(std::string(kLine) + "\n"));
  ASSERT_EQ(corpus.dialogues.size(), 1u);
  ASSERT_EQ(corpus.catalogue.size(), 2);
  EXPECT_EQ(corpus.catalogue[0].attributes.at("genre"),
            (std::vector<std::string>{"crime", "drama"}));
  const Dialogue& dialogue = corpus.dialogues[0];
  EXPECT_EQ(dialogue.order, 1);  // the line, where none is given
  EXPECT_EQ(dialogue.turns[0].items(), std::vector<int>{0});
  EXPECT_EQ(dialogue.turns[1].id, "1");
  EXPECT_EQ(dialogue.turns[1].time, 4.5);
  ASSERT_EQ(dialogue.turns[1].mentions.size(), 1u);  // found by its title
  EXPECT_EQ(dialogue.turns[1].mentions[0].begin, 0u);
  EXPECT_EQ(dialogue.turns[1].mentions[0].end, 5u);
  EXPECT_EQ(dialogue.seeker_label(1)->liked, false);
  EXPECT_FALSE(dialogue.seeker_label(1)->seen.has_value());
  EXPECT_EQ(dialogue.recommender_labels[0].liked, true);
  EXPECT_EQ(dialogue.events[0].value, 3.5);
  EXPECT_EQ(dialogue.satisfaction, .25);
}

TEST_F(Jsonl, WhatIsWrittenReadsBackTheSame) {
  const Corpus corpus = read_dialogues(file(kLine));
  const auto first = folder_.path() / "1.jsonl", second = folder_.path() / "2.jsonl";
  write_dialogues(first, corpus);
  write_dialogues(second, read_dialogues(first));
  EXPECT_EQ(base::read_file(first), base::read_file(second));
  EXPECT_NE(base::read_file(first).find("\"end\":17"), std::string::npos);
}

TEST_F(Jsonl, TargetsSeedAndConversationAreKeptAndAMentionMayBeEmpty) {
  const Corpus corpus = read_dialogues(file(changed(
      "\"satisfaction\"", R"("targets":["1"],"part_of":"c","seed":"Heat","satisfaction")")));
  const auto path = folder_.path() / "1.jsonl";
  Corpus more = corpus;
  more.dialogues[0].turns[1].mentions = {{1, 0, 5}, {0, 11, 11}};
  write_dialogues(path, more);
  const Dialogue dialogue = read_dialogues(path).dialogues[0];
  EXPECT_EQ(dialogue.targets, std::vector<int>{1});
  EXPECT_TRUE(dialogue.is_target(1));
  EXPECT_FALSE(dialogue.is_target(0));
  EXPECT_EQ(dialogue.seed, "Heat");
  EXPECT_EQ(dialogue.conversation(), "c");
  EXPECT_EQ(dialogue.turns[1].items(), (std::vector<int>{1, 0}));
  EXPECT_EQ(written_out(dialogue.turns[1], corpus.catalogue), "Alien then? Heat (1995)");
  EXPECT_TRUE(read_dialogues(file(kLine)).dialogues[0].is_target(1));  // no targets: all
  EXPECT_FALSE(read_dialogues(file(changed("\"satisfaction\"", R"("targets":[],"satisfaction")")))
                   .dialogues[0]
                   .is_target(1));
}

TEST_F(Jsonl, BytesThatAreNoCharactersAreWrittenAsTheOneForThat) {
  Corpus corpus = read_dialogues(file(kLine));
  corpus.dialogues[0].turns[1].text = "look at\x96 films";
  write_dialogues(folder_.path() / "out.jsonl", corpus);
  const Corpus again = read_dialogues(folder_.path() / "out.jsonl");
  EXPECT_EQ(again.dialogues[0].turns[1].text, "look at\uFFFD films");
}

TEST_F(Jsonl, ACatalogueFileFixesTheNumbersOfItems) {
  const auto path = folder_.path() / "catalogue.jsonl";
  write_catalogue(path, Catalogue({{"8", "Alien", "movie", {}, {}}, {"7", "Heat", "", 1995, {}}}));
  const Corpus corpus = read_dialogues(file(kLine), read_catalogue(path));
  EXPECT_EQ(corpus.dialogues[0].turns[0].mentions[0].item, 1);
  EXPECT_EQ(corpus.catalogue[0].domain, "movie");
  write_catalogue(path, Catalogue({{"8", "Alien", "movie", {}, {}}}));
  EXPECT_THROW(read_dialogues(file(kLine), read_catalogue(path)), base::DataError);
}

TEST_F(Jsonl, ALongerTitleIsNotTakenForAShorterOne) {
  const Corpus corpus = read_dialogues(
      file(R"j({"schema":"attune.dialogue/1","id":"d","items":[{"id":"1","title":"Alien"},)j"
           R"j({"id":"2","title":"Alien Nation (1988)"}],"turns":[{"role":"seeker",)j"
           R"j("text":"aliens, alien nation or ALIEN","items":["1","2"]}]})j"));
  const std::vector<Mention>& mentions = corpus.dialogues[0].turns[0].mentions;
  ASSERT_EQ(mentions.size(), 2u);
  EXPECT_EQ(mentions[0].item, 1);
  EXPECT_EQ(mentions[0].begin, 8u);
  EXPECT_EQ(mentions[1].item, 0);
  EXPECT_EQ(mentions[1].begin, 24u);
}

TEST_F(Jsonl, BadLinesAreRefusedWithFileAndLine) {
  const std::string good = kLine;
  expect_end(error_of(good + "\n" + good.substr(0, 90)), "d.jsonl:2: ");
  expect_end(error_of(changed("Alien then", "Ali\xff then")), "d.jsonl:1: not UTF-8");
  expect_end(error_of(changed("\"id\":\"d1\"", "\"id\":\"d1\",\"id\":\"d1\"")), "appears twice");
  expect_end(error_of(changed("0.25", std::string(70, '[') + std::string(70, ']'))), "deeper");
  expect_end(error_of(good + "\n" + good),
             "d.jsonl:2: the dialogue id \"d1\" was already on line 1");
  expect_end(error_of(good + "\n\n"), "d.jsonl:2: ");
}

TEST_F(Jsonl, WhatDoesNotFitTheFormatIsRefused) {
  expect_end(error_of(changed("[\"8\"]", "[\"9\"]")), "unknown item \"9\"");
  expect_end(error_of(changed("Alien then", "Aliens then")), "does not name item \"8\"");
  expect_end(error_of(changed("\"end\":17", "\"end\":18")), "outside the text of 17 bytes");
  expect_end(error_of(changed("\"begin\":6", "\"begin\":-1")), "expected 0 or more");
  expect_end(
      error_of(changed("\"end\":17}", "\"end\":17},{\"item\":\"8\",\"begin\":16,\"end\":17}")),
      "overlaps");
  expect_end(error_of(changed("recommender", "bot")), "unknown role \"bot\"");
  expect_end(error_of(changed("dialogue/1", "dialogue/2")), "newer attune");
  expect_end(error_of(changed("\"turn\":\"1\"", "\"turn\":\"5\"")), "no turn \"5\"");
  const auto with_targets = [&](const std::string& targets) {
    return error_of(changed("\"satisfaction\"", "\"targets\":" + targets + ",\"satisfaction\""));
  };
  expect_end(with_targets("[\"7\"]"), "targets[0]: the dialogue has no turn \"7\"");
  expect_end(with_targets("[\"a\"]"), "the turn \"a\" is the seeker's");
  expect_end(with_targets("[\"1\",\"1\"]"), "names a turn twice");
  expect_end(with_targets("[1]"), "expected a turn's id");
  expect_end(error_of(changed("\"time\":4.5", "\"time\":\"4\"")), "expected a number");
}

}  // namespace
}  // namespace dialogue
