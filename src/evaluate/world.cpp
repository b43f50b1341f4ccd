#include "evaluate/world.h"

#include <map>

#include "base/error.h"

namespace evaluate {
namespace {

std::vector<double> satisfactions(const WorldGame& game) {
  std::vector<double> values;
  for (const simulate::Episode& episode : game.episodes) values.push_back(episode.satisfaction);
  return values;
}

// The person of each episode, numbered in order of first appearance.
std::vector<std::int64_t> people(const WorldGame& game) {
  std::map<std::string, std::int64_t> numbers;
  std::vector<std::int64_t> out;
  for (const simulate::Episode& episode : game.episodes)
    out.push_back(
        numbers.emplace(episode.dialogue.seeker, static_cast<std::int64_t>(numbers.size()))
            .first->second);
  return out;
}

}  // namespace

WorldGame play_world(dialogue::Recommender& recommender, const simulate::World& world,
                     const simulate::PlayOptions& options) {
  return {recommender.name(), simulate::play(recommender, world, options)};
}

WorldScores score_world(const WorldGame& game, const metrics::BootstrapOptions& options) {
  const auto interval = metrics::bootstrap_mean(satisfactions(game), people(game), options);
  base::check(interval.has_value(), game.model, " played no episode");
  WorldScores scores{.satisfaction = interval->estimate,
                     .low = interval->low,
                     .high = interval->high,
                     .episodes = static_cast<std::int64_t>(interval->rows),
                     .people = static_cast<std::int64_t>(interval->clusters),
                     .turns = 0};
  for (const simulate::Episode& episode : game.episodes)
    scores.turns +=
        static_cast<double>(episode.decisions.size()) / static_cast<double>(game.episodes.size());
  return scores;
}

Comparison compare_worlds(const WorldGame& game, const WorldGame& against,
                          const metrics::BootstrapOptions& options) {
  bool same = game.episodes.size() == against.episodes.size();
  for (std::size_t i = 0; same && i < game.episodes.size(); ++i)
    same = game.episodes[i].dialogue.seeker == against.episodes[i].dialogue.seeker;
  base::check(same, game.model, " and ", against.model, " met different people");
  Comparison row =
      compare_values(satisfactions(game), satisfactions(against), people(game), options);
  row.protocol = "world";
  row.metric = "satisfaction";
  row.model = game.model;
  row.against = against.model;
  row.primary = true;
  return row;
}

}  // namespace evaluate
