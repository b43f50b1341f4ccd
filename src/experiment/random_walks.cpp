#include "experiment/random_walks.h"

#include <algorithm>
#include <chrono>
#include <deque>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "model/language_model.h"
#include "rl/plain_tokens.h"
#include "rl/words_trainer.h"

namespace experiment {
namespace {

constexpr double kEdge = .1;
constexpr int kWalks = 1000, kBatch = 128, kWalksAStart = 50;

std::size_t at(int node) { return static_cast<std::size_t>(node); }

std::vector<int> starts_of(const Graph& graph) {
  std::vector<int> starts;
  for (int node = 1; node < Graph::kNodes; ++node)
    if (graph.shortest[at(node)] <= Graph::kMostSteps) starts.push_back(node);
  return starts;
}

// A walk along edges, by chance, up to node 0.
std::vector<int> stroll(const Graph& graph, int start, base::Random& random) {
  std::vector<int> walk = {start};
  while (walk.back() != 0 && walk.size() <= at(Graph::kMostSteps)) {
    const std::vector<int>& edges = graph.edges[at(walk.back())];
    walk.push_back(edges[random.below(edges.size())]);
  }
  return walk;
}

rl::Episode episode_of(const std::vector<int>& walk) {
  rl::Episode episode;
  episode.prompt = {walk[0]};
  episode.tokens.assign(walk.begin() + 1, walk.end());
  episode.action.ended = true;
  return episode;
}

std::vector<int> walk_of(const rl::Episode& episode) {
  std::vector<int> walk = episode.prompt;
  walk.insert(walk.end(), episode.tokens.begin(), episode.tokens.end());
  return walk;
}

model::Weights without_gradient(const model::LanguageModel& model) {
  torch::NoGradGuard no_grad;
  return model::cast(model, torch::kFloat32);
}

// Walks of a model, each cut where it arrives.
std::vector<rl::Episode> sample(const model::LanguageModel& model, const std::vector<int>& starts,
                                std::uint64_t seed) {
  std::vector<std::vector<int>> prompts;
  for (const int start : starts) prompts.push_back({start});
  std::vector<rl::Episode> episodes =
      rl::sample_plain(without_gradient(model), prompts,
                       {.rows = Graph::kNodes, .length = Graph::kMostSteps, .seed = seed});
  for (rl::Episode& episode : episodes) {
    const auto arrived = std::find(episode.tokens.begin(), episode.tokens.end(), 0);
    if (arrived == episode.tokens.end()) continue;
    episode.tokens.erase(arrived + 1, episode.tokens.end());
    episode.sampled_log_probs.resize(episode.tokens.size());
  }
  return episodes;
}

std::vector<double> score(const Graph& graph, const std::vector<rl::Episode>& episodes) {
  std::vector<double> scores;
  for (const rl::Episode& episode : episodes) scores.push_back(optimality(graph, walk_of(episode)));
  return scores;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double measure(const Graph& graph, const model::LanguageModel& model, std::uint64_t seed) {
  std::vector<int> starts;
  for (const int start : starts_of(graph)) starts.insert(starts.end(), kWalksAStart, start);
  return mean(score(graph, sample(model, starts, seed)));
}

rl::RlSettings settings_of(const std::string& algorithm) {
  rl::RlSettings settings;
  settings.algorithm = algorithm;
  settings.learn_mode = true;  // the first step is one like the others
  settings.missing_end_penalty = 0;
  settings.max_approx_kl = 0;
  settings.batch = kBatch;
  settings.minibatch = kBatch / 4;
  settings.beta = settings.kl_target = 0;
  return settings;
}

void imitate(const Graph& graph, model::LanguageModel& model, int steps, std::uint64_t seed) {
  rl::RlSettings settings = settings_of("sft");
  settings.epochs = 1;
  settings.minibatch = kBatch;
  base::Random random({seed, "walks/strolls"});
  const std::vector<int> starts = starts_of(graph);
  std::vector<std::vector<int>> walks;
  for (int i = 0; i < kWalks; ++i)
    walks.push_back(stroll(graph, starts[random.below(starts.size())], random));
  const model::LanguageModel first = model.copy();
  const model::Weights reference = without_gradient(first);
  rl::WordsTrainer trainer(model, reference, rl::plain_scorer(Graph::kNodes), settings,
                           torch::kFloat32);
  for (int step = 1; step <= steps; ++step) {
    const base::RandomPlace place{seed, "walks/imitation", static_cast<std::uint64_t>(step)};
    std::vector<rl::Episode> episodes;
    for (int i = 0; i < kBatch; ++i)
      episodes.push_back(episode_of(walks[random.below(walks.size())]));
    std::vector<double> scores(episodes.size(), 0);
    trainer.update(trainer.prepare(std::move(episodes), std::move(scores), place), 1e-3, place);
  }
}

}  // namespace

Graph Graph::random(std::uint64_t seed) {
  base::Random random({seed, "walks/graph"});
  Graph graph;
  graph.edges.resize(kNodes);
  for (int from = 0; from < kNodes; ++from) {
    for (int to = 0; to < kNodes; ++to)
      if (to != from && random.chance(kEdge)) graph.edges[at(from)].push_back(to);
    if (graph.edges[at(from)].empty())
      graph.edges[at(from)].push_back((from + 1 + static_cast<int>(random.below(kNodes - 1))) %
                                      kNodes);
  }
  graph.shortest.assign(kNodes, kMostSteps + 1);
  graph.shortest[0] = 0;
  std::deque<int> reached = {0};
  while (!reached.empty()) {
    const int to = reached.front();
    reached.pop_front();
    for (int from = 0; from < kNodes; ++from) {
      const std::vector<int>& edges = graph.edges[at(from)];
      if (graph.shortest[at(from)] <= kMostSteps ||
          std::find(edges.begin(), edges.end(), to) == edges.end())
        continue;
      graph.shortest[at(from)] = graph.shortest[at(to)] + 1;
      reached.push_back(from);
    }
  }
  return graph;
}

double optimality(const Graph& graph, const std::vector<int>& walk) {
  const int shortest = graph.shortest[at(walk.at(0))];
  base::check(walk[0] != 0 && shortest <= Graph::kMostSteps, "a walk from node ", walk[0]);
  for (std::size_t i = 1; i < walk.size(); ++i) {
    const std::vector<int>& edges = graph.edges[at(walk[i - 1])];
    if (std::find(edges.begin(), edges.end(), walk[i]) == edges.end()) return 0;
    if (walk[i] == 0)
      return static_cast<double>(Graph::kMostSteps + 1 - static_cast<int>(i)) /
             (Graph::kMostSteps + 1 - shortest);
  }
  return 0;
}

WalksResult learn_random_walks(const WalksOptions& options, std::uint64_t seed) {
  const auto start = std::chrono::steady_clock::now();
  const Graph graph = Graph::random(seed);
  const std::vector<int> starts = starts_of(graph);
  if (starts.empty()) throw base::UsageError("the graph of seed ", seed, " has no way to node 0");
  WalksResult result;
  base::Random random({seed, "walks/chance"});
  std::vector<double> by_chance;
  for (const int from : starts)
    for (int i = 0; i < kWalksAStart; ++i)
      by_chance.push_back(optimality(graph, stroll(graph, from, random)));
  result.by_chance = mean(by_chance);

  model::LanguageModel model =
      model::random_model(model::gpt2_config(2, 4, 64, Graph::kMostSteps + 1, Graph::kNodes), seed);
  imitate(graph, model, options.imitation_steps, seed);
  result.imitated = measure(graph, model, seed);

  rl::RlSettings settings = settings_of("ppo");
  settings.epochs = 4;
  settings.learning_rate = 3e-4;
  const model::LanguageModel first = model.copy();
  const model::Weights reference = without_gradient(first);
  rl::WordsTrainer trainer(model, reference, rl::plain_scorer(Graph::kNodes), settings,
                           torch::kFloat32);
  for (int iteration = 1; iteration <= options.iterations; ++iteration) {
    base::stop_if_interrupted();
    const base::RandomPlace place{seed, "walks/ppo", static_cast<std::uint64_t>(iteration)};
    std::vector<int> from;
    for (int i = 0; i < kBatch; ++i) from.push_back(starts[random.below(starts.size())]);
    std::vector<rl::Episode> episodes = sample(model, from, base::random_key(place));
    std::vector<double> scores = score(graph, episodes);
    trainer.update(trainer.prepare(std::move(episodes), std::move(scores), place),
                   settings.learning_rate, place);
  }
  result.aligned = measure(graph, model, seed + 1);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  result.seconds = seconds.count();
  return result;
}

}  // namespace experiment
