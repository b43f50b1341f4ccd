#include "evaluate/checks.h"

#include <gtest/gtest.h>

#include "evaluate/test_recommender.h"

namespace evaluate {
namespace {

ProtocolScores flat(double hit, double ndcg) {
  ProtocolScores scores;
  for (std::size_t k : kCutoffs) scores.pairs.push_back({k, 100, hit, ndcg, ndcg});
  scores.messages = scores.pairs;
  return scores;
}

ModelScores model(const std::string& name, const std::string& protocol, double hit, double ndcg) {
  ModelScores scores;
  scores.name = name;
  scores.protocols[protocol] = flat(hit, ndcg);
  return scores;
}

TEST(CheckScores, TheRatioOfNdcgToHitsHasItsUsualRange) {
  EXPECT_TRUE(check_scores({model("m", "v2", .2, .14)}).empty());
  EXPECT_EQ(check_scores({model("m", "v2", .2, .18)}).size(), 1u);
  EXPECT_EQ(check_scores({model("m", "v1", .2, .10)}).size(), 1u);
  EXPECT_TRUE(check_scores({model("m", "v2", 0, 0)}).empty());
}

TEST(CheckScores, SampledFiguresNeedPopularityBesideThem) {
  const ModelScores ppo = model("ppo", "v4-uniform-19", .6, .4),
                    popularity = model("popularity", "v4-uniform-19", .5, .3);
  const auto warnings = check_scores({ppo});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].find("ppo: v4-uniform-19"), 0u);
  EXPECT_TRUE(check_scores({ppo, popularity}).empty());
  EXPECT_EQ(check_scores({ppo, model("popularity", "v4-popular-19", .5, .3)}).size(), 1u);
}

class CheckInstances : public testing::Test {
 protected:
  std::vector<dialogue::Dialogue> dialogues_ = test::two_dialogues();
  std::vector<Instance> instances_ = make_instances(test::pointers(dialogues_));
};

TEST_F(CheckInstances, HonestOnesGiveNothing) {
  EXPECT_TRUE(check_instances(instances_, test::letters(6)).empty());
}

TEST_F(CheckInstances, AMessageInItsOwnContextIsALeak) {
  instances_[1].state.window.push_back(instances_[1].message);
  const auto warnings = check_instances(instances_, test::letters(6));
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].find("Leak: 1 of 3 messages"), 0u);
  EXPECT_EQ(warnings[1].find("Leak: 1 of 4 items"), 0u);  // D
}

TEST_F(CheckInstances, ATitleInTheWordsBeforeIsALeak) {
  std::vector<dialogue::Item> items = test::letters(6).items();
  items[5].title = "Heat of the Night (1967)";
  instances_[2].state.window[0].text = "what about HEAT of the night, @";
  instances_[2].state.window[0].mentions.clear();
  const auto warnings = check_instances(instances_, dialogue::Catalogue(items));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("title in the words"), std::string::npos);
}

TEST(CheckResponses, TextsThatStandInTheirPromptAreLeaks) {
  std::vector<Response> responses(10);
  for (Response& response : responses) {
    response.prompt = "User: hello\nSystem: have you seen the film Heat?";
    response.reference = "I would try another one of those";
    response.response = "hello";  // few words are said twice by anybody
  }
  EXPECT_TRUE(check_responses("ppo", responses).empty());
  responses[3].response = "have you seen the film Heat?";
  const auto warnings = check_responses("ppo", responses);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].find("Leak: 1 of 1 replies of ppo"), 0u);
  responses[4].reference = "have you seen the film Heat?";
  EXPECT_EQ(check_responses("ppo", responses).size(), 2u);
}

}  // namespace
}  // namespace evaluate
