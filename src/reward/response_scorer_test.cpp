#include "reward/response_scorer.h"

#include <gtest/gtest.h>

namespace reward {
namespace {

// People who say "thanks" are pleased, whatever the reply; goodbyes follow thanks. Good news makes
// anybody a little more pleased.
struct Talks {
  std::vector<dialogue::Dialogue> dialogues;
  std::vector<ResponseOutcome> outcomes;

  explicit Talks(int count) {
    for (int i = 0; i < count; ++i) {
      const bool thanks = i % 2 == 0, bye = thanks ? i % 10 != 0 : i % 10 == 1;
      const bool good = i % 3 == 0;
      dialogue::Dialogue d;
      d.turns.resize(2);
      d.turns[0].text = thanks ? "thanks a lot" : "and what else";
      d.turns[1].role = dialogue::Role::recommender;
      d.turns[1].text = std::string(bye ? "goodbye" : "hello") + (good ? " wonderful" : " indeed");
      dialogues.push_back(d);
    }
    for (int i = 0; i < count; ++i)
      outcomes.push_back({&dialogues[static_cast<std::size_t>(i)], 1,
                          (i % 2 == 0 ? 1. : -1.) + (i % 3 == 0 ? .5 : 0.), i});
  }
};

dialogue::Turn reply(const std::string& text) {
  dialogue::Turn turn;
  turn.role = dialogue::Role::recommender;
  turn.text = text;
  return turn;
}

TEST(ResponseScorer, DoesNotCreditAReplyWithWhatTheStateForetells) {
  const Talks talks(600);
  const ResponseScorer scorer(talks.outcomes, 1);
  const double bye = scorer.score(reply("goodbye indeed")) - scorer.score(reply("hello indeed"));
  const double good = scorer.score(reply("hello wonderful")) - scorer.score(reply("hello indeed"));
  EXPECT_LT(bye, .5);  // the means of those who heard it differ by 1.6
  EXPECT_GT(good, .2);
  EXPECT_GT(scorer.foretold(talks.dialogues[0], 1), scorer.foretold(talks.dialogues[1], 1) + 1);
}

TEST(ResponseScorer, ComesBackFromJsonAndIsJudgedOnOthers) {
  const Talks talks(600), others(100);
  const ResponseScorer scorer(talks.outcomes, 1);
  const ResponseScorer back = ResponseScorer::from_json(scorer.to_json(), "test");
  EXPECT_EQ(back.score(reply("goodbye indeed")), scorer.score(reply("goodbye indeed")));
  std::vector<double> scores;
  for (const ResponseOutcome& outcome : others.outcomes)
    scores.push_back(back.score(outcome.dialogue->turns[1]));
  const auto quality = response_quality(scores, back, others.outcomes, 1);
  ASSERT_TRUE(quality);
  EXPECT_GT(quality->estimate, .5);
  EXPECT_FALSE(response_quality({}, back, {}, 1));
}

}  // namespace
}  // namespace reward
