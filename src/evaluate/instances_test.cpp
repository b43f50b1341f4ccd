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
