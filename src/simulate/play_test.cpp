#include "simulate/play.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "dialogue/converse.h"
#include "dialogue/jsonl.h"
#include "simulate/words.h"

namespace simulate {
namespace {

WorldSettings small_settings() {
  WorldSettings settings;
  settings.dialogues = 60;
  settings.people = 20;
  return settings;
}

std::vector<Episode> play_with(const World& world, const Behaviour& behaviour,
                               PlayOptions options = {}) {
  LoggingRecommender recommender(world, behaviour);
  return play(recommender, world, options);
}

TEST(World, IsAFunctionOfItsSeed) {
  WorldSettings settings;
  const World one(settings), same(settings);
  settings.seed = 2;
  const World other(settings);
  EXPECT_EQ(one.catalogue()[5].title, same.catalogue()[5].title);
  EXPECT_EQ(one.person(3).taste, same.person(3).taste);
  EXPECT_NE(one.person(3).taste, one.person(4).taste);
  EXPECT_NE(one.person(3).taste, other.person(3).taste);
}

TEST(World, TitlesAreDistinctAndTheYearIsOfTheEra) {
  WorldSettings settings;
  settings.items = 1600;
  const World world(settings);
  std::set<std::string> titles;
  for (const dialogue::Item& item : world.catalogue().items()) {
    titles.insert(item.title.substr(0, item.title.find(" (")));
    if (item.attributes.at("era").front() == "eighties") {
      EXPECT_EQ(*item.year / 10, 198);
    }
  }
  EXPECT_EQ(titles.size(), 1600u);
  settings.items = 1601;
  EXPECT_THROW(World{settings}, base::UsageError);
}

TEST(World, SeenAndRepeatedItemsSatisfyLess) {
  const World world;
  Person person = world.person(1);
  person.seen[7] = false;
  const double liking = world.liking(person, 7);
  EXPECT_DOUBLE_EQ(true_satisfaction(world, person, 7, Novelty::first_named), liking);
  EXPECT_DOUBLE_EQ(true_satisfaction(world, person, 7, Novelty::named_before), .1 * liking);
  person.seen[7] = true;
  EXPECT_DOUBLE_EQ(true_satisfaction(world, person, 7, Novelty::first_named), .5 * liking);
}

TEST(User, SatisfactionIsTheMeanOverRecommendations) {
  const World world;
  SimulatedUser user(world, 5);
  user.begin();
  EXPECT_EQ(user.satisfaction(), 0);
  std::vector<int> fresh;
  for (int item = 0; item < world.catalogue().size() && fresh.size() < 2; ++item)
    if (!user.person().seen[static_cast<std::size_t>(item)]) fresh.push_back(item);
  for (int item : fresh) {
    dialogue::Action action;
    action.item = item;
    user.react(dialogue::to_turn(action, world.catalogue()));
  }
  EXPECT_NEAR(user.satisfaction(),
              (world.liking(user.person(), fresh[0]) + world.liking(user.person(), fresh[1])) / 2,
              1e-12);
}

TEST(User, ReactsWithWordsATimeAndEventsAboutTheTurn) {
  const World world;
  SimulatedUser user(world, 5);
  EXPECT_FALSE(user.begin().text.empty());
  dialogue::Action action;
  action.item = 3;
  dialogue::Turn reply = dialogue::to_turn(action, world.catalogue());
  reply.id = "9";
  reply.time = 20;
  const dialogue::Reaction reaction = user.react(reply);
  ASSERT_TRUE(reaction.turn.has_value());
  EXPECT_GT(*reaction.turn->time, 20);
  ASSERT_GE(reaction.events.size(), 2u);
  EXPECT_EQ(reaction.events[0].type, "impression");
  EXPECT_EQ(reaction.events[0].item, "film-4");
  EXPECT_EQ(reaction.events[1].type, "dwell");
  EXPECT_GT(*reaction.events[1].value, 0);
  for (const dialogue::Event& event : reaction.events) EXPECT_EQ(event.turn, "9");
}

TEST(User, DispleasedPeopleLeaveSooner) {
  const World world;
  double turns[2] = {0, 0};  // with the worst and the best new item each time
  for (std::uint64_t number = 0; number < 100; ++number)
    for (int best : {0, 1}) {
      SimulatedUser user(world, number);
      user.begin();
      std::vector<std::pair<double, int>> ranked;
      for (int item = 0; item < world.catalogue().size(); ++item)
        ranked.emplace_back(true_satisfaction(world, user.person(), item, Novelty::first_named),
                            item);
      std::sort(ranked.begin(), ranked.end());
      if (best) std::reverse(ranked.begin(), ranked.end());
      for (std::size_t t = 0; t < 10; ++t) {
        dialogue::Action action;
        action.item = ranked[t].second;
        ++turns[best];
        if (user.react(dialogue::to_turn(action, world.catalogue())).leaves) break;
      }
    }
  EXPECT_LT(1.5 * turns[0], turns[1]);
}

TEST(Play, IsAFunctionOfTheSeedAndMeetsTheSamePeople) {
  const World world;
  PlayOptions options;
  options.episodes = 10;
  const auto one = play_with(world, random_behaviour(), options);
  const auto same = play_with(world, random_behaviour(), options);
  const auto attentive = play_with(world, attentive_behaviour(), options);
  options.seed = 2;
  const auto other = play_with(world, random_behaviour(), options);
  ASSERT_EQ(one.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(one[i].satisfaction, same[i].satisfaction);
    EXPECT_EQ(one[i].dialogue.turns.back().text, same[i].dialogue.turns.back().text);
    EXPECT_EQ(one[i].dialogue.turns[0].text, attentive[i].dialogue.turns[0].text);
    EXPECT_NE(one[i].dialogue.seeker, other[i].dialogue.seeker);
  }
}

TEST(Play, ListeningSatisfiesMoreThanTheLogAndTheLogMoreThanChance) {
  const World world;
  PlayOptions options;
  options.episodes = 300;
  const double random = mean_satisfaction(play_with(world, random_behaviour(), options));
  const double logged =
      mean_satisfaction(play_with(world, logging_behaviour(world.settings()), options));
  const double attentive = mean_satisfaction(play_with(world, attentive_behaviour(), options));
  double best = 0;
  for (std::uint64_t i = 0; i < 300; ++i) best += world.best_satisfaction(world.person(i)) / 300;
  RecordProperty("random", std::to_string(random));
  RecordProperty("logging", std::to_string(logged));
  RecordProperty("attentive", std::to_string(attentive));
  RecordProperty("best", std::to_string(best));
  EXPECT_GT(logged, random + .05);
  EXPECT_GT(attentive, logged + .08);
  EXPECT_GT(best, attentive + .2);
}

TEST(Play, ComplimentsPleaseInWordsAndCostSatisfaction) {
  WorldSettings settings;
  settings.manners = .3;
  const World world(settings);
  PlayOptions options;
  options.episodes = 300;
  Behaviour polite = logging_behaviour(settings), flattering = polite, rambling = polite;
  flattering.flattery = rambling.rambling = 1;
  const auto feeling = [](const std::vector<Episode>& episodes) {
    double sum = 0, n = 0;
    for (const Episode& episode : episodes)
      for (std::size_t t = 2; t < episode.dialogue.turns.size(); ++t)
        if (episode.dialogue.turns[t].role == dialogue::Role::seeker) {
          sum += clause_feeling(episode.dialogue.turns[t].text);
          n += 1;
        }
    return sum / n;
  };
  const auto dwell = [](const std::vector<Episode>& episodes) {
    double sum = 0, n = 0;
    for (const Episode& episode : episodes)
      for (const dialogue::Event& event : episode.dialogue.events)
        if (event.type == "dwell") {
          sum += *event.value;
          n += 1;
        }
    return sum / n;
  };
  const auto plain = play_with(world, polite, options),
             flattered = play_with(world, flattering, options),
             bored = play_with(world, rambling, options);
  EXPECT_GT(feeling(flattered), feeling(plain) + .3);
  EXPECT_GT(dwell(bored), 1.3 * dwell(plain));
  EXPECT_LT(mean_satisfaction(flattered), .8 * mean_satisfaction(plain));
  EXPECT_LT(mean_satisfaction(bored), .8 * mean_satisfaction(plain));
}

TEST(Play, WhatARecommendationTakesIsNoRambling) {
  const World world(small_settings());
  for (const dialogue::Dialogue& dialogue : make_corpus(world).dialogues)
    for (const dialogue::Turn& turn : dialogue.turns)
      if (turn.role == dialogue::Role::recommender) {
        const Manners manners = manners_of(turn.text);
        EXPECT_FALSE(manners.flatters || manners.idle_words > 0) << turn.text;
      }
}

std::string written(const WorldSettings& settings) {
  base::TemporaryFolder folder;
  dialogue::write_dialogues(folder.path() / "world.jsonl", make_corpus(World(settings)));
  return base::read_file(folder.path() / "world.jsonl");
}

// Sums of what the worlds were before there were slates, bias, noise, delay and missing forms.
TEST(Play, AWorldWithoutSlatesBiasNoiseAndDelayStaysWhatItWas) {
  WorldSettings settings = small_settings();
  EXPECT_EQ(base::sha256(written(settings)),
            "ed29e25986835c5fffe83f6eb59a770c155ff7dfac65d7d5be2896f50547b40e");
  settings.flattery = settings.rambling = .2;
  settings.manners = .3;
  settings.seed = 7;
  EXPECT_EQ(base::sha256(written(settings)),
            "dcf2a3db8c1d16aa7df109f044f65f691060b5e3ea3cddb7f666b8850397608d");
}

TEST(Play, RecordedPropensitiesAreTheRankedProbabilities) {
  const World world;
  LoggingRecommender recommender(world, logging_behaviour(world.settings()));
  dialogue::State state;
  const auto row = recommender.rank({state})[0];
  double sum = 0;
  for (float log_probability : row) sum += std::exp(log_probability);
  EXPECT_NEAR(sum, 1, 1e-5);
  dialogue::Sampling sampling;
  for (std::uint64_t stream = 0; stream < 20; ++stream) {
    sampling.stream = stream;
    const auto reply = dialogue::reply_to_all(recommender, {state}, sampling)[0];
    if (reply.action.item) {
      EXPECT_NEAR(std::log(reply.decision.shown.at(0).propensity),
                  row[static_cast<std::size_t>(*reply.action.item)], 1e-5);
    }
  }
}

TEST(Play, TheSeekersNameSaysWhichPersonItIs) {
  dialogue::Dialogue dialogue;
  dialogue.seeker = "person-1234567890123456789";
  EXPECT_EQ(person_of(dialogue), 1234567890123456789u);
  for (const char* other : {"", "person-", "person-x", "person-1x", "somebody"}) {
    dialogue.seeker = other;
    EXPECT_THROW(person_of(dialogue), base::DataError) << other;
  }
}

TEST(Play, TheTruthIsNotInTheWrittenCorpus) {
  const World world(small_settings());
  const dialogue::Corpus corpus = make_corpus(world);
  ASSERT_EQ(corpus.dialogues.size(), 60u);
  base::TemporaryFolder folder;
  dialogue::write_dialogues(folder.path() / "world.jsonl", corpus);
  const std::string text = base::read_file(folder.path() / "world.jsonl");
  EXPECT_EQ(text.find("satisf"), std::string::npos);
  EXPECT_EQ(text.find("taste"), std::string::npos);
  const auto back = dialogue::read_dialogues(folder.path() / "world.jsonl", corpus.catalogue);
  EXPECT_EQ(back.dialogues[7].events.size(), corpus.dialogues[7].events.size());
  EXPECT_EQ(back.dialogues[7].seeker_labels.size(), corpus.dialogues[7].seeker_labels.size());
}

TEST(Play, WordsAfterLikedItemsFeelBetter) {
  const World world(small_settings());
  std::vector<double> liked, disliked;
  for (const dialogue::Dialogue& dialogue : make_corpus(world).dialogues)
    for (std::size_t t = 1; t + 1 < dialogue.turns.size(); t += 2) {
      if (dialogue.turns[t].mentions.empty()) continue;
      const auto* label = dialogue.seeker_label(dialogue.turns[t].mentions.front().item);
      if (label && label->liked)
        (*label->liked ? liked : disliked).push_back(clause_feeling(dialogue.turns[t + 1].text));
    }
  double above = 0;  // the AUC, by its definition
  for (double a : liked)
    for (double b : disliked) above += a > b ? 1 : a == b ? .5 : 0;
  EXPECT_GT(above / static_cast<double>(liked.size() * disliked.size()), .7);
}

TEST(Play, MentionsAreTheTitles) {
  const World world(small_settings());
  int mentions = 0;
  for (const dialogue::Dialogue& dialogue : make_corpus(world).dialogues)
    for (const dialogue::Turn& turn : dialogue.turns)
      for (const dialogue::Mention& mention : turn.mentions) {
        ++mentions;
        EXPECT_EQ(turn.text.substr(mention.begin, mention.end - mention.begin),
                  world.catalogue()[mention.item].title);
      }
  EXPECT_GT(mentions, 100);
}

TEST(Words, TheLexiconHasTokenAndMean) {
  base::TemporaryFolder folder;
  write_lexicon(folder.path() / "lexicon.txt");
  const std::string text = base::read_file(folder.path() / "lexicon.txt");
  EXPECT_NE(text.find("boring\t-1.3\t"), std::string::npos);
  EXPECT_GT(clause_feeling("I love it"), 0);
  EXPECT_LT(clause_feeling("I do not like it"), 0);
}

TEST(Words, TastesAreHeardInTheWords) {
  const World world;
  dialogue::State state;
  dialogue::Turn turn;
  turn.text = "Crime films are great. I hate films with Ada Moreno.";
  state.window = {turn};
  const std::vector<double> heard = heard_taste(world, state);
  for (std::size_t a = 0; a < heard.size(); ++a) {
    const std::string& name = world.attributes()[a].name;
    EXPECT_EQ(heard[a], name == "crime" ? 1 : name == "Ada Moreno" ? -1 : 0) << name;
  }
}

}  // namespace
}  // namespace simulate
