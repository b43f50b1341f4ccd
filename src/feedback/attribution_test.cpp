#include "feedback/attribution.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/random.h"
#include "feedback/dwell.h"
#include "feedback/paths.h"
#include "feedback/suspicions.h"
#include "feedback/test_store.h"

namespace feedback {
namespace {

using base::Json;
using test::event;
using test::id;

constexpr std::int64_t kMinute = 60000, kDay = 24 * 60 * kMinute, kBegun = 1000 * kDay;

// small_talk("a") as the store gives it back; the answer comes 2 s after kBegun.
ConversationRecord record(std::vector<StoredEvent> events = {}) {
  const Batch batch = test::small_talk("a", "ann", kBegun);
  ConversationRecord record{batch.conversations[0], {}, batch.turns, batch.decisions, {}};
  record.events = std::move(events);
  std::int64_t seq = 0;
  for (StoredTurn& turn : record.turns) turn.seq = ++seq;
  for (StoredEvent& one : record.events) one.seq = ++seq;
  return record;
}

StoredEvent about(const std::string& type, std::int64_t after, Json props = Json::object(),
                  const std::string& item = "") {
  return event("a", type, "ann", kBegun + after, std::move(props), item);
}

ItemNumber two_items() {
  return [](const std::string& item) {
    return item == "7" ? std::optional(0) : item == "8" ? std::optional(1) : std::nullopt;
  };
}

dialogue::Dialogue attributed(const ConversationRecord& record) {
  const Attributed out = attribute(record, {}, kBegun + kDay, two_items());
  EXPECT_EQ(out.dialogues.size(), 1u);
  return out.dialogues.at(0);
}

std::vector<std::string> described(const dialogue::Dialogue& dialogue) {
  std::vector<std::string> out;
  for (const dialogue::Event& event : dialogue.events) {
    std::string text = event.type;
    if (!event.item.empty()) text += " " + event.item;
    if (event.value) text += " " + Json(*event.value).dump();
    out.push_back(text);
  }
  return out;
}

using Lines = std::vector<std::string>;

TEST(Opinions, TheNewestRatingWinsHoweverEventsArrive) {
  std::vector<StoredEvent> events = {about("rating", 1, {{"value", 1}, {"reasons", {"fun"}}}),
                                     about("rating", 3, {{"value", -1}, {"reasons", {"long"}}}),
                                     about("rating", 2, {{"value", 0}})};
  do {
    const auto opinions = newest_opinions(events);
    EXPECT_EQ(opinions.at(id("a answer")).rating, -1);
    EXPECT_EQ(opinions.at(id("a answer")).reasons, Lines{"long"});
    std::rotate(events.begin(), events.begin() + 1, events.end());
  } while (events[0].corrected_at != kBegun + 1);
}

TEST(Opinions, ARatingOfZeroAFalseSeenAndAnUndoTakeBack) {
  const auto of = [](std::vector<StoredEvent> events) {
    return newest_opinions(events).at(id("a answer"));
  };
  EXPECT_EQ(of({about("rating", 1, {{"value", 1}}), about("rating", 2, {{"value", 0}})}).rating,
            std::nullopt);
  const auto seen = about("seen", 1, {{"value", true}}, "7");
  EXPECT_TRUE(of({seen}).items.at("7").seen);
  EXPECT_FALSE(of({seen, about("seen", 2, {{"value", false}}, "7")}).items.at("7").seen);
  const auto no = about("not_interested", 1, {{"reasons", {"old"}}}, "7");
  EXPECT_TRUE(of({no, seen}).items.at("7").not_interested);
  EXPECT_FALSE(of({no, about("undo", 2, {}, "7")}).items.at("7").says_anything());
  const auto yes = about("not_interested", 2, {{"value", false}}, "7");
  EXPECT_FALSE(of({no, yes}).items.at("7").says_anything());
}

TEST(Opinions, GoingBackToAnEarlierReplyLeavesWhatWasSaidOfIt) {
  const auto opinions = newest_opinions({about("rating", 1, {{"value", -1}, {"reasons", {"long"}}}),
                                         about("regenerate", 2), about("undo", 3)});
  EXPECT_EQ(opinions.at(id("a answer")).rating, -1);
  EXPECT_EQ(opinions.at(id("a answer")).reasons, Lines{"long"});
}

TEST(Opinions, ANotForMeThatIsTakenBackLeavesThatItWasSeen) {
  const auto opinions = newest_opinions(
      {about("seen", 1, {{"value", true}}, "7"), about("rating", 2, {{"value", 1}}, "7"),
       about("not_interested", 3, {}, "7"), about("undo", 4, {}, "7")});
  const ItemOpinion& item = opinions.at(id("a answer")).items.at("7");
  EXPECT_TRUE(item.seen);
  EXPECT_EQ(item.rating, 1);
  EXPECT_FALSE(item.not_interested);
}

StoredEvent snapshot(std::int64_t after_ms, std::int64_t at, const std::string& page = "page",
                     std::int64_t activations = 1) {
  StoredEvent one = about("dwell", at,
                          {{"visible_ms", after_ms + 500},
                           {"streaming_ms", 500},
                           {"after_ms", after_ms},
                           {"activations", activations}});
  one.page = id(page);
  return one;
}

TEST(Dwell, LostDoubledAndReorderedSnapshotsChangeNothingWhereTheLastArrives) {
  std::vector<StoredEvent> all;
  for (int i = 1; i <= 20; ++i) all.push_back(snapshot(100 * i, i));
  all.push_back(snapshot(700, 30, "another page"));
  const Dwell whole = merge_dwell(all).at(id("a answer"));
  EXPECT_EQ(whole.after_ms, 2700);
  EXPECT_EQ(whole.visible_ms, 3700);
  EXPECT_EQ(whole.activations, 2);
  base::Random random({1, "dwell"});
  for (int round = 0; round < 50; ++round) {
    std::vector<StoredEvent> some;
    for (const StoredEvent& one : all) {
      const bool last = one.props["after_ms"] == 2000 || one.props["after_ms"] == 700;
      for (int copies = last || !random.chance(.2); copies > 0; copies = random.chance(.3))
        some.push_back(one);
    }
    random.shuffle(some);
    EXPECT_EQ(merge_dwell(some).at(id("a answer")).after_ms, whole.after_ms);
  }
}

TEST(Dwell, SecondsAreThoseOfAMessageOfTwentyWordsAndHaveALimit) {
  // "Did you see Heat (1995)?" has 5 words: 1 + 5/4 s to read; twenty words take 6 s.
  const std::string text = "Did you see Heat (1995)?";
  EXPECT_EQ(reading_seconds(text), 2.25);
  EXPECT_NEAR(usual_dwell_seconds({0, 2250, 1}, text), 6, 1e-9);
  EXPECT_NEAR(usual_dwell_seconds({0, 1125, 1}, text), 3, 1e-9);
  EXPECT_NEAR(usual_dwell_seconds({0, 3600e3, 1}, text), 30, 1e-9);
}

TEST(Paths, TheNewestLeafHasWhatLeavesShare) {
  const auto turn = [](const std::string& id, const std::string& parent) {
    StoredTurn turn;
    turn.id = id;
    turn.parent = parent;
    return turn;
  };
  // a ─ b ─ c, c again ─ d; another root e.
  const std::vector<StoredTurn> turns = {turn("a", ""),   turn("b", "a"),  turn("c", "b"),
                                         turn("c2", "b"), turn("d", "c2"), turn("e", "")};
  const auto paths = paths_of(turns);
  ASSERT_EQ(paths.size(), 3u);
  EXPECT_EQ(paths[0].turns, (std::vector<std::size_t>{5}));
  EXPECT_EQ(paths[1].turns, (std::vector<std::size_t>{0, 1, 3, 4}));
  EXPECT_EQ(paths[1].shared, 0u);
  EXPECT_EQ(paths[2].turns, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(paths[2].shared, 2u);
  EXPECT_EQ(path_to(turns, 4), (std::vector<std::size_t>{0, 1, 3}));
}

TEST(Outcomes, AnItemIsNotTakenUpOnlyOnceItsWindowIsOver) {
  const auto taken = [](std::vector<StoredEvent> events, std::int64_t now,
                        AttributionSettings settings = {}) {
    return outcomes_of(record(std::move(events)), settings, kBegun + now).at(0).taken;
  };
  EXPECT_EQ(taken({}, 30 * kMinute), std::nullopt);  // it was shown 2 s after the beginning
  EXPECT_EQ(taken({}, 30 * kMinute + 2000), 0);
  AttributionSettings waiting;
  waiting.wait_for_conversions = true;
  EXPECT_EQ(taken({}, 6 * kDay, waiting), std::nullopt);
  EXPECT_EQ(taken({}, 8 * kDay, waiting), 0);
  EXPECT_EQ(taken({about("item_open", 9000, {}, "7")}, kMinute), .6);
  EXPECT_EQ(taken({about("item_click", 9000, {}, "7")}, kMinute), std::nullopt);
  EXPECT_EQ(taken({about("conversion", 6 * kDay, {}, "7")}, 8 * kDay), 1);
}

TEST(Outcomes, WhatPeopleSayIsNotWhatTheyDid) {
  for (const StoredEvent& said :
       {about("rating", 9000, {{"value", 1}}), about("rating", 9000, {{"value", -1}}),
        about("not_interested", 9000, {}, "7")}) {
    const auto outcome = outcomes_of(record({said}), {}, kBegun + kMinute).at(0);
    EXPECT_EQ(outcome.taken, std::nullopt);
    EXPECT_TRUE(outcome.opinion.says_anything());
    const auto opened =
        outcomes_of(record({about("item_open", 8000, {}, "7"), said}), {}, kBegun + kMinute).at(0);
    EXPECT_EQ(opened.taken, .6);
  }
}

TEST(Outcomes, AnEventWithoutATurnBelongsToTheLastThatShowedTheItem) {
  ConversationRecord twice = record();
  StoredDecision again = twice.decisions[0];
  again.turn = id("later");
  again.at += kMinute;
  twice.decisions.push_back(again);
  StoredEvent conversion = about("conversion", 30000, {}, "7");
  conversion.turn.clear();
  twice.events = {conversion};
  EXPECT_TRUE(outcomes_of(twice, {}, kBegun)[0].converted);
  twice.events[0].corrected_at += kDay;
  EXPECT_FALSE(outcomes_of(twice, {}, kBegun)[0].converted);
  EXPECT_TRUE(outcomes_of(twice, {}, kBegun)[1].converted);
}

TEST(Attribution, WhatPeopleDidBecomesEventsAndLabels) {
  const auto dialogue =
      attributed(record({about("impression", 2500), snapshot(2250, 8000),
                         about("item_open", 9000, {}, "7"), about("rating", 9500, {{"value", 1}}),
                         about("seen", 9600, {{"value", true}}, "7"), about("copy", 12000)}));
  EXPECT_EQ(dialogue.id, id("a"));
  EXPECT_EQ(dialogue.seeker, "ann");
  EXPECT_EQ(dialogue.part_of, "");
  EXPECT_FALSE(dialogue.targets);
  EXPECT_EQ(dialogue.turns[1].time, 2.);
  EXPECT_EQ(dialogue.turns[1].mentions.at(0).item, 0);
  EXPECT_EQ(described(dialogue), (Lines{"impression 7", "dwell 6.0", "accept 7 0.6", "copy"}));
  ASSERT_EQ(dialogue.seeker_labels.size(), 1u);
  EXPECT_EQ(dialogue.seeker_labels[0].liked, true);
  EXPECT_EQ(dialogue.seeker_labels[0].seen, true);
  EXPECT_EQ(dialogue.seeker_labels[0].suggested, true);
}

TEST(Attribution, ThumbsOnATurnOfSeveralItemsAreASignalAndNoLabel) {
  ConversationRecord both = record({about("rating", 9000, {{"value", 1}})});
  both.decisions[0].shown.push_back({"8", "Alien (1979)", 2, .1});
  const auto dialogue = attributed(both);
  EXPECT_EQ(described(dialogue), Lines{"rating 1.0"});
  EXPECT_TRUE(dialogue.seeker_labels.empty());
}

TEST(Attribution, NotInterestedIsNotLikedAndSilenceIsNoLabel) {
  const auto unwanted = attributed(record({about("not_interested", 9000, {}, "7")}));
  ASSERT_EQ(unwanted.seeker_labels.size(), 1u);
  EXPECT_EQ(unwanted.seeker_labels[0].liked, false);
  EXPECT_EQ(unwanted.seeker_labels[0].seen, false);
  EXPECT_TRUE(described(unwanted).empty());
  EXPECT_TRUE(attributed(record()).seeker_labels.empty());
}

TEST(Attribution, AnOpenWindowKeepsADialogueOut) {
  const Attributed out = attribute(record(), {}, kBegun + kMinute, two_items());
  EXPECT_TRUE(out.dialogues.empty());
  EXPECT_EQ(out.immature, 1);
}

// The question, an answer that was regenerated, the new answer, words that go on from it.
ConversationRecord regenerated() {
  ConversationRecord record = feedback::record();
  StoredTurn again = record.turns[1];
  again.id = id("a again");
  again.at += kMinute;
  StoredTurn thanks = record.turns[0];
  thanks.id = id("a thanks");
  thanks.parent = again.id;
  thanks.at += 2 * kMinute;
  record.turns.push_back(again);
  record.turns.push_back(thanks);
  record.decisions.push_back(record.decisions[0]);
  record.decisions[1].turn = again.id;
  record.decisions[1].shown = {{"8", "Alien (1979)", 1, .05}};
  record.events = {about("rating", 3000, {{"value", -1}}),
                   event("a", "item_open", "ann", kBegun + kMinute, {}, "8", "again")};
  return record;
}

TEST(Attribution, EveryTurnOfATreeCountsInOneDialogue) {
  const Attributed out = attribute(regenerated(), {}, kBegun + kDay, two_items());
  ASSERT_EQ(out.dialogues.size(), 2u);
  const dialogue::Dialogue &kept = out.dialogues[0], &left = out.dialogues[1];
  EXPECT_EQ(kept.id, id("a"));
  EXPECT_EQ(left.id, id("a") + ".2");
  EXPECT_EQ(kept.part_of, id("a"));
  EXPECT_EQ(left.part_of, id("a"));
  EXPECT_EQ(kept.turns.size(), 3u);
  EXPECT_EQ(left.turns.size(), 2u);
  EXPECT_EQ(kept.targets, (std::vector<int>{1}));
  EXPECT_EQ(left.targets, (std::vector<int>{1}));
  EXPECT_EQ(described(kept), (Lines{"branch", "accept 8 0.6"}));
  EXPECT_EQ(described(left), Lines{"branch"});  // thumbs are a label, and no signal beside it
  EXPECT_TRUE(kept.seeker_labels.empty());
  EXPECT_EQ(left.seeker_labels.at(0).liked, false);
}

TEST(Suspicions, MoreThanSixtyDeliberateEventsAMinuteAreAFlood) {
  const auto of = [](int events, const std::string& type, std::int64_t apart) {
    ConversationRecord one = record();
    for (int i = 0; i < events; ++i) one.events.push_back(about(type, i * apart, {{"i", i}}));
    return find_suspicions({one})[0];
  };
  EXPECT_EQ(of(61, "copy", 900), Lines{"flood"});
  EXPECT_EQ(of(60, "copy", 900), Lines{});
  EXPECT_EQ(of(61, "copy", 1001), Lines{});
  EXPECT_EQ(of(200, "impression", 10), Lines{});
  ConversationRecord imported = record();
  for (int i = 0; i < 100; ++i) imported.events.push_back(about("copy", i));
  for (StoredEvent& one : imported.events) one.flags = {{"imported", true}};
  EXPECT_EQ(find_suspicions({imported})[0], Lines{});
}

TEST(Suspicions, AFloodIsCountedOverAllConversationsOfAPerson) {
  std::vector<ConversationRecord> records(3, record());
  for (int i = 0; i < 40; ++i) {
    records[0].events.push_back(about("copy", 100 * i));
    records[1].events.push_back(about("stop", 100 * i));
    records[2].events.push_back(about("copy", kDay + 100 * i));
  }
  const auto found = find_suspicions(records);
  EXPECT_EQ(found[0], Lines{"flood"});
  EXPECT_EQ(found[1], Lines{"flood"});
  EXPECT_EQ(found[2], Lines{});
}

TEST(Suspicions, AMinuteInViewWithoutALookThatBegan) {
  EXPECT_EQ(find_suspicions({record({snapshot(70000, 1, "page", 0)})})[0],
            Lines{"dwell without a look"});
  EXPECT_EQ(find_suspicions({record({snapshot(70000, 1, "page", 1)})})[0], Lines{});
  EXPECT_EQ(find_suspicions({record({snapshot(50000, 1, "page", 0)})})[0], Lines{});
}

TEST(Suspicions, RepliesThatNobodyCanHaveReadFor) {
  const auto of = [](std::int64_t ms, int replies) {
    ConversationRecord one = record();
    for (int i = 0; i < replies; ++i) {  // five words: a third of a second at 15 words a second
      StoredTurn reply = one.turns[0], answer = one.turns[1];
      reply.id = "reply" + std::to_string(i);
      reply.parent = one.turns.back().id;
      reply.at = one.turns.back().at + ms;
      answer.id = "answer" + std::to_string(i);
      answer.parent = reply.id;
      answer.at = reply.at + 2000;
      one.turns.push_back(reply);
      one.turns.push_back(answer);
    }
    return find_suspicions({one})[0];
  };
  EXPECT_EQ(of(100, 3), Lines{"faster than reading"});
  EXPECT_EQ(of(100, 2), Lines{});
  EXPECT_EQ(of(400, 3), Lines{});
}

TEST(Suspicions, WhatTheServerSays) {
  StoredEvent limited = about("copy", 1), bot = about("copy", 2), late = about("copy", 3);
  limited.flags = {{"rate_limited", true}};
  bot.flags = {{"bot_score", .9}};
  late.flags = {{"late", true}};
  EXPECT_EQ(find_suspicions({record({limited})})[0], Lines{"said by the server"});
  EXPECT_EQ(find_suspicions({record({bot})})[0], Lines{"said by the server"});
  EXPECT_EQ(find_suspicions({record({late})})[0], Lines{});
}

}  // namespace
}  // namespace feedback
