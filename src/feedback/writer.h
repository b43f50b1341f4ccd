#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "feedback/rows.h"
#include "feedback/sqlite.h"
#include "feedback/store.h"

namespace feedback {

// The one thread that writes. Batches that wait are committed together, and erasures that wait
// share one scrub.
class Writer {
 public:
  using Done = std::function<void(const Written&)>;

  using Erasure = std::function<Erased(Connection&)>;

  // Opens the file, makes or migrates it, finishes a scrub that was broken off
  // where there is room for it.
  Writer(const std::filesystem::path& file, const StoreOptions& options);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Writes what waits, then takes nothing more.
  void stop();
  void write(Batch batch, Done done);
  // Queues and returns at once: it is done after the batches that were queued before, then
  // scrubbed.
  void erase(Erasure erasure, std::function<void(const Erased&)> done);

  bool read_only() const { return read_only_; }
  std::int64_t queued() const { return queued_; }

 private:
  struct Task {
    Batch batch;
    Done done;
  };
  struct ErasureTask {
    Erasure erasure;
    std::function<void(const Erased&)> done;
  };
  struct Taken {
    std::vector<Task> batches;
    std::vector<ErasureTask> erasures;  // to be done after them
    bool was_last = false;              // there was nothing, and nothing comes any more
  };
  // Erased, and not told yet.
  struct Untold {
    Erased erased;
    std::function<void(const Erased&)> done;
  };

  Taken take();
  void work();
  void commit(std::vector<Task>& tasks);
  void erase(std::vector<ErasureTask>& tasks);
  void try_to_empty_log();
  void tell(const Erased& scrub);
  Erased attempt(const std::function<Erased()>& work);  // or why not
  Written write_apart(const Batch& batch);
  void checkpoint_when_long();

  StoreOptions options_;
  Connection connection_;
  std::unique_ptr<RowWriter> rows_;
  std::vector<Untold> untold_;
  bool log_due_ = false;  // it holds bytes of erased rows
  std::chrono::steady_clock::time_point patience_ends_;
  std::atomic<bool> read_only_ = false;
  std::atomic<std::int64_t> queued_ = 0;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Task> batches_;
  std::vector<ErasureTask> erasures_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace feedback
