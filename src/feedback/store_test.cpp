#include "feedback/store.h"

#include <future>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/random.h"
#include "feedback/test_store.h"

namespace feedback {
namespace {

using test::event;
using test::id;
using test::of_consent;
using test::of_events;
using test::small_talk;

class AStore : public testing::Test {
 protected:
  base::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "feedback.db";

  static void put(Store& store, Batch batch) {
    const Written written = store.write(std::move(batch));
    EXPECT_EQ(written.error, "");
  }
};

TEST_F(AStore, WhatIsWrittenIsReadBackAfterAStart) {
  std::string secret;
  {
    Store store(file_);
    put(store, small_talk("a", "ann", 1000));
    put(store, of_consent("ann", true, 1500));
    put(store, of_events({event("a", "rating", "ann", 4000, {{"value", 1}})}));
    secret = store.secret();
    EXPECT_EQ(secret.size(), 32u);
  }
  const Store store(file_);
  EXPECT_EQ(store.secret(), secret);
  const auto turns = store.turns(id("a"));
  ASSERT_EQ(turns.size(), 2u);
  EXPECT_EQ(turns[1].parent, turns[0].id);
  EXPECT_EQ(turns[1].role, dialogue::Role::recommender);
  EXPECT_EQ(turns[1].mentions[0].end, 24u);
  const auto decisions = store.decisions(id("a"));
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_EQ(decisions[0].candidates[1].title, "Alien (1979)");
  EXPECT_EQ(decisions[0].shown[0].propensity, .1);
  EXPECT_EQ(decisions[0].details.dump(), R"({"seed":1})");
  const auto events = store.events(id("a"));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].props.dump(), R"({"value":1})");
  EXPECT_EQ(events[0].seq, 6);  // conversation 1, turns 2 and 3, decision 4, consent 5
  EXPECT_TRUE(store.consent("ann")->training);
  EXPECT_EQ(store.conversation(id("a"))->updated_at, 3000);
}

TEST_F(AStore, AnEventThatComesAThousandTimesIsOneRow) {
  Store store(file_);
  put(store, small_talk("a", "ann", 1000));
  const StoredEvent one = event("a", "copy", "ann", 2000);
  for (int i = 0; i < 10; ++i) {
    const Written written = store.write(of_events(std::vector<StoredEvent>(100, one)));
    EXPECT_EQ(written.duplicate[0], i > 0);
    EXPECT_TRUE(written.duplicate[99]);
    EXPECT_EQ(written.seq, 5);
  }
  EXPECT_EQ(store.events(id("a")).size(), 1u);
}

TEST_F(AStore, AnEventOfAConversationThatIsGoneIsSaidAndTheOthersAreKept) {
  Store store(file_);
  put(store, small_talk("a", "ann", 1000));
  const Written written =
      store.write(of_events({event("gone", "copy", "ann", 2000), event("a", "copy", "ann", 2000)}));
  EXPECT_EQ(written.error, "");
  EXPECT_EQ(written.orphan, (std::vector<bool>{true, false}));
  EXPECT_EQ(written.duplicate, (std::vector<bool>{false, false}));
  EXPECT_EQ(store.counts().events, 1);
}

TEST_F(AStore, ABatchThatBreaksARuleFailsAloneAndAsAWhole) {
  Store store(file_);
  Batch broken = small_talk("a", "ann", 1000);
  broken.conversations.clear();
  std::promise<Written> bad, good;
  store.write(broken, [&](const Written& written) { bad.set_value(written); });
  store.write(small_talk("b", "ann", 1000),
              [&](const Written& written) { good.set_value(written); });
  EXPECT_NE(bad.get_future().get().error, "");
  EXPECT_EQ(good.get_future().get().error, "");
  EXPECT_EQ(store.counts().turns, 2);
  EXPECT_EQ(store.turns(id("b"))[0].seq, 2);  // the broken one left no gap
}

