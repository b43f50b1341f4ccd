#include "rl/best_of_recommender.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "recommend/test_model.h"
#include "rl/test_reward.h"

namespace rl {
namespace {

namespace testing = recommend::testing;

struct Drawn {
  double worth = 0;  // mean of the items recommended: 2, 0 or -2
  double share = 0;  // of replies that recommend
  double score = 0;
  std::vector<dialogue::Reply> replies;
};

Drawn draw(int n) {
  const std::vector<dialogue::Dialogue> dialogues = testing::dialogues(6);
  const recommend::TrainedModel model = testing::model(dialogues);
  const reward::RewardModel reward = fixed_reward();
  BestOfRecommender recommender("best", model, reward, n, {.slots = 16, .hash = "-"});
  // Before anything is said: every item can be recommended.
  std::vector<dialogue::State> states(400, dialogue::state_before(dialogues[0], 0));
  dialogue::Sampling sampling;
  sampling.max_tokens = 6;
  sampling.seed = 3;
  Drawn drawn;
  drawn.replies = dialogue::reply_to_all(recommender, states, sampling);
  double items = 0;
  for (const dialogue::Reply& reply : drawn.replies) {
    if (!reply.action.item) continue;
    items += 1;
    drawn.worth += 2. - 2 * *reply.action.item;
  }
  drawn.worth /= items;
  drawn.share = items / static_cast<double>(states.size());
  drawn.score = recommender.mean_score();
  return drawn;
}

TEST(BestOfRecommender, TheBestOfMoreRepliesIsWorthMore) {
  const Drawn one = draw(1), four = draw(4);
  EXPECT_GT(four.worth, one.worth + .5);
  EXPECT_GT(four.score, one.score + .5);
}

TEST(BestOfRecommender, HowOftenItRecommendsStaysTheStartModels) {
  EXPECT_NEAR(draw(8).share, draw(1).share, .12);  // 5 standard errors
}

TEST(BestOfRecommender, RepliesAreAFunctionOfSeedAndStream) {
  const Drawn first = draw(3), again = draw(3);
  for (std::size_t i = 0; i < first.replies.size(); ++i)
    ASSERT_EQ(first.replies[i].action.text, again.replies[i].action.text);
}

TEST(BestOfRecommender, AReplyThatIsEndedEarlyIsOneOfThoseDrawn) {
  const std::vector<dialogue::Dialogue> dialogues = testing::dialogues(6);
  const recommend::TrainedModel model = testing::model(dialogues);
  const reward::RewardModel reward = fixed_reward();
  BestOfRecommender recommender("best", model, reward, 3, {.hash = "-"});
  const auto id = recommender.open(dialogue::state_before(dialogues[0], 1), {.max_tokens = 20});
  recommender.step();
  EXPECT_EQ(recommender.close(id).id, id);
  EXPECT_THROW(recommender.close(id), base::Error);
}

TEST(BestOfRecommender, NoReplyIsNoChoice) {
  const std::vector<dialogue::Dialogue> dialogues = testing::dialogues(6);
  const recommend::TrainedModel model = testing::model(dialogues);
  const reward::RewardModel reward = fixed_reward();
  EXPECT_THROW(BestOfRecommender("best", model, reward, 0), base::UsageError);
}

}  // namespace
}  // namespace rl
