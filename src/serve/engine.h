#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dialogue/recommender.h"

namespace serve {

// What became of one reply.
struct EngineReply {
  dialogue::Reply reply;
  bool cancelled = false;    // ended early, by cancel()
  std::string error;         // not empty: the recommender could not go on, and the rest is empty
  double queue_seconds = 0;  // until its first step began
  double total_seconds = 0;  // since submit()
};

// Called from the engine's thread: they must be quick.
struct EngineCallbacks {
  std::function<void(std::string text)> words;  // that one step added
  std::function<void(EngineReply)> done;        // once
};

struct EngineOptions {
  std::size_t max_open = 64;      // replies that steps are shared by
  std::size_t max_waiting = 128;  // beyond them; more are turned away
};

struct EngineCounts {
  std::int64_t open = 0, waiting = 0;
  std::int64_t steps = 0, replies = 0;
};

// The one thread that owns a recommender. Replies join and leave the running batch at any token;
// between two steps it does what else needs the recommender, such as a ranking.
class Engine {
 public:
  explicit Engine(dialogue::Recommender& recommender, const EngineOptions& options = {});
  ~Engine();  // stop()

  // The ticket of a reply that will be given, or nothing where too many are waiting or the engine
  // is stopping. From any thread, as all of these.
  std::optional<std::int64_t> submit(dialogue::State state, const dialogue::Sampling& sampling,
                                     EngineCallbacks callbacks);
  // Ends a reply after the step under way; `done` comes with what it has. Nothing happens where it
  // has ended.
  void cancel(std::int64_t ticket);
  // Work that needs the recommender, one between two steps, in order. False where too much waits.
  bool run(std::function<void(dialogue::Recommender&)> work);

  // Whether submit() would turn a reply away now.
  bool full() const;
  EngineCounts counts() const;

  // Takes no more, and returns when nothing is left to do, or after `patience`; what is left then
  // is cancelled.
  void stop(std::chrono::milliseconds patience = std::chrono::milliseconds(0));

 private:
  using Clock = std::chrono::steady_clock;
  struct Open {
    std::int64_t ticket = 0;
    EngineCallbacks callbacks;
    Clock::time_point submitted, started;
  };
  struct Waiting {
    dialogue::State state;
    dialogue::Sampling sampling;
    Open open;
  };

  bool is_full() const;  // under the mutex
  void work();
  bool take_new();  // false: stopped, and nothing is left
  void end_cancelled();
  void run_one();
  void step();
  void finish(std::map<std::int64_t, Open>::iterator at, bool cancelled);
  void fail_all(const std::string& error);

  dialogue::Recommender& recommender_;
  const EngineOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_, idle_;
  std::deque<Waiting> waiting_;                                    // under the mutex
  std::deque<std::function<void(dialogue::Recommender&)>> tasks_;  // under the mutex
  std::vector<std::int64_t> cancelled_;                            // tickets, under the mutex
  EngineCounts counts_;                                            // under the mutex
  std::int64_t next_ticket_ = 1;                                   // under the mutex
  bool stopping_ = false, at_once_ = false;                        // under the mutex
  std::map<std::int64_t, Open> open_;  // by the recommender's id; of the engine's thread
  std::thread thread_;
};

}  // namespace serve
