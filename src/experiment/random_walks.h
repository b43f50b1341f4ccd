#pragma once

#include <cstdint>
#include <vector>

namespace experiment {

// A directed graph; walks want to reach node 0 in few steps. trlx's task of that name, after the
// Decision Transformer's (Chen et al. 2021): 21 nodes, every edge with probability .1, walks of at
// most 10 nodes.
struct Graph {
  std::vector<std::vector<int>> edges;  // to whom, of each node
  std::vector<int> shortest;            // steps to node 0; above kMostSteps where there is no way

  static constexpr int kNodes = 21, kMostSteps = 9;
  // Every node has an edge; a function of the seed.
  static Graph random(std::uint64_t seed);
};

// How good a walk is, 0 to 1: 1 for a shortest way to node 0, less by equal steps for each step
// more, 0 where it takes an edge that is not there or does not arrive. walk: nodes, the start
// first; what follows node 0 does not count. The start is not node 0 and can reach it.
double optimality(const Graph& graph, const std::vector<int>& walk);

// Mean optimality of walks by chance along edges, of a model trained to imitate 1,000 of them, and
// of that model after PPO without a price of KL (learning rate 3e-4, 128 walks an iteration, 4
// epochs, all trlx's): each of sampled walks from every start.
struct WalksResult {
  double by_chance = 0, imitated = 0, aligned = 0;
  double seconds = 0;
};
struct WalksOptions {
  int imitation_steps = 300;  // of 128 walks each
  int iterations = 200;       // of PPO
};
WalksResult learn_random_walks(const WalksOptions& options, std::uint64_t seed);

}  // namespace experiment
