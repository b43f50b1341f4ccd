#include "simulate/play.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "dialogue/converse.h"

namespace simulate {
namespace {

constexpr std::string_view kPerson = "person-";  // a seeker's name, before the number

dialogue::ConverseOptions converse_options(const PlayOptions& options) {
  dialogue::ConverseOptions own{options.max_turns, options.state, options.sampling,
                                options.sentiment};
  own.sampling.seed = options.seed;
  return own;
}

std::uint64_t person_of(const PlayOptions& options, std::uint64_t episode) {
  const std::uint64_t person = base::random_key({options.seed, "simulate/episode", episode});
  return options.people > 0 ? person % static_cast<std::uint64_t>(options.people) : person;
}

dialogue::Dialogue empty_dialogue(const PlayOptions& options, int number, std::uint64_t person,
                                  const std::string& recommender) {
  dialogue::Dialogue dialogue;
  dialogue.id = base::concatenate(recommender, "-", options.seed, "-", number + 1);
  dialogue.seeker = base::concatenate(kPerson, person);
  dialogue.recommender = recommender;
  dialogue.order = number;
  dialogue.source = "simulated";
  return dialogue;
}

Episode finish(dialogue::Conversation talk, SimulatedUser& user) {
  talk.dialogue.seeker_labels = user.seeker_form();
  talk.dialogue.recommender_labels = user.recommender_form();
  return {std::move(talk.dialogue), std::move(talk.decisions), user.satisfaction(),
          user.satisfactions()};
}

void play_batch(dialogue::Recommender& recommender, const World& world, const PlayOptions& options,
                int first, int size, std::vector<Episode>& episodes) {
  const dialogue::ConverseOptions converse = converse_options(options);
  std::vector<std::unique_ptr<SimulatedUser>> users;
  std::vector<dialogue::Conversation> talks;
  for (int number = first; number < first + size; ++number) {
    const auto episode = static_cast<std::uint64_t>(number);
    const std::uint64_t person = person_of(options, episode);
    // The seed is part of the user's stream, so that one person never says the same twice.
    users.push_back(std::make_unique<SimulatedUser>(
        world, person, base::random_key({options.seed, "u", episode})));
    talks.push_back(dialogue::begin(empty_dialogue(options, number, person, recommender.name()),
                                    *users.back(), converse));
  }
  dialogue::converse(recommender, world.catalogue(), talks, static_cast<std::uint64_t>(first),
                     converse);
  for (std::size_t i = 0; i < talks.size(); ++i)
    episodes.push_back(finish(std::move(talks[i]), *users[i]));
}

}  // namespace

std::vector<Episode> play(dialogue::Recommender& recommender, const World& world,
                          const PlayOptions& options) {
  base::check(options.batch > 0, "play: a batch of ", options.batch);
  std::vector<Episode> episodes;
  for (int first = 0; first < options.episodes; first += options.batch)
    play_batch(recommender, world, options, first,
               std::min(options.batch, options.episodes - first), episodes);
  return episodes;
}

std::uint64_t person_of(const dialogue::Dialogue& dialogue) {
  const std::string& seeker = dialogue.seeker;
  std::uint64_t number = 0;
  const char* const end = seeker.data() + seeker.size();
  if (!seeker.starts_with(kPerson) || seeker.size() == kPerson.size() ||
      std::from_chars(seeker.data() + kPerson.size(), end, number).ptr != end)
    throw base::DataError(dialogue.id, ": the seeker \"", seeker, "\" is nobody of a world");
  return number;
}

double mean_satisfaction(const std::vector<Episode>& episodes) {
  double sum = 0;
  for (const Episode& episode : episodes) sum += episode.satisfaction;
  return episodes.empty() ? 0 : sum / static_cast<double>(episodes.size());
}

dialogue::Corpus make_corpus(const World& world, const Behaviour& behaviour) {
  LoggingRecommender recommender(world, behaviour);
  PlayOptions options;
  options.episodes = world.settings().dialogues;
  options.max_turns = world.settings().max_turns;
  options.people = world.settings().people;
  options.seed = static_cast<std::uint64_t>(world.settings().seed);
  dialogue::Corpus corpus;
  corpus.catalogue = world.catalogue();
  for (Episode& episode : play(recommender, world, options))
    corpus.dialogues.push_back(std::move(episode.dialogue));
  return corpus;
}

dialogue::Corpus make_corpus(const World& world) {
  return make_corpus(world, logging_behaviour(world.settings()));
}

}  // namespace simulate
