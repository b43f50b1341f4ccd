#include "feedback/harvest.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "dialogue/jsonl.h"
#include "feedback/clicks.h"
#include "feedback/signals.h"
#include "feedback/test_store.h"

namespace feedback {
namespace {

using test::event;
using test::id;
using test::small_talk;

constexpr std::int64_t kMinute = 60000, kHour = 60 * kMinute;

class AHarvest : public testing::Test {
 protected:
  base::TemporaryFolder folder_;
  Store store_{folder_.path() / "feedback.db"};

  std::int64_t put(Batch batch) {
    const Written written = store_.write(std::move(batch));
    EXPECT_EQ(written.error, "");
    return written.seq;
  }
  std::int64_t put(StoredEvent one) { return put(test::of_events({std::move(one)})); }
  // Anything, so that the store knows that time has passed.
  std::int64_t pass(std::int64_t at) { return put(test::of_consent("nobody", false, at)); }

  std::vector<std::string> conversations(const HarvestOptions& options = {}) {
    std::vector<std::string> ids;
    for (const auto& record : harvest(store_, options).records)
      ids.push_back(record.conversation.id);
    return ids;
  }
};

using Lines = std::vector<std::string>;

TEST_F(AHarvest, OnlyThoseWhoseNewestConsentHasTrainingAreThere) {
  put(small_talk("a", "ann", 1));
  put(small_talk("b", "bob", 2));
  put(small_talk("c", "cat", 3));
  put(test::of_consent("ann", true, 4));
  const std::int64_t both = put(test::of_consent("bob", true, 5));
  put(test::of_consent("bob", false, 6));
  EXPECT_EQ(conversations(), Lines{id("a")});
  EXPECT_EQ(conversations({.as_of = both}), Lines{id("a")});  // bob has taken it back since
  EXPECT_EQ(harvest(store_, {}).without_consent, 2);
  const Harvest all = harvest(store_, {});
  for (const std::string& text :
       {to_csv(all), to_corpus(all).corpus.dialogues.empty() ? std::string() : "x"})
    EXPECT_EQ(text.find(id("b")), std::string::npos);
}

TEST_F(AHarvest, WhoIsFlaggedIsThereOnlyWhenAskedFor) {
  put(test::of_consent("ann", true, 1));
  put(small_talk("a", "ann", 2));
  put(small_talk("b", "ann", 3));
  StoredEvent bot = event("b", "copy", "ann", 4);
  bot.flags = {{"bot_score", 1}};
  put(bot);
  EXPECT_EQ(conversations(), Lines{id("a")});
  EXPECT_EQ(conversations({.flagged = HarvestOptions::Flagged::include}).size(), 2u);
  EXPECT_EQ(harvest(store_, {}).flagged, 1);
}

TEST_F(AHarvest, TheSameNumberGivesTheSameBytesWhateverCameLater) {
  put(test::of_consent("ann", true, 1));
  put(small_talk("a", "ann", 2));
  put(event("a", "rating", "ann", 5000, {{"value", 1}}));
  put(event("a", "item_open", "ann", 6000, {}, "7"));
  put(small_talk("c", "bob", 3));  // who agrees only later
  const std::int64_t as_of = pass(kHour);
  const auto bytes = [&] {
    const Harvest held = harvest(store_, {.as_of = as_of});
    const auto file = folder_.path() / "out.jsonl";
    dialogue::write_dialogues(file, to_corpus(held).corpus);
    return base::read_file(file) + to_csv(held);
  };
  const std::string before = bytes();
  EXPECT_NE(before.find("accept"), std::string::npos);
  put(event("a", "rating", "ann", kHour + 1, {{"value", -1}}));
  put(small_talk("b", "ann", kHour + 2));
  put(test::of_consent("ann", true, kHour + 3));
  put(test::of_consent("bob", true, kHour + 4));
  EXPECT_EQ(bytes(), before);
}

TEST_F(AHarvest, WindowsAreLookedAtWhenTheNewestRowWasWrittenOrWhenAsked) {
  put(test::of_consent("ann", true, 1));
  put(small_talk("a", "ann", 2));
  const auto dialogues = [&](std::int64_t at) {
    return to_corpus(harvest(store_, {.at = at})).corpus.dialogues.size();
  };
  EXPECT_EQ(dialogues(0), 0u);
  EXPECT_EQ(dialogues(kHour), 1u);
  pass(kHour);
  EXPECT_EQ(dialogues(0), 1u);
  EXPECT_EQ(dialogues(10 * kMinute), 0u);
}

TEST_F(AHarvest, ItemsThatACatalogueLacksAreNamed) {
  put(test::of_consent("ann", true, 1));
  put(small_talk("a", "ann", 2));
  pass(kHour);
  const Harvest held = harvest(store_, {});
  EXPECT_EQ(held.catalogue[0].title, "Heat (1995)");
  dialogue::Item heat;
  heat.id = "7";
  heat.title = "Heat (1995)";
  try {
    to_corpus(held, dialogue::Catalogue({heat}), "catalogue.jsonl");
    FAIL();
  } catch (const base::DataError& error) {
    EXPECT_NE(std::string(error.what()).find("8 (Alien (1979))"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("catalogue.jsonl"), std::string::npos);
  }
}

// Ann asks twice for other words: the first answer gets thumbs down, the second is left, the third
// she goes on from.
void regenerate(Store& store) {
  Batch batch = small_talk("a", "ann", 2);
  const StoredTurn question = batch.turns[0], answer = batch.turns[1];
  StoredTurn second = answer, third = answer, thanks = question;
  second.id = id("a second");
  second.text = "What about Alien (1979)?";
  second.mentions = {{"8", 11, 23}};
  third.id = id("a third");
  third.text = "You may like both.";
  third.mentions.clear();
  thanks.id = id("a thanks");
  thanks.parent = third.id;
  batch.turns.push_back(second);
  batch.turns.push_back(third);
  batch.turns.push_back(thanks);
  batch.events = {event("a", "rating", "ann", 100, {{"value", -1}}),
                  event("a", "regenerate", "ann", 200, {{"of", answer.id}}),
                  event("a", "regenerate", "ann", 300, {{"of", second.id}}, "", "second")};
  EXPECT_EQ(store.write(std::move(batch)).error, "");
}

TEST_F(AHarvest, RepliesToTheSameWordsMakePairs) {
  put(test::of_consent("ann", true, 1));
  regenerate(store_);
  pass(kHour);
  const dialogue::Preferences preferences = to_preferences(harvest(store_, {}));
  Lines pairs;
  for (const dialogue::Preference& pair : preferences.pairs)
    pairs.push_back(pair.chosen.text + " | " + pair.rejected.text);
  EXPECT_EQ(pairs, (Lines{"What about Alien (1979)? | Did you see Heat (1995)?",
                          "You may like both. | Did you see Heat (1995)?",
                          "You may like both. | What about Alien (1979)?"}));
  EXPECT_EQ(preferences.pairs[0].prompt.size(), 1u);
  ASSERT_EQ(preferences.judgements.size(), 1u);
  EXPECT_FALSE(preferences.judgements[0].label);
  EXPECT_EQ(preferences.judgements[0].completion.text, "Did you see Heat (1995)?");
}

TEST_F(AHarvest, TurnsOfATreeAreMeasuredOnce) {
  put(test::of_consent("ann", true, 1));
  regenerate(store_);
  pass(kHour);
  const auto corpus = to_corpus(harvest(store_, {})).corpus;
  EXPECT_EQ(corpus.dialogues.size(), 3u);
  std::size_t rows = 0, slates = 0;
  for (int i = 0; i < 3; ++i) {
    const auto& dialogue = corpus.dialogues[static_cast<std::size_t>(i)];
    slates += read_slates({&dialogue}, corpus.catalogue).size();
    rows += measure_signals(
                corpus, {i}, [](const auto&, const auto&) { return 0.; },
                [](const auto&) { return 0.; })
                .rows.size();
  }
  EXPECT_EQ(rows, 3u);
  EXPECT_EQ(slates, 2u);  // the third shows nothing
}

TEST_F(AHarvest, TheTableHasALineAnItemAndNoFormulas) {
  put(test::of_consent("ann", true, 1));
  Batch batch = small_talk("a", "ann", 2);
  batch.decisions[0].shown = {{"7", "Heat, \"the\" film", 1, .25}, {"8", "=1+1", 2, .5}};
  put(std::move(batch));
  put(event("a", "item_open", "ann", 5000, {}, "7"));
  const std::string table = to_csv(harvest(store_, {}));
  EXPECT_NE(table.find("7,\"Heat, \"\"the\"\" film\",1,0.25,0,,0,1,0,,0,0,0.6,"), std::string::npos)
      << table;
  EXPECT_NE(table.find("8,'=1+1,2,0.5,0,,0,0,0,,0,0,,"), std::string::npos) << table;
}

TEST_F(AHarvest, OnePersonsShareOfTheLabelsIsTold) {
  for (const std::string who : {"ann", "bob"}) put(test::of_consent(who, true, 1));
  for (int i = 0; i < 4; ++i) put(small_talk(std::to_string(i), i < 3 ? "ann" : "bob", i));
  pass(kHour);
  const Harvest held = harvest(store_, {});
  EXPECT_EQ(held.people, 2);
  EXPECT_EQ(held.largest_share, .75);
  EXPECT_EQ(held.large_people, 2);
}

TEST_F(AHarvest, NobodyHasMoreThanTheirShareOfTheLabelsWhereThatIsAsked) {
  // One label a conversation: ann has 6, bob 2, cat 1 and dan 1.
  const Lines people = {"ann", "ann", "ann", "ann", "ann", "ann", "bob", "bob", "cat", "dan"};
  for (std::size_t i = 0; i < people.size(); ++i) {
    put(test::of_consent(people[i], true, 1));
    put(small_talk(std::to_string(i), people[i], static_cast<std::int64_t>(i)));
  }
  pass(kHour);
  // Ann may have 2 of the 6 that are then left, a third; with 3 of 7 she would have more.
  const Harvest held = harvest(store_, {.max_share = .34});
  EXPECT_EQ(held.above_share, 4);
  EXPECT_NEAR(held.largest_share, 2. / 6, 1e-12);
  EXPECT_EQ(conversations({.max_share = .34}),
            (Lines{id("4"), id("5"), id("6"), id("7"), id("8"), id("9")}));  // her newest
  EXPECT_EQ(harvest(store_, {.max_share = .25}).largest_share, .25);         // one each
  EXPECT_THROW(harvest(store_, {.max_share = .2}), base::DataError);
}

}  // namespace
}  // namespace feedback
