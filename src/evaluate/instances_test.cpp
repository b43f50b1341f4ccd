#include "evaluate/instances.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "evaluate/test_recommender.h"

namespace evaluate {
namespace {

std::vector<int> taken(Protocol protocol, const Instance& instance) {
  std::vector<int> items;
  for (const Gold& gold : instance.golds)
    if (takes(protocol, gold)) items.push_back(gold.item);
  return items;
}

using Items = std::vector<int>;

class Instances : public testing::Test {
 protected:
  std::vector<dialogue::Dialogue> dialogues_ = test::two_dialogues();
  std::vector<Instance> instances_ = make_instances(test::pointers(dialogues_));
};

TEST_F(Instances, AreTheRecommendersMessagesWithItemsAndAContext) {
  ASSERT_EQ(instances_.size(), 3u);
  EXPECT_EQ(instances_[0].query, "7/1");
  EXPECT_EQ(instances_[1].query, "7/3");
  EXPECT_EQ(instances_[2].query, "8/3");
  EXPECT_EQ(instances_[1].dialogue, 0);
  EXPECT_EQ(instances_[2].dialogue, 1);
  EXPECT_EQ(instances_[1].state.turns, 3);
}

TEST_F(Instances, AnItemNamedTwiceInAMessageCountsOnce) {
  ASSERT_EQ(instances_[0].golds.size(), 2u);
  EXPECT_EQ(instances_[0].golds[0].item, 1);
  EXPECT_EQ(instances_[0].golds[1].item, 2);
}

TEST_F(Instances, ProtocolsTakeWhatTheyPromise) {
  EXPECT_EQ(taken(Protocol::v1, instances_[1]), (Items{0, 3}));
  EXPECT_EQ(taken(Protocol::v2, instances_[1]), (Items{3}));  // A was named by the seeker
  EXPECT_EQ(taken(Protocol::v2, instances_[2]), (Items{5}));  // E was named without a context
  EXPECT_EQ(taken(Protocol::v3, instances_[0]), (Items{1}));  // C was not liked
  EXPECT_EQ(taken(Protocol::v3, instances_[1]), (Items{3}));
  EXPECT_EQ(taken(Protocol::ln, instances_[0]), (Items{1}));
  EXPECT_EQ(taken(Protocol::ln, instances_[1]), (Items{}));  // seen
  EXPECT_EQ(taken(Protocol::ln, instances_[2]), (Items{}));  // seen is not said
  EXPECT_EQ(taken(Protocol::ls, instances_[0]), (Items{}));
  EXPECT_EQ(taken(Protocol::ls, instances_[1]), (Items{3}));
  EXPECT_EQ(taken(Protocol::ls, instances_[2]), (Items{}));
  EXPECT_EQ(taken(Protocol::dl, instances_[0]), (Items{2}));
  EXPECT_EQ(taken(Protocol::dl, instances_[1]), (Items{}));
}

TEST_F(Instances, CountsAreTheDenominators) {
  const InstanceCounts v1 = count(instances_, Protocol::v1);
  EXPECT_EQ(v1.pairs, 6);
  EXPECT_EQ(v1.messages, 3);
  EXPECT_EQ(v1.dialogues, 2);
  EXPECT_EQ(count(instances_, Protocol::v2).pairs, 4);
  EXPECT_EQ(count(instances_, Protocol::v3).pairs, 3);
  const InstanceCounts ln = count(instances_, Protocol::ln);
  EXPECT_EQ(ln.pairs, 1);
  EXPECT_EQ(ln.dialogues, 1);
}

// u "like @A", r "@B", r "and @C or @B", u "hm", r "@C", r "bye"; opened by r "@F" where asked for.
dialogue::Dialogue blocks(bool opened) {
  constexpr auto kSeeker = dialogue::Role::seeker;
  constexpr auto kRecommender = dialogue::Role::recommender;
  dialogue::Dialogue dialogue;
  dialogue.id = "9";
  if (opened) dialogue.turns = {test::turn("o", kRecommender, "@", {5})};
  for (const dialogue::Turn& turn :
       {test::turn("0", kSeeker, "like @", {0}), test::turn("1", kRecommender, "@", {1}),
        test::turn("2", kRecommender, "and @ or @", {2, 1}), test::turn("3", kSeeker, "hm"),
        test::turn("4", kRecommender, "@", {2}), test::turn("5", kRecommender, "bye")})
    dialogue.turns.push_back(turn);
  return dialogue;
}

Items items(const Instance& instance) {
  Items out;
  for (const Gold& gold : instance.golds) out.push_back(gold.item);
  return out;
}

TEST(InstanceRules, OwnTakesEveryMessageByItself) {
  const auto dialogue = blocks(false);
  const auto instances = make_instances({&dialogue}, {}, InstanceRule::own);
  ASSERT_EQ(instances.size(), 3u);
  EXPECT_EQ(items(instances[1]), (Items{2, 1}));
  EXPECT_EQ(taken(Protocol::v2, instances[1]), (Items{2}));  // B was named in the message before
  EXPECT_EQ(instances[1].dialogue_turns, 6);
  EXPECT_EQ(instances[1].recommender_turns, 4);
}

TEST(InstanceRules, KbrdMergesMessagesAndTakesTheOpeningToo) {
  const auto dialogue = blocks(true);
  const auto instances = make_instances({&dialogue}, {}, InstanceRule::kbrd);
  ASSERT_EQ(instances.size(), 3u);
  EXPECT_EQ(instances[0].query, "9/o");
  EXPECT_EQ(instances[0].state.turns, 0);
  EXPECT_EQ(items(instances[0]), (Items{5}));
  EXPECT_EQ(instances[1].query, "9/1");
  EXPECT_EQ(instances[1].state.turns, 2);
  EXPECT_EQ(items(instances[1]), (Items{1, 2}));  // B twice counts once
  EXPECT_EQ(taken(Protocol::v2, instances[1]), (Items{1, 2}));
  EXPECT_EQ(instances[1].message.text, "@ and @ or @");
  EXPECT_EQ(instances[1].message.mentions[1].begin, 6u);
  EXPECT_EQ(items(instances[2]), (Items{2}));
}

TEST(InstanceRules, UnicrsTakesEveryMentionAndSkipsTheOpening) {
  const auto dialogue = blocks(true);
  const auto instances = make_instances({&dialogue}, {}, InstanceRule::unicrs);
  ASSERT_EQ(instances.size(), 2u);
  EXPECT_EQ(items(instances[0]), (Items{1, 2, 1}));
  EXPECT_EQ(count(instances, Protocol::v1).pairs, 4);
  EXPECT_EQ(count(instances, Protocol::v2).pairs, 3);
  EXPECT_STREQ(rule_name(InstanceRule::unicrs), "unicrs");
}

TEST(InstanceRules, OnlyTargetsAreAskedFor) {
  auto dialogue = blocks(false);
  dialogue.targets = std::vector<int>{2};
  const auto own = make_instances({&dialogue}, {}, InstanceRule::own);
  ASSERT_EQ(own.size(), 1u);
  EXPECT_EQ(own[0].query, "9/2");
  const auto merged = make_instances({&dialogue}, {}, InstanceRule::kbrd);
  ASSERT_EQ(merged.size(), 1u);
  EXPECT_EQ(merged[0].message.text, "and @ or @");
}

TEST(InstanceRules, DialoguesOfOneConversationAreOneCluster) {
  std::vector<dialogue::Dialogue> parts(3, blocks(false));
  for (std::size_t i = 0; i < 3; ++i) {
    parts[i].id = "9-" + std::to_string(i);
    parts[i].part_of = i == 1 ? "other" : "9";
  }
  const auto instances = make_instances(test::pointers(parts));
  EXPECT_EQ(instances.front().conversation, 0);
  EXPECT_EQ(instances.back().dialogue, 2);
  EXPECT_EQ(instances.back().conversation, 0);
  EXPECT_EQ(count(instances, Protocol::v1).dialogues, 2);
}

TEST(Queries, HaveNoWhiteSpace) {
  EXPECT_EQ(trec_field("a b\n%\xC3\xA9"), "a%20b%0A%25%C3%A9");
  EXPECT_EQ(trec_field("train-12/3"), "train-12/3");
}

TEST(Protocols, HaveNames) {
  for (Protocol protocol : kProtocols) EXPECT_EQ(protocol_of(protocol_name(protocol)), protocol);
  EXPECT_THROW(protocol_of("v9"), base::UsageError);
}

}  // namespace
}  // namespace evaluate
