#include "simulate/logging_recommender.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "simulate/words.h"

namespace simulate {
namespace {

constexpr double kSharpness = 2;  // of an attentive choice: logit per unit of heard taste

// Clauses end at a mark or a "but".
std::vector<std::pair<std::size_t, std::size_t>> clauses_of(const std::string& text) {
  std::vector<std::pair<std::size_t, std::size_t>> clauses;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (std::string_view(".!?,").find(text[i]) != std::string_view::npos) {
      clauses.emplace_back(begin, i);
      begin = i + 1;
    }
  clauses.emplace_back(begin, text.size());
  return clauses;
}

// A sentence may begin with the words, so their first letter may be a capital.
bool names(const std::string& clause, const Attribute& attribute) {
  return clause.find(describe(attribute).substr(1)) != std::string::npos;
}

double sign(double value) { return value > 0 ? 1 : value < 0 ? -1 : 0; }

// So many different items, each drawn from what the ones before leave.
std::vector<dialogue::Shown> draw_slate(std::vector<double> probabilities, int count,
                                        base::Random& random) {
  std::vector<dialogue::Shown> shown;
  double left = 1;
  while (static_cast<int>(shown.size()) < count && left > 0) {
    const std::size_t item = random.choose(probabilities);
    shown.push_back({static_cast<int>(item), probabilities[item] / left, {}});
    probabilities[item] = 0;
    left = std::accumulate(probabilities.begin(), probabilities.end(), 0.);
  }
  return shown;
}

}  // namespace

std::vector<double> heard_taste(const World& world, const dialogue::State& state) {
  std::vector<double> heard(world.attributes().size());
  const auto add_item = [&](int item, double feeling) {
    for (int a : world.attributes_of(item)) heard[static_cast<std::size_t>(a)] += .35 * feeling;
  };
  std::vector<int> suggested;  // by the recommender, in its last turn
  for (const dialogue::Turn& turn : state.window) {
    if (turn.role == dialogue::Role::recommender) {
      suggested = turn.items();
      continue;
    }
    double first_feeling = 0;
    for (const auto& [begin, end] : clauses_of(turn.text)) {
      const std::string clause = turn.text.substr(begin, end - begin);
      const double feeling = sign(clause_feeling(clause));
      if (first_feeling == 0) first_feeling = feeling;
      for (std::size_t a = 0; a < heard.size(); ++a)
        if (names(clause, world.attributes()[a])) heard[a] += feeling < 0 ? -1 : 1;
      for (const dialogue::Mention& mention : turn.mentions)
        if (mention.begin >= begin && mention.begin < end && suggested.empty())
          add_item(mention.item, feeling);
    }
    for (int item : suggested) add_item(item, first_feeling);
    suggested.clear();
  }
  return heard;
}

Behaviour logging_behaviour(const WorldSettings& settings) {
  Behaviour behaviour;
  behaviour.attentive = settings.attentive;
  behaviour.chat = settings.chat;
  behaviour.flattery = settings.flattery;
  behaviour.rambling = settings.rambling;
  behaviour.slate = settings.slate;
  return behaviour;
}

LoggingRecommender::LoggingRecommender(const World& world, const Behaviour& behaviour,
                                       std::string name)
    : world_(world), behaviour_(behaviour), name_(std::move(name)) {}

std::vector<double> LoggingRecommender::item_probabilities(const dialogue::State& state) const {
  const auto n = static_cast<std::size_t>(world_.catalogue().size());
  const std::vector<double> heard = heard_taste(world_, state);
  std::vector<double> attentive(n), popular(n);
  double attentive_sum = 0, popular_sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const int item = static_cast<int>(i);
    double score = 0;
    for (int a : world_.attributes_of(item)) score += heard[static_cast<std::size_t>(a)];
    const bool named =
        std::any_of(state.items.begin(), state.items.end(),
                    [&](const dialogue::KnownItem& known) { return known.item == item; });
    const double keep = named ? 1 - behaviour_.avoid_named : 1;
    attentive_sum += attentive[i] = keep * std::exp(kSharpness * score);
    popular_sum += popular[i] = keep * std::pow(world_.popularity(item), behaviour_.flatness);
  }
  std::vector<double> probabilities(n, 1. / static_cast<double>(n));
  if (attentive_sum <= 0 || popular_sum <= 0) return probabilities;  // all items are named
  for (std::size_t i = 0; i < n; ++i)
    probabilities[i] = behaviour_.attentive * attentive[i] / attentive_sum +
                       (1 - behaviour_.attentive) * popular[i] / popular_sum;
  return probabilities;
}

std::vector<std::vector<float>> LoggingRecommender::rank(
    const std::vector<dialogue::State>& states) {
  std::vector<std::vector<float>> rows;
  for (const dialogue::State& state : states) {
    std::vector<float> row;
    for (double p : item_probabilities(state))
      row.push_back(static_cast<float>(std::log(std::max(p, 1e-30))));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::int64_t LoggingRecommender::open(const dialogue::State& state,
                                      const dialogue::Sampling& sampling) {
  base::Random random({sampling.seed, "simulate/logging", static_cast<std::uint64_t>(state.turns),
                       sampling.stream});
  dialogue::Reply reply;
  reply.id = next_id_++;
  reply.action.ended = true;
  reply.decision.model = name_;
  reply.decision.sampling = sampling;
  Sentence sentence(world_);
  if (random.chance(behaviour_.chat)) {
    sentence.add(ask(random));
  } else {
    reply.decision.shown = draw_slate(item_probabilities(state), behaviour_.slate, random);
    reply.action.recommends = true;
    reply.action.item = reply.decision.shown.front().item;
    // Without such shares nothing is drawn: a world stays what it was before it had them.
    if (behaviour_.flattery > 0 && random.chance(behaviour_.flattery))
      sentence.add(flatter(random));
    if (behaviour_.rambling > 0 && random.chance(behaviour_.rambling)) sentence.add(ramble(random));
    std::vector<int> items;
    for (const dialogue::Shown& shown : reply.decision.shown) items.push_back(shown.item);
    if (items.size() == 1)
      sentence.add(recommend(random), items.front());
    else
      recommend_all(sentence, items, random);
  }
  dialogue::Turn turn = sentence.take(dialogue::Role::recommender);
  reply.action.text = std::move(turn.text);
  reply.action.mentions = std::move(turn.mentions);
  const std::int64_t id = reply.id;
  open_[id] = std::move(reply);
  return id;
}

std::vector<dialogue::ReplyStep> LoggingRecommender::step() {
  std::vector<dialogue::ReplyStep> steps;
  for (const auto& [id, reply] : open_) steps.push_back({id, reply.action.text, true});
  return steps;
}

dialogue::Reply LoggingRecommender::close(std::int64_t id) {
  const auto found = open_.find(id);
  base::check(found != open_.end(), "close: no open reply ", id);
  dialogue::Reply reply = std::move(found->second);
  open_.erase(found);
  return reply;
}

}  // namespace simulate
