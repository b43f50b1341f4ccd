#pragma once

#include <atomic>
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

// The one thread that writes. Batches that wait are committed together.
class Writer {
 public:
  using Done = std::function<void(const Written&)>;

  // Opens the file, makes or migrates it, finishes a scrub that was broken off.
  Writer(const std::filesystem::path& file, const StoreOptions& options);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Writes what waits, then takes nothing more.
  void stop();
  void write(Batch batch, Done done);
  // Runs the work between two commits and returns what it returns, or throws what it throws.
  Erased run(std::function<Erased(Connection&)> work);

  bool read_only() const { return read_only_; }
  std::int64_t queued() const { return queued_; }

 private:
  struct Task {
    Batch batch;
    Done done;
    std::function<void()> work;  // in place of a batch
  };

  void put(Task task);
  std::vector<Task> take();
  void work();
  void commit(std::vector<Task>& tasks);
  Written write_apart(const Batch& batch);
  void checkpoint_when_long();

  StoreOptions options_;
  Connection connection_;
  std::unique_ptr<RowWriter> rows_;
  std::atomic<bool> read_only_ = false;
  std::atomic<std::int64_t> queued_ = 0;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Task> tasks_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace feedback
