#include "pipeline/alarms.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/run_log.h"

namespace pipeline {
namespace {

struct Case {
  const char* metric;
  double first, last;
  const char* said;  // empty: nothing
};

class Alarms : public ::testing::Test {
 protected:
  // Eight iterations, the metrics going evenly from first to last.
  std::vector<std::string> of(const std::vector<Case>& courses,
                              const evaluate::ModelScores& start = {},
                              const evaluate::ModelScores& aligned = {}) {
    base::TemporaryFolder folder;
    base::RunLog log(folder.path());
    for (int i = 0; i < 8; ++i) {
      base::Metrics metrics;
      for (const Case& one : courses)
        metrics.emplace_back(one.metric, one.first + (one.last - one.first) * i / 7);
      log.write(i + 1, metrics);
    }
    return find_alarms(folder.path(), rl::RlSettings(), start, aligned);
  }
};

TEST_F(Alarms, EachSignatureOfTheLogIsSaidAndAHealthyOneIsNot) {
  for (const Case& one :
       std::vector<Case>{{"objective/entropy", 1, .3, "entropy"},
                         {"objective/entropy", 1, .8, ""},
                         {"length/mean", 10, 30, "length of replies"},
                         {"length/mean", 30, 10, "length of replies"},
                         {"length/mean", 10, 12, ""},
                         {"objective/kl", 0, 9, "words' KL is past its budget"},
                         {"objective/kl", 0, 4, ""},
                         {"objective/kl", 0, -3, "below 0"},
                         {"item/kl", 0, 2, "item slot's KL is past its budget"},
                         {"item/kl", 0, .6, ""},
                         {"policy/clipfrac_avg", .1, .6, "clipped"},
                         {"policy/clipfrac_avg", .1, .2, ""},
                         {"mismatch/log_prob", .01, .4, "Sampler and trainer disagree"},
                         {"mismatch/log_prob", .003, .004, ""},
                         {"reward/sentiment_correlation", .1, .8, "cheerful"},
                         {"reward/sentiment_correlation", .1, .3, ""},
                         {"steps_skipped", 0, 1, "gradient was not finite"},
                         {"steps_skipped", 0, 0, ""},
                         {"item/steps_skipped", 1, 0, "gradient was not finite"},
                         {"item/steps_skipped", 0, 0, ""},
                         {"kl/taken_back", 1, 1, "Every step of the words was taken back"},
                         {"kl/taken_back", 1, 0, ""},
                         {"item/taken_back", 1, 1, "Every step of the item slot was taken back"},
                         {"item/taken_back", 0, 1, ""}}) {
    const std::vector<std::string> found = of({one});
    if (!*one.said) {
      EXPECT_TRUE(found.empty()) << found[0];
      continue;
    }
    ASSERT_EQ(found.size(), 1u) << one.metric;
    EXPECT_NE(found[0].find(one.said), std::string::npos) << found[0];
  }
}

TEST_F(Alarms, ARewardThatRisesWhileGoldFallsIsBeingGamed) {
  const auto found = of({{"item/reward", 0, 2, ""}, {"gold", .5, .3, ""}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].find("being gamed"), std::string::npos);
  EXPECT_TRUE(of({{"item/reward", 0, 2, ""}, {"gold", .3, .5, ""}}).empty());
  const Case scores{"objective/scores", 0, 2, ""}, gold{"gold", .5, .3, ""};
  const auto words = of({scores, {"item/reward", 2, 0, ""}, gold});
  ASSERT_EQ(words.size(), 1u);
  EXPECT_NE(words[0].find("of words rose (0.14 to 1.86)"), std::string::npos) << words[0];
  EXPECT_TRUE(of({scores, {"gold", .3, .5, ""}}).empty());
  // Where steps can be taken back, the scores are of the start model's replies.
  EXPECT_TRUE(of({scores, {"kl/taken_back", 0, 0, ""}, gold}).empty());
}

evaluate::ModelScores scores(double hit, double bleu, double coverage, double weight,
                             double consistency) {
  evaluate::ModelScores scores;
  scores.protocols["v2"].pairs.resize(4);
  scores.protocols["v2"].pairs[1].hit = hit;
  scores.text.emplace().bleu4 = bleu;
  scores.lists["v2"].coverage = coverage;
  scores.context = evaluate::ContextScores{weight, consistency, 10};
  return scores;
}

TEST_F(Alarms, ScoresThatGoApartAreSaid) {
  const evaluate::ModelScores start = scores(.2, 10, .5, .6, .8);
  EXPECT_TRUE(of({}, start, scores(.25, 9, .4, .55, .75)).empty());
  const auto said = [&](const evaluate::ModelScores& aligned, const char* what) {
    const auto found = of({}, start, aligned);
    return found.size() == 1 && found[0].find(what) != std::string::npos;
  };
  EXPECT_TRUE(said(scores(.25, 5, .5, .6, .8), "Hits rose while BLEU fell"));
  EXPECT_TRUE(said(scores(.2, 10, .1, .6, .8), "narrowed"));
  EXPECT_TRUE(said(scores(.2, 10, .5, .3, .8), "counts for less"));
  EXPECT_TRUE(said(scores(.2, 10, .5, .6, .4), "from message to message"));
}

}  // namespace
}  // namespace pipeline
