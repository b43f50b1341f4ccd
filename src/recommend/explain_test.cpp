#include "recommend/explain.h"

#include <gtest/gtest.h>

#include "recommend/test_model.h"

namespace recommend {
namespace {

using dialogue::Role;
using Lines = std::vector<std::string>;

dialogue::Dialogue asked(int id, const std::string& words, int recommended) {
  dialogue::Dialogue d;
  d.id = std::to_string(id);
  d.turns = {train::testing::turn(Role::seeker, words),
             train::testing::turn(Role::recommender, "watch @", recommended)};
  return d;
}

// Scary films are Alien, funny ones are Up; everybody wants one, please.
std::vector<dialogue::Dialogue> scary_and_funny() {
  std::vector<dialogue::Dialogue> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(i % 2 ? asked(i, "i want something scary please", 1)
                        : asked(i, "i want something funny please", 2));
  return all;
}

TEST(Explain, AWordSpeaksForAnItemThatIsRecommendedMoreOftenAfterIt) {
  const auto training = scary_and_funny();
  const TrainedModel model = testing::model(training);
  const RankContext context = model.ranker.read_state(dialogue::state_before(training[1], 1));
  const auto words_for = [&](int item) {
    Lines words;
    for (const dialogue::Reason& reason :
         explain(model.ranker, context, item, model.catalogue, 10)) {
      EXPECT_EQ(reason.kind, dialogue::Reason::Kind::word);
      EXPECT_GT(reason.weight, 0);
      words.push_back(reason.what);
    }
    return words;
  };
  EXPECT_EQ(words_for(1), Lines{"scary"});
  EXPECT_EQ(words_for(2), Lines{});  // nobody who said this was given it for it
}

}  // namespace
}  // namespace recommend
