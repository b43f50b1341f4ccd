#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "serve/http_client.h"
#include "simulate/world.h"

namespace serve {

struct VisitOptions {
  ServerAddress server;
  std::string key;  // of the API; empty: none
  int conversations = 200;
  int at_once = 16;
  int max_turns = 8;       // of the recommender
  double pace = 20;        // how many times faster than people they are; 0: they do not wait
  double training = 1;     // share of them who agree to training
  double lost = 0;         // share of their reports that never arrive, and are sent again
  std::uint64_t seed = 1;  // decides who comes and what they do
};

// What one of them went through.
struct Visit {
  std::uint64_t person = 0;
  int turns = 0;            // of the recommender
  double satisfaction = 0;  // the truth, as simulate::SimulatedUser has it
  std::int64_t events = 0;  // accepted by the server
  std::string error;        // not empty: the visit broke off
};

// People of the built-in world talk with a running server over HTTP, as a browser would: a session,
// consent, messages, and events about what they do, in cumulative snapshots and with ids of their
// own. The server's catalogue must be the world's. One visit an element, by number; a function of
// the options and of the server's answers. progress: called after each, from any thread.
std::vector<Visit> send_visitors(const simulate::World& world, const VisitOptions& options,
                                 const std::function<void()>& progress);

}  // namespace serve