TEST_F(AStore, TheNewestConsentCounts) {
  Store store(file_);
  EXPECT_EQ(store.consent("ann"), std::nullopt);
  put(store, of_consent("ann", true, 1));
  put(store, of_consent("ann", false, 2));
  EXPECT_FALSE(store.consent("ann")->training);
  EXPECT_EQ(store.consents("ann").size(), 2u);
  EXPECT_EQ(store.counts().training, 0);
}

TEST_F(AStore, ConversationsComeNewestFirstPageByPageAndOnlyTheirOwners) {
  Store store(file_);
  for (int i = 0; i < 5; ++i) put(store, small_talk(std::to_string(i), i == 2 ? "bob" : "ann", i));
  const auto first = store.conversations("ann", 2, "");
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].id, id("4"));
  EXPECT_EQ(first[0].turns, 2);
  const auto second = store.conversations("ann", 2, first[1].id);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].id, id("1"));
  EXPECT_TRUE(store.conversations("ann", 2, id("2")).empty());  // bob's
}

TEST_F(AStore, ManyCallersShareCommitsAndNothingIsLostOrMixed) {
  Store store(file_);
  put(store, small_talk("a", "ann", 1000));
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([&, caller] {
      for (int i = 0; i < 50; ++i) {
        const Written written =
            store.write(of_events({event("a", "copy", "ann", 1000 * caller + i)}));
        EXPECT_EQ(written.error, "");
        EXPECT_FALSE(written.duplicate[0]);
      }
    });
  for (std::thread& caller : callers) caller.join();
  const auto events = store.events(id("a"));
  ASSERT_EQ(events.size(), 400u);
  for (std::size_t i = 0; i < events.size(); ++i)
    EXPECT_EQ(events[i].seq, static_cast<std::int64_t>(5 + i));
}

TEST_F(AStore, WhatWaitsIsWrittenBeforeItCloses) {
  int done = 0;
  {
    Store store(file_);
    put(store, small_talk("a", "ann", 1000));
    for (int i = 0; i < 100; ++i)
      store.write(of_events({event("a", "copy", "ann", i)}), [&](const Written&) { ++done; });
  }
  EXPECT_EQ(done, 100);
  EXPECT_EQ(Store(file_).counts().events, 100);
}

TEST_F(AStore, OneProcessWritesAndOthersMayRead) {
  Store store(file_);
  put(store, small_talk("a", "ann", 1000));
  EXPECT_THROW(Store second(file_), base::ResourceError);
  Store reader(file_, Store::Access::read_only);
  EXPECT_EQ(reader.turns(id("a")).size(), 2u);
  EXPECT_THROW(reader.write(Batch{}), base::UsageError);
  EXPECT_THROW(reader.erase_subject("ann"), base::UsageError);
  EXPECT_TRUE(reader.read_only());
}

