#include "feedback/import.h"

#include <gtest/gtest.h>

#include "base/uuid.h"
#include "dialogue/jsonl.h"
#include "feedback/harvest.h"
#include "feedback/test_store.h"

namespace feedback {
namespace {

constexpr std::int64_t kDay = 86400000;

const char* kLine =
    R"line({"schema": "attune.dialogue/1", "id": "d1", "seeker": "ann-who-talks",
 "items": [{"id": "7", "title": "Heat (1995)"}, {"id": "8", "title": "Alien"}],
 "turns": [{"role": "seeker", "text": "Something tense?", "time": 0},
           {"role": "recommender", "text": "Did you see Alien?", "time": 2, "items": ["8"]},
           {"role": "seeker", "text": "No, thanks!", "time": 9}],
 "labels": [{"item": "8", "seen": false, "liked": true}],
 "events": [{"type": "dwell", "turn": "1", "time": 8, "value": 5.5}, {"type": "accept", "turn": "1", "value": 0.2},
            {"type": "accept", "turn": "1", "time": 8, "value": 0.7}, {"type": "wave", "turn": "1"}]})line";

class AnImport : public testing::Test {
 protected:
  base::TemporaryFolder folder_;
  Store store_{folder_.path() / "feedback.db"};

  dialogue::Corpus corpus() {
    std::string line = kLine;
    std::erase(line, '\n');
    const auto file = folder_.path() / "in.jsonl";
    base::write_file(file, line + "\n");
    return dialogue::read_dialogues(file);
  }
  int written(const dialogue::Corpus& corpus) {
    int fresh = 0;
    for (Batch& batch : to_batches(corpus, {store_.secret(), 1000 * kDay}).batches) {
      const Written result = store_.write(std::move(batch));
      EXPECT_EQ(result.error, "");
      for (const bool duplicate : result.duplicate) fresh += !duplicate;
    }
    return fresh;
  }
};

TEST_F(AnImport, TwiceIsAsGoodAsOnce) {
  EXPECT_EQ(written(corpus()), 4);  // dwell, item_open, seen, rating
  const std::int64_t newest = store_.counts().newest_seq;
  EXPECT_EQ(written(corpus()), 0);
  EXPECT_EQ(store_.counts().newest_seq, newest);
}

TEST_F(AnImport, TheStoreNeverSeesAPersonsId) {
  written(corpus());
  std::filesystem::remove(folder_.path() / "in.jsonl");
  EXPECT_FALSE(test::anywhere(folder_.path(), "ann-who-talks"));
  store_.each_conversation(1000, Store::Whose::everybody, [](const ConversationRecord& record) {
    EXPECT_EQ(record.conversation.subject.size(), 64u);
    EXPECT_TRUE(base::is_uuid(record.conversation.id));
    EXPECT_EQ(record.turns[1].parent, record.turns[0].id);
    EXPECT_EQ(record.decisions[0].shown[0].title, "Alien");
    EXPECT_EQ(record.turns[2].at - record.turns[1].at, 7000);
  });
}

TEST_F(AnImport, WhatHasNoPlaceIsCounted) {
  const auto dropped = to_batches(corpus(), {"key", 0}).dropped;
  ASSERT_EQ(dropped.size(), 2u);
  EXPECT_EQ(dropped[0].what, "events accept of less than a half");
  EXPECT_EQ(dropped[1].what, "events wave");
}

TEST_F(AnImport, AnExportComesBackAsItWas) {
  written(corpus());
  std::string subject;
  store_.each_conversation(1000, Store::Whose::everybody, [&](const ConversationRecord& record) {
    subject = record.conversation.subject;
  });
  store_.write(test::of_consent(subject, true, 1001 * kDay));
  const auto exported = [](const Store& store, const std::filesystem::path& file) {
    dialogue::write_dialogues(file, to_corpus(harvest(store, {.at = 1001 * kDay})).corpus);
    return base::read_file(file);
  };
  const auto file = folder_.path() / "out.jsonl";
  const std::string first = exported(store_, file);
  EXPECT_NE(first.find("\"liked\":true"), std::string::npos) << first;
  Store other(folder_.path() / "other.db");
  for (Batch& batch : to_batches(dialogue::read_dialogues(file), {other.secret(), 0}).batches)
    EXPECT_EQ(other.write(std::move(batch)).error, "");
  other.write(test::of_consent(subject, true, 1001 * kDay));
  EXPECT_EQ(exported(other, folder_.path() / "again.jsonl"), first);
}

}  // namespace
}  // namespace feedback
