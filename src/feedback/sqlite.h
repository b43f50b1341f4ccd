#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

// What the store needs of SQLite's C API, with owners and errors. Nobody outside `feedback`
// includes this.
namespace feedback {

inline constexpr int kBusyMs = 5000;  // how long a statement waits for a lock

// Of kind data where the file is no store or damaged, resource where the machine is at fault (full,
// busy, read or write errors), internal else.
class SqliteError : public base::Error {
 public:
  SqliteError(int code, const std::string& message);
  bool full() const;         // the disk is
  bool sync_failed() const;  // what was written may or may not be on the disk
  bool constraint() const;   // a row broke a rule of its table; what was open goes on

 private:
  int code_;  // extended
};

// A prepared statement. Of one connection, which must outlive it, and of one thread at a time.
class Statement {
 public:
  Statement(sqlite3* connection, std::string_view sql);
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Begins anew with these values in the place of the ?s. Texts must live until the last step.
  template <class... Values>
  Statement& with(const Values&... values) {
    reset();
    int at = 0;
    (bind(++at, values), ...);
    return *this;
  }
  bool step();  // to the next row; false: there is none
  void run();   // to the end, then frees what the values held

  std::int64_t integer(int column) const;
  std::string text(int column) const;  // empty where NULL

 private:
  void reset();
  void bind(int at, std::int64_t value);
  void bind(int at, int value) { bind(at, static_cast<std::int64_t>(value)); }
  void bind(int at, bool value) { bind(at, static_cast<std::int64_t>(value)); }
  void bind(int at, std::string_view value);
  void bind(int at, const std::string& value) { bind(at, std::string_view(value)); }
  void bind(int at, const char* value) { bind(at, std::string_view(value)); }
  void bind(int at, const std::optional<std::string>& value);  // nothing: NULL

  sqlite3* connection_;
  sqlite3_stmt* statement_ = nullptr;
};

// An open file. Of one thread at a time.
class Connection {
 public:
  enum class Mode { read, write };
  // Mode::write makes the file where there is none. Schemas are not trusted, cells are checked,
  // deleted rows are overwritten, foreign keys hold; commits are synced. Throws SqliteError naming
  // the file.
  Connection(const std::filesystem::path& file, Mode mode);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Statement prepare(std::string_view sql) { return {connection_, sql}; }
  void run(const char* sql);  // one or more statements without rows
  std::int64_t integer(std::string_view sql);
  std::int64_t changed() const;  // rows by the last statement

  bool in_transaction() const;
  void roll_back();  // where a transaction is open; never throws
  void wait_when_busy(int ms);

  // Pages of the write-ahead log after the last commit.
  int log_pages() const { return log_pages_; }
  enum class Checkpoint { passive, truncate };
  // False: readers of an older state, or somebody else, stand in the way.
  bool checkpoint(Checkpoint how);
  // What the log holds is left for the next start.
  void keep_log_on_close();

  void copy_to(Connection& other);  // SQLite's online backup
  // Builds the file anew of what is in it (VACUUM). The copy that it goes through lies on the disk,
  // in the file's folder and without a name: in memory it would take as much as the file has.
  void rebuild();

 private:
  void check(int code, const char* what) const;
  sqlite3* connection_ = nullptr;
  int log_pages_ = 0;
};

// A transaction of reads: everything in it is of one moment.
class ReadTransaction {
 public:
  explicit ReadTransaction(Connection& connection);
  ~ReadTransaction();
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

 private:
  Connection& connection_;
};

}  // namespace feedback
