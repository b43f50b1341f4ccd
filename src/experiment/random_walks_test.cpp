#include "experiment/random_walks.h"

#include <gtest/gtest.h>

namespace experiment {
namespace {

TEST(RandomWalks, TheShortestWayIsBest) {
  Graph graph;
  graph.edges.resize(Graph::kNodes);
  graph.edges[1] = {0, 2};
  graph.edges[2] = {1};
  graph.shortest.assign(Graph::kNodes, Graph::kMostSteps + 1);
  graph.shortest[0] = 0;
  graph.shortest[1] = 1;
  graph.shortest[2] = 2;
  EXPECT_EQ(optimality(graph, {1, 0}), 1);
  EXPECT_EQ(optimality(graph, {1, 0, 7}), 1);  // it has arrived
  EXPECT_NEAR(optimality(graph, {1, 2, 1, 0}), 7. / 9, 1e-12);
  EXPECT_EQ(optimality(graph, {2, 1, 0}), 1);
  EXPECT_EQ(optimality(graph, {2, 0}), 0);  // no such edge
  EXPECT_EQ(optimality(graph, {1, 2, 1, 2}), 0);
}

TEST(RandomWalks, ShortestWaysAreAsLongAsTheirNextOnePlusOne) {
  const Graph graph = Graph::random(3);
  EXPECT_EQ(graph.shortest[0], 0);
  int reachable = 0;
  for (std::size_t node = 1; node < graph.edges.size(); ++node) {
    EXPECT_FALSE(graph.edges[node].empty());
    int best = Graph::kMostSteps + 1;
    for (const int to : graph.edges[node])
      best = std::min(best, graph.shortest[static_cast<std::size_t>(to)] + 1);
    EXPECT_EQ(graph.shortest[node], best);
    reachable += best <= Graph::kMostSteps;
  }
  EXPECT_GT(reachable, 5);
}

TEST(RandomWalks, PpoFindsShorterWaysThanItWasShown) {
  const WalksResult result = learn_random_walks({.imitation_steps = 150, .iterations = 12}, 1);
  EXPECT_NEAR(result.imitated, result.by_chance, .2);
  EXPECT_GT(result.aligned, result.imitated + .05);
}

}  // namespace
}  // namespace experiment
