#include "feedback/writer.h"

#include <future>

#include "feedback/erase.h"
#include "feedback/schema.h"

namespace feedback {
namespace {

constexpr std::size_t kGroupRows = 8192;  // rows of one commit, about
constexpr int kLongLog = 1000;            // pages of the log from which it is taken into the file

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
  if (needs_scrub(connection_)) scrub(connection_, options_.wait_for_readers_ms);
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

void Writer::put(Task task) {
  ++queued_;
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  arrived_.notify_one();
}

void Writer::write(Batch batch, Done done) { put({std::move(batch), std::move(done), {}}); }

Erased Writer::run(std::function<Erased(Connection&)> work) {
  std::promise<Erased> result;
  put({{}, {}, [&] {
         try {
           if (read_only_) throw base::ResourceError(kReadOnly);
           result.set_value(work(connection_));
         } catch (const SqliteError& error) {
           if (error.sync_failed()) read_only_ = true;
           result.set_exception(std::current_exception());
         } catch (...) {
           result.set_exception(std::current_exception());
         }
       }});
  return result.get_future().get();
}

// One piece of work, or the batches up to it; nothing at the end.
std::vector<Writer::Task> Writer::take() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] { return ending_ || !tasks_.empty(); });
  std::vector<Task> taken;
  std::size_t rows = 0;
  while (!tasks_.empty() && rows < kGroupRows) {
    if (tasks_.front().work && !taken.empty()) break;
    taken.push_back(std::move(tasks_.front()));
    tasks_.pop_front();
    if (taken.back().work) break;
    rows += rows_of(taken.back().batch);
  }
  return taken;
}

void Writer::work() {
  for (std::vector<Task> tasks = take(); !tasks.empty(); tasks = take()) {
    queued_ -= static_cast<std::int64_t>(tasks.size());
    if (tasks.front().work)
      tasks.front().work();
    else
      commit(tasks);
    checkpoint_when_long();
    if (read_only_) connection_.keep_log_on_close();
  }
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
