// Writes into a feedback store as a server does, and tells what was acknowledged: what tests kill.
//
//   feedback_probe STORE FIRST [BATCHES [WAITING]]
//
// Batches are numbered from FIRST; each is a turn, its decision and 62 events, 64 rows. WAITING
// (16) of them wait at any time. The number of each acknowledged one is a line of standard output,
// written at once. Ends after BATCHES, or never; tells then on standard error how many events a
// second were durable.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include <unistd.h>

#include "feedback/store.h"

namespace {

constexpr int kEvents = 62;

std::string id_of(int batch, int row) {
  char text[64];
  std::snprintf(text, sizeof text, "%08x-0000-7000-8000-%012x", batch, row);
  return text;
}

feedback::Batch numbered(int n) {
  const std::string conversation = id_of(n / 100, 1000);
  feedback::Batch batch;
  batch.conversations.push_back({conversation, "subject", "probe", 1, 0, 0});
  feedback::StoredTurn turn;
  turn.id = id_of(n, 0);
  turn.conversation = conversation;
  turn.role = dialogue::Role::recommender;
  turn.text =
      "Did you see Heat (1995)? It is tense, and it has a shootout that people still talk of.";
  batch.turns.push_back(turn);
  feedback::StoredDecision decision;
  decision.turn = turn.id;
  decision.conversation = conversation;
  decision.shown = {{"7", "Heat (1995)", 1, .25}};
  batch.decisions.push_back(decision);
  for (int i = 1; i <= kEvents; ++i) {
    feedback::StoredEvent event;
    event.id = id_of(n, i);
    event.type = "dwell";
    event.subject = "subject";
    event.conversation = conversation;
    event.turn = turn.id;
    event.page = id_of(n, 2000);
    event.page_seq = i;
    event.occurred_at = event.received_at = event.corrected_at = 1795599000000 + n;
    event.props = {{"visible_ms", 1000 * i}, {"streaming_ms", 300}, {"after_ms", 1000 * i - 300},
                   {"max_ratio", 1},         {"activations", i},    {"final", i == kEvents}};
    batch.events.push_back(std::move(event));
  }
  return batch;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) return 2;
  const int first = std::atoi(arguments[2]),
            batches = count > 3 ? std::atoi(arguments[3]) : 1 << 30;
  const int most = count > 4 ? std::atoi(arguments[4]) : 16;
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  bool failed = false;
  const auto begun = std::chrono::steady_clock::now();
  try {
    feedback::Store store(arguments[1]);
    for (int n = first; n < first + batches && !failed; ++n) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return waiting < most; });
      ++waiting;
      lock.unlock();
      store.write(numbered(n), [&, n](const feedback::Written& written) {
        char line[256];
        const int size = written.error.empty()
                             ? std::snprintf(line, sizeof line, "%d\n", n)
                             : std::snprintf(line, sizeof line, "! %s\n", written.error.c_str());
        const bool told = ::write(STDOUT_FILENO, line, static_cast<std::size_t>(size)) == size;
        const std::lock_guard inner(mutex);
        --waiting;
        failed = failed || !told || !written.error.empty();
        changed.notify_one();
      });
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "feedback_probe: %s\n", error.what());
    return 1;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
  std::fprintf(stderr, "%.0f events/s durable\n", batches * kEvents / seconds.count());
  return failed ? 1 : 0;
}
