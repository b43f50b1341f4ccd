#include "feedback/writer.h"

#include <utility>

#include "feedback/erase.h"
#include "feedback/schema.h"

namespace feedback {
namespace {

constexpr std::size_t kGroupRows = 8192;  // rows of one commit, about
constexpr int kLongLog = 1000;            // pages of the log from which it is taken into the file
constexpr std::chrono::milliseconds kTryAgain{50};  // to empty a log that somebody reads

const char* kReadOnly =
    "the store is read-only since the disk failed to sync; look at the disk and start again";

std::size_t rows_of(const Batch& batch) {
  return batch.conversations.size() + batch.consents.size() + batch.turns.size() +
         batch.decisions.size() + batch.events.size();
}

Written failed(const std::string& why, bool full = false) {
  Written written;
  written.error = why;
  written.full = full;
  return written;
}

}  // namespace

Writer::Writer(const std::filesystem::path& file, const StoreOptions& options)
    : options_(options), connection_(file, Connection::Mode::write) {
  migrate(connection_, file);
  try {
    log_due_ =
        rebuild_where_due(connection_) && !empty_log(connection_, options_.wait_for_readers_ms);
  } catch (const SqliteError& error) {
    if (!error.full()) throw;  // without room what is there can still be read, and erased from
  }
  rows_ = std::make_unique<RowWriter>(connection_);
  thread_ = std::thread([this] { work(); });
}

Writer::~Writer() {
  stop();
  rows_.reset();  // its statements end before the connection does
}

void Writer::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

void Writer::write(Batch batch, Done done) {
  ++queued_;
  {
    const std::lock_guard lock(mutex_);
    batches_.push_back({std::move(batch), std::move(done)});
  }
  arrived_.notify_one();
}

void Writer::erase(Erasure erasure, std::function<void(const Erased&)> done) {
  {
    const std::lock_guard lock(mutex_);
    erasures_.push_back({std::move(erasure), std::move(done)});
  }
  arrived_.notify_one();
}

// A group of batches, or all of them where an erasure waits: it must not be done before a batch of
// the same person that came first. Nothing where a log is to be emptied and nobody comes for a
// while.
Writer::Taken Writer::take() {
  std::unique_lock lock(mutex_);
  const auto come = [&] { return ending_ || !batches_.empty() || !erasures_.empty(); };
  if (log_due_)
    arrived_.wait_for(lock, kTryAgain, come);
  else
    arrived_.wait(lock, come);
  Taken taken;
  taken.was_last = ending_ && batches_.empty() && erasures_.empty();
  taken.erasures.swap(erasures_);
  std::size_t rows = 0;
  while (!batches_.empty() && (rows < kGroupRows || !taken.erasures.empty())) {
    rows += rows_of(batches_.front().batch);
    taken.batches.push_back(std::move(batches_.front()));
    batches_.pop_front();
  }
  return taken;
}

void Writer::work() {
  for (Taken taken = take(); !taken.was_last; taken = take()) {
    queued_ -= static_cast<std::int64_t>(taken.batches.size());
    if (!taken.batches.empty()) commit(taken.batches);
    if (!taken.erasures.empty()) erase(taken.erasures);
    if (log_due_) try_to_empty_log();
    checkpoint_when_long();
    if (read_only_) connection_.keep_log_on_close();
  }
  tell({});
}

// Nobody is told of anything before all of the group is synced.
void Writer::commit(std::vector<Task>& tasks) {
  const std::int64_t before = rows_->last_seq();
  std::vector<Written> results;
  try {
    if (read_only_) throw base::ResourceError(kReadOnly);
    connection_.run("BEGIN IMMEDIATE");
    for (const Task& task : tasks) results.push_back(write_apart(task.batch));
    rows_->write_last_seq();
    connection_.run("COMMIT");
  } catch (const SqliteError& error) {
    connection_.roll_back();
    rows_->set_last_seq(before);
    if (error.sync_failed()) read_only_ = true;
    results.assign(tasks.size(), failed(error.what(), error.full()));
  } catch (const std::exception& error) {
    connection_.roll_back();
    rows_->set_last_seq(before);
    results.assign(tasks.size(), failed(error.what()));
  }
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (results[i].error.empty()) results[i].seq = rows_->last_seq();
    tasks[i].done(results[i]);
  }
}

// A batch that breaks a rule fails alone; a failing disk fails the group.
Written Writer::write_apart(const Batch& batch) {
  const std::int64_t before = rows_->last_seq();
  connection_.run("SAVEPOINT batch");
  Written written;
  try {
    written = rows_->write(batch);
  } catch (const SqliteError& error) {
    if (!error.constraint()) throw;
    connection_.run("ROLLBACK TO batch");
    rows_->set_last_seq(before);
    written = failed(error.what());
  }
  connection_.run("RELEASE batch");
  return written;
}

// Nobody is told of an erasure before its bytes are gone, or somebody reads for too long.
void Writer::erase(std::vector<ErasureTask>& tasks) {
  if (untold_.empty())
    patience_ends_ =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.wait_for_readers_ms);
  bool anything = false;
  for (ErasureTask& task : tasks) {
    const Erased erased = attempt([&] { return task.erasure(connection_); });
    anything |= erased.anything();
    untold_.push_back({erased, std::move(task.done)});
  }
  Erased scrub = attempt([&] {
    if (anything || !log_due_) log_due_ |= rebuild_where_due(connection_);
    return Erased();
  });
  scrub.scrubbed = scrub.error.empty();
  if (!log_due_ || !scrub.scrubbed) tell(scrub);
}

// Batches go on meanwhile: what stands in the way may be an export of half a minute.
void Writer::try_to_empty_log() {
  const Erased scrub = attempt([&] {
    Erased erased;
    erased.scrubbed = empty_log(connection_, 0);
    return erased;
  });
  log_due_ = !scrub.scrubbed && scrub.error.empty();
  if (!log_due_ || std::chrono::steady_clock::now() >= patience_ends_) tell(scrub);
}

void Writer::tell(const Erased& scrub) {
  for (Untold& untold : std::exchange(untold_, {})) {
    untold.erased.scrubbed = scrub.scrubbed;
    if (untold.erased.error.empty()) {
      untold.erased.error = scrub.error;
      untold.erased.full = scrub.full;
    }
    untold.done(untold.erased);
  }
}

Erased Writer::attempt(const std::function<Erased()>& work) {
  Erased failed;
  try {
    if (read_only_) throw base::ResourceError(kReadOnly);
    return work();
  } catch (const SqliteError& error) {
    if (error.sync_failed()) read_only_ = true;
    failed.error = error.what();
    failed.full = error.full();
  } catch (const std::exception& error) {
    failed.error = error.what();
  }
  return failed;
}

void Writer::checkpoint_when_long() {
  if (read_only_ || connection_.log_pages() < kLongLog) return;
  try {
    connection_.checkpoint(Connection::Checkpoint::passive);
  } catch (const SqliteError& error) {
    // All that was acknowledged is in the log: without room in the file it stays there.
    if (error.sync_failed()) read_only_ = true;
  }
}

}  // namespace feedback