TEST_F(AStore, OnlyItsOwnerMayReadTheFile) {
  const Store store(file_);
  struct stat about {};
  ASSERT_EQ(::stat(file_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(AStore, OtherFilesAreRefusedByName) {
  const auto refused = [&](const std::string& content, const std::string& what) {
    base::write_file(file_, content);
    try {
      Store store(file_);
      FAIL() << what;
    } catch (const base::DataError& error) {
      EXPECT_NE(std::string(error.what()).find("feedback.db"), std::string::npos) << error.what();
    }
  };
  refused(std::string(8192, 'x'), "no database");
  EXPECT_THROW(Store(folder_.path() / "none.db", Store::Access::read_only), base::DataError);
  EXPECT_THROW(Store(folder_.path()), base::DataError);
}

TEST_F(AStore, IsToldFromOtherFilesByItsFirstBytes) {
  EXPECT_FALSE(is_store(file_));
  { const Store store(file_); }
  EXPECT_TRUE(is_store(file_));
  EXPECT_FALSE(is_store(folder_.path()));
  base::write_file(file_, "SQLite");
  EXPECT_FALSE(is_store(file_));
}

TEST_F(AStore, ErasingAPersonLeavesNoByteOfTheirs) {
  Store store(file_);
  // So many, at random places of the indexes, that pages are split and merged: SQLite's
  // secure_delete leaves copies behind there.
  base::Random random({1, "erase"});
  std::vector<std::string> of_ann;
  for (int i = 0; i < 1500; ++i) {
    const std::string name = std::to_string(i);
    const bool ann = i % 3 == 0;
    const std::string who = ann ? "subject-ann" : "subject-bob";
    const std::string words =
        (ann ? "annswords " : "bobswords ") + std::string(1 + random.below(60), 'x');
    Batch batch = small_talk(name, who, i, words);
    batch.events.push_back(event(name, "rating", who, i, {{"value", 1}, {"comment", words}}));
    if (ann) of_ann.push_back(batch.events[0].id), of_ann.push_back(batch.turns[0].id);
    store.write(std::move(batch), [](const Written& written) { EXPECT_EQ(written.error, ""); });
    if (random.chance(.01)) store.erase_conversation(id(std::to_string(random.below(i + 1))));
  }
  put(store, of_consent("subject-ann", true, 1));
  EXPECT_TRUE(test::anywhere(folder_.path(), "annswords"));
  const std::int64_t newest = store.counts().newest_seq;
  const Erased erased = store.erase_subject("subject-ann");
  EXPECT_GT(erased.conversations, 10);
  EXPECT_EQ(erased.turns, 2 * erased.conversations);
  EXPECT_EQ(erased.decisions, erased.conversations);
  EXPECT_EQ(erased.events, erased.conversations);
  EXPECT_EQ(erased.consents, 1);
  EXPECT_TRUE(erased.scrubbed);
  EXPECT_FALSE(test::anywhere(folder_.path(), "annswords"));
  EXPECT_FALSE(test::anywhere(folder_.path(), "subject-ann"));
  const std::string left = test::all_bytes(folder_.path());
  for (const std::string& erased_id : of_ann)
    ASSERT_EQ(left.find(erased_id), std::string::npos) << erased_id;
  EXPECT_TRUE(test::anywhere(folder_.path(), "bobswords"));
  EXPECT_EQ(store.counts().newest_seq, newest);
  put(store, small_talk("later", "subject-bob", 1));
  EXPECT_EQ(store.turns(id("later"))[0].seq, newest + 2);  // numbers are never given twice
}

TEST_F(AStore, AnErasureThatAReaderHeldUpIsFinishedAtTheNextStart) {
  {
    Store store(file_, Store::Access::read_write, {.wait_for_readers_ms = 0});
    put(store, small_talk("a", "subject-ann", 1, "annswords"));
    store.each_conversation(100, Store::Whose::everybody, [&](const ConversationRecord&) {
      EXPECT_FALSE(store.erase_subject("subject-ann").scrubbed);
    });
    EXPECT_EQ(store.counts().turns, 0);
  }
  const Store store(file_);
  EXPECT_FALSE(test::anywhere(folder_.path(), "annswords"));
}

TEST_F(AStore, WritesGoOnWhileAnErasureWaitsForAReader) {
  Store store(file_);
  put(store, small_talk("a", "subject-ann", 1, "annswords"));
  std::atomic<bool> told = false;
  std::promise<Erased> erased;
  store.each_conversation(100, Store::Whose::everybody, [&](const auto&) {
    store.erase_subject("subject-ann", [&](const Erased& done) {
      told = true;
      erased.set_value(done);
    });
    put(store, small_talk("b", "bob", 2));
    EXPECT_FALSE(told);
  });
  EXPECT_TRUE(erased.get_future().get().scrubbed);
  EXPECT_FALSE(test::anywhere(folder_.path(), "annswords"));
  EXPECT_EQ(store.turns(id("b")).size(), 2u);
}

TEST_F(AStore, BytesThatAReaderHeldUpGoOnceItHasEnded) {
  Store store(file_, Store::Access::read_write, {.wait_for_readers_ms = 0});
  put(store, small_talk("a", "subject-ann", 1, "annswords"));
  store.each_conversation(100, Store::Whose::everybody, [&](const auto&) {
    EXPECT_FALSE(store.erase_subject("subject-ann").scrubbed);
    const auto log = std::filesystem::file_size(file_.string() + "-wal");
    EXPECT_FALSE(store.erase_subject("nobody").scrubbed);
    EXPECT_EQ(std::filesystem::file_size(file_.string() + "-wal"), log);  // not built once more
  });
  EXPECT_TRUE(test::anywhere(folder_.path(), "annswords"));
  for (const char* name : {"b", "c"}) put(store, small_talk(name, "bob", 2));  // that time passes
  EXPECT_FALSE(test::anywhere(folder_.path(), "annswords"));
}

TEST_F(AStore, ErasingWhatIsNotThereDoesNotBuildTheFileAnew) {
  Store store(file_);
  put(store, small_talk("a", "ann", 1000));
  const auto log = file_.string() + "-wal";
  const auto before = std::filesystem::file_size(log);
  EXPECT_TRUE(store.erase_subject("nobody").scrubbed);
  EXPECT_EQ(std::filesystem::file_size(log), before);  // building anew would have emptied it
  EXPECT_GT(before, 0u);
}

TEST_F(AStore, AnErasureComesAfterWhatWasQueuedBeforeIt) {
  Store store(file_);
  std::promise<void> all_queued;
  std::promise<Erased> erased;
  store.write(small_talk("first", "ann", 0),
              [&](const Written&) { all_queued.get_future().wait(); });
  for (int i = 0; i < 300; ++i) {  // more than one commit takes
    Batch batch = small_talk(std::to_string(i), "ann", i, "annswords");
    for (int e = 0; e < 40; ++e) batch.events.push_back(event(std::to_string(i), "copy", "ann", e));
    store.write(std::move(batch), [](const Written& written) { EXPECT_EQ(written.error, ""); });
  }
  store.erase_subject("ann", [&](const Erased& done) { erased.set_value(done); });
  all_queued.set_value();
  EXPECT_EQ(erased.get_future().get().conversations, 301);
  EXPECT_EQ(store.counts().events, 0);
  EXPECT_FALSE(test::anywhere(folder_.path(), "annswords"));
}

TEST_F(AStore, OnePersonsRowsAreCounted) {
  Store store(file_);
  put(store, small_talk("a", "ann", 1000));
  put(store, small_talk("b", "ann", 2000));
  put(store, small_talk("c", "bob", 3000));
  put(store, of_events({event("a", "copy", "ann", 2000), event("c", "copy", "bob", 2000)}));
  const PersonCounts ann = store.counts_of("ann");
  EXPECT_EQ(ann.conversations, 2);
  EXPECT_EQ(ann.turns, 4);
  EXPECT_EQ(ann.events, 1);
  EXPECT_EQ(store.counts_of("nobody").turns, 0);
}

TEST_F(AStore, WhatIsOlderExpiresAndNothingElse) {
  Store store(file_);
  put(store, of_consent("ann", true, 10));
  put(store, of_consent("bob", true, 10));
  put(store, small_talk("old", "ann", 1000));
  put(store, of_events({event("old", "copy", "ann", 9000)}));
  put(store, small_talk("new", "bob", 5000));
  put(store, of_events({event("new", "copy", "bob", 4000), event("new", "stop", "bob", 6000)}));
  const Erased erased = store.expire(5000);
  EXPECT_EQ(erased.conversations, 1);
  EXPECT_EQ(erased.turns, 2);
  EXPECT_EQ(erased.events, 2);
  EXPECT_EQ(erased.consents, 1);  // of ann, of whom nothing else is left
  EXPECT_TRUE(store.consent("bob"));
  EXPECT_EQ(store.events(id("new")).size(), 1u);
}

TEST_F(AStore, ABackupHoldsWhatWasAcknowledgedBeforeItBegan) {
  Store store(file_);
  put(store, small_talk("a", "ann", 1000));
  std::atomic<int> acknowledged = 0;
  std::atomic<bool> stop = false;
  std::thread load([&] {
    for (int i = 0; !stop; ++i) {
      store.write(of_events({event("a", "copy", "ann", i)}));
      ++acknowledged;
    }
  });
  for (int round = 0; round < 5; ++round) {
    const int before = acknowledged;
    const auto copy = folder_.path() / ("copy" + std::to_string(round) + ".db");
    store.backup(copy);
    const Store copied(copy, Store::Access::read_only);
    EXPECT_GE(copied.counts().events, before);
    EXPECT_TRUE(copied.problems().empty());
    EXPECT_EQ(copied.secret(), store.secret());
  }
  stop = true;
  load.join();
  EXPECT_TRUE(store.problems().empty());
}

TEST_F(AStore, EventsAreCountedByTypeAndDay) {
  constexpr std::int64_t kDay = 86400000;
  Store store(file_);
  put(store, small_talk("a", "ann", 1000));
  put(store, of_events({event("a", "copy", "ann", 2000), event("a", "copy", "ann", kDay),
                        event("a", "rating", "ann", kDay, {{"value", 1}}),
                        event("a", "rating", "ann", kDay, {{"value", -1}}),
                        event("a", "rating", "ann", kDay, {{"value", 0}})}));
  EXPECT_EQ(store.counts().by_type,
            (std::map<std::string, std::int64_t>{{"copy", 2}, {"rating", 3}}));
  const auto days = store.days(10);
  ASSERT_EQ(days.size(), 2u);
  EXPECT_EQ(days[0].day, "1970-01-01");
  EXPECT_EQ(days[0].replies, 1);
  EXPECT_EQ(days[1].events, 4);
  EXPECT_EQ(days[1].ratings_up, 1);
  EXPECT_EQ(days[1].ratings_down, 1);
  EXPECT_EQ(store.days(1)[0].day, "1970-01-02");
}

TEST_F(AStore, ARecordUpToANumberHasNothingNewer) {
  Store store(file_);
  put(store, of_consent("ann", true, 100));                  // 1
  put(store, small_talk("a", "ann", 1000));                  // 2 to 5
  put(store, of_events({event("a", "copy", "ann", 2000)}));  // 6
  put(store, of_consent("ann", false, 3000));                // 7
  put(store, small_talk("b", "ann", 4000));                  // 8 to 11
  const auto read = [&](std::int64_t as_of, Store::Whose whose) {
    std::vector<ConversationRecord> records;
    store.each_conversation(as_of, whose, [&](const auto& record) { records.push_back(record); });
    return records;
  };
  EXPECT_TRUE(
      read(6, Store::Whose::training).empty());  // taken back since, for what was before, too
  EXPECT_FALSE(read(6, Store::Whose::everybody)[0].consent->training);
  put(store, of_consent("ann", true, 5000));  // 12
  const auto early = read(5, Store::Whose::training);
  ASSERT_EQ(early.size(), 1u);
  EXPECT_EQ(early[0].turns.size(), 2u);
  EXPECT_TRUE(early[0].events.empty());
  EXPECT_EQ(read(6, Store::Whose::training)[0].events.size(), 1u);
  EXPECT_TRUE(read(7, Store::Whose::training).empty());  // at that time she had taken it back
  EXPECT_EQ(read(11, Store::Whose::everybody).size(), 2u);
  EXPECT_EQ(store.time_of(6), 3000);  // of the answer, which is newer than the event
  EXPECT_EQ(store.time_of(0), 0);
}

}  // namespace
}  // namespace feedback
