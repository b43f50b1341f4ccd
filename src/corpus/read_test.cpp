#include "corpus/read.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"

namespace corpus {
namespace {

dialogue::Corpus small() {
  dialogue::Corpus corpus;
  corpus.catalogue =
      dialogue::Catalogue({{"22222", "Alien", "", {}, {}}, {"11111", "Heat", "", {}, {}}});
  dialogue::Dialogue dialogue;
  dialogue.id = "d";
  dialogue::Turn turn;
  turn.id = "0";
  turn.text = "Heat";
  turn.mentions = {{1, 0, 4}};
  dialogue.turns = {turn};
  corpus.dialogues = {dialogue};
  return corpus;
}

TEST(Read, AFolderKeepsItemsThatNoDialogueNames) {
  base::TemporaryFolder folder;
  write_corpus(folder.path() / "c", small());
  const dialogue::Corpus corpus = read_corpus(folder.path() / "c");
  ASSERT_EQ(corpus.catalogue.size(), 2);
  EXPECT_EQ(corpus.catalogue[0].title, "Alien");
  EXPECT_EQ(corpus.dialogues[0].turns[0].items(), std::vector<int>{1});
  // A file alone has the items it names.
  EXPECT_EQ(read_corpus(folder.path() / "c" / "dialogues.jsonl").catalogue.size(), 1);
}

TEST(Read, MoreDialoguesAreOfEitherFormat) {
  base::TemporaryFolder folder;
  write_corpus(folder.path(), small());
  EXPECT_EQ(read_more(folder.path() / "dialogues.jsonl", small().catalogue).dialogues[0].id, "d");
  base::write_file(folder.path() / "test_data.jsonl",
                   R"({"conversationId":"7","initiatorWorkerId":1,"respondentWorkerId":2,)"
                   R"("movieMentions":{"11111":"x"},"messages":[{"timeOffset":0,)"
                   R"("text":"@11111","senderWorkerId":1,"messageId":70}]})");
  const auto dialogues = read_more(folder.path() / "test_data.jsonl", small().catalogue).dialogues;
  EXPECT_EQ(dialogues.at(0).turns.at(0).items(), std::vector<int>{1});
}

TEST(Read, WhatIsNoCorpusIsRefused) {
  base::TemporaryFolder folder;
  EXPECT_THROW(read_corpus(folder.path()), base::DataError);
  EXPECT_THROW(read_corpus(folder.path() / "none"), base::DataError);
  EXPECT_THROW(read_more(folder.path() / "none", {}), base::DataError);
}

}  // namespace
}  // namespace corpus
