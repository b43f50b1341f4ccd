#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "dialogue/converse.h"
#include "simulate/play.h"
#include "simulate/words.h"

// What the log of a world is like where recommendations show several items, people look at the
// first ones more, clicks and dwell times are noisy, reports late and forms missing.
namespace simulate {
namespace {

WorldSettings slate_settings() {
  WorldSettings settings;
  settings.slate = 3;
  settings.dialogues = 400;
  settings.people = 200;
  settings.chat = 0;
  return settings;
}

// Of each place of the slates: the share of its items that was taken up, as the log has it.
std::vector<double> taken_up_by_place(const WorldSettings& settings) {
  std::vector<double> taken(3), shown(3);
  const World world(settings);
  for (const dialogue::Dialogue& dialogue : make_corpus(world).dialogues)
    for (const dialogue::Turn& turn : dialogue.turns) {
      if (turn.role != dialogue::Role::recommender) continue;
      const std::vector<int> items = turn.items();
      for (std::size_t i = 0; i < items.size(); ++i) {
        shown[i] += 1;
        for (const dialogue::Event& event : dialogue.events)
          taken[i] += event.type == "accept" && event.turn == turn.id &&
                      event.item == world.catalogue()[items[i]].id;
      }
    }
  for (std::size_t i = 0; i < 3; ++i) taken[i] /= shown[i];
  return taken;
}

TEST(Slates, HaveDifferentItemsInOneSentenceEachWithAnImpression) {
  const World world(slate_settings());
  for (const dialogue::Dialogue& dialogue : make_corpus(world).dialogues)
    for (const dialogue::Turn& turn : dialogue.turns) {
      if (turn.role != dialogue::Role::recommender) continue;
      const std::vector<int> items = turn.items();
      ASSERT_EQ(items.size(), 3u) << turn.text;
      ASSERT_EQ(turn.mentions.size(), 3u);
      std::vector<std::string> impressions;
      for (const dialogue::Event& event : dialogue.events)
        if (event.type == "impression" && event.turn == turn.id) impressions.push_back(event.item);
      ASSERT_EQ(impressions.size(), 3u);
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(impressions[i], world.catalogue()[items[i]].id);
        EXPECT_EQ(
            turn.text.substr(turn.mentions[i].begin, turn.mentions[i].end - turn.mentions[i].begin),
            world.catalogue()[items[i]].title);
      }
      EXPECT_EQ(manners_of(turn.text, 3).idle_words, 0) << turn.text;
    }
}

TEST(Slates, EachItemsPropensityIsItsShareOfWhatTheOnesBeforeLeft) {
  const World world(slate_settings());
  LoggingRecommender recommender(world, logging_behaviour(world.settings()));
  const auto row = recommender.rank({dialogue::State()})[0];
  dialogue::Sampling sampling;
  for (std::uint64_t stream = 0; stream < 20; ++stream) {
    sampling.stream = stream;
    const auto reply = dialogue::reply_to_all(recommender, {dialogue::State()}, sampling)[0];
    ASSERT_EQ(reply.decision.shown.size(), 3u);
    EXPECT_EQ(reply.action.item, reply.decision.shown[0].item);
    double left = 1;
    for (const dialogue::Shown& shown : reply.decision.shown) {
      const double p = std::exp(row[static_cast<std::size_t>(shown.item)]);
      EXPECT_NEAR(shown.propensity, p / left, 1e-5);
      left -= p;
    }
  }
}

TEST(Slates, OfFewItemsShowWhatThereIs) {
  WorldSettings settings = slate_settings();
  settings.items = 2;
  EXPECT_THROW(World{settings}, base::UsageError);
  settings.items = 3;
  settings.dialogues = 20;
  for (const dialogue::Dialogue& dialogue : make_corpus(World(settings)).dialogues)
    EXPECT_EQ(dialogue.turns[1].items().size(), 3u);
}

TEST(Clicks, FallWithThePlaceAsTheBiasSays) {
  WorldSettings settings = slate_settings();
  const std::vector<double> fair = taken_up_by_place(settings);
  for (double share : fair) EXPECT_NEAR(share, fair[0], .04);
  settings.position_bias = 1;
  const std::vector<double> biased = taken_up_by_place(settings);
  EXPECT_NEAR(biased[0], fair[0], .04);
  EXPECT_NEAR(biased[1], fair[1] / 2, .04);
  EXPECT_NEAR(biased[2], fair[2] / 3, .04);
}

// c (1 - n) + (1 - c) n of a share c is taken up.
TEST(Clicks, AreTurnedRoundByNoise) {
  WorldSettings settings = slate_settings();
  const double clean = taken_up_by_place(settings)[0];
  settings.click_noise = .25;
  EXPECT_NEAR(taken_up_by_place(settings)[0], clean * .75 + (1 - clean) * .25, .04);
  settings.click_noise = 1;
  EXPECT_NEAR(taken_up_by_place(settings)[0], 1 - clean, .04);
}

// With all reports late by 24 hours on average, those that come within 24 are 1 - 1/e.
TEST(Clicks, ThatAreReportedAfterTheLogWasClosedAreMissing) {
  WorldSettings settings = slate_settings();
  const double all = taken_up_by_place(settings)[0];
  settings.delay = 1;
  EXPECT_NEAR(taken_up_by_place(settings)[0], all * (1 - std::exp(-1)), .04);
  double late = 0, accepts = 0;
  for (const dialogue::Dialogue& dialogue : make_corpus(World(settings)).dialogues)
    for (const dialogue::Event& event : dialogue.events)
      if (event.type == "accept") {
        accepts += 1;
        late += *event.time > *dialogue.turns.back().time;
        EXPECT_LT(*event.time, *dialogue.turns.back().time + 24 * 3600);
      }
  EXPECT_GT(late, .9 * accepts);
}

TEST(Dwell, SpreadsAsTheNoiseSays) {
  const auto deviation = [](double noise) {
    WorldSettings settings = slate_settings();
    settings.dwell_noise = noise;
    double sum = 0, squares = 0, n = 0;
    for (const dialogue::Dialogue& dialogue : make_corpus(World(settings)).dialogues)
      for (const dialogue::Event& event : dialogue.events)
        if (event.type == "dwell") {
          const double seconds = std::log(*event.value);
          sum += seconds, squares += seconds * seconds, n += 1;
        }
    return std::sqrt(squares / n - sum * sum / n / n);
  };
  const double none = deviation(0);  // what satisfaction makes of it
  for (double noise : {.5, 1.})
    EXPECT_NEAR(deviation(noise), std::sqrt(none * none + noise * noise), .05);
}

TEST(Forms, AreFilledInAsOftenAsTheSettingsSay) {
  WorldSettings settings;
  settings.dialogues = 400;
  settings.people = 200;
  const auto filled = [&](double share) {
    settings.forms = share;
    double n = 0;
    for (const dialogue::Dialogue& dialogue : make_corpus(World(settings)).dialogues)
      n += !dialogue.seeker_labels.empty();
    return n / 400;
  };
  EXPECT_EQ(filled(0), 0);
  EXPECT_NEAR(filled(.5), .5, .1);
  EXPECT_GT(filled(1), .99);  // all but those in which nothing was named
}

}  // namespace
}  // namespace simulate
