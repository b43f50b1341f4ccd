#include "feedback/sqlite.h"

#include <sqlite3.h>

namespace feedback {
namespace {

base::ErrorKind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return base::ErrorKind::data;
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
    case SQLITE_PERM:
      return base::ErrorKind::resource;
    default:
      return base::ErrorKind::internal;
  }
}

std::string where(sqlite3* connection) {
  const char* file = connection ? sqlite3_db_filename(connection, "main") : nullptr;
  return file ? file : "store";
}

[[noreturn]] void fail(sqlite3* connection) {
  throw SqliteError(sqlite3_extended_errcode(connection),
                    where(connection) + ": " + sqlite3_errmsg(connection));
}

// Temporary files instead of memory for as long as it lives, in the folder of the connection's
// file: where that can be written, /tmp need not be.
class TemporariesOnDisk {
 public:
  explicit TemporariesOnDisk(sqlite3* connection) : connection_(connection) {
    char* folder = sqlite3_mprintf("PRAGMA temp_store_directory=%Q",
                                   std::filesystem::path(where(connection)).parent_path().c_str());
    sqlite3_exec(connection_, folder, nullptr, nullptr, nullptr);
    sqlite3_free(folder);
    sqlite3_exec(connection_, "PRAGMA temp_store=FILE", nullptr, nullptr, nullptr);
  }
  ~TemporariesOnDisk() {
    sqlite3_exec(connection_, "PRAGMA temp_store=MEMORY", nullptr, nullptr, nullptr);
  }
  TemporariesOnDisk(const TemporariesOnDisk&) = delete;
  TemporariesOnDisk& operator=(const TemporariesOnDisk&) = delete;

 private:
  sqlite3* connection_;
};

}  // namespace

SqliteError::SqliteError(int code, const std::string& message)
    : Error(kind_of(code), message), code_(code) {}
bool SqliteError::full() const { return (code_ & 0xff) == SQLITE_FULL; }
bool SqliteError::sync_failed() const {
  return code_ == SQLITE_IOERR_FSYNC || code_ == SQLITE_IOERR_DIR_FSYNC;
}
bool SqliteError::constraint() const { return (code_ & 0xff) == SQLITE_CONSTRAINT; }

Statement::Statement(sqlite3* connection, std::string_view sql) : connection_(connection) {
  if (sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()), 0, &statement_,
                         nullptr) != SQLITE_OK)
    fail(connection_);
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), statement_(other.statement_) {
  other.statement_ = nullptr;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(connection_);
  return false;
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string Statement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return bytes ? std::string(bytes,
                             static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
               : "";
}

void Statement::reset() {
  sqlite3_reset(statement_);  // says again what the last step said
  sqlite3_clear_bindings(statement_);
}

void Statement::bind(int at, std::int64_t value) {
  if (sqlite3_bind_int64(statement_, at, value) != SQLITE_OK) fail(connection_);
}

void Statement::bind(int at, std::string_view value) {
  const char* bytes = value.data() ? value.data() : "";
  if (sqlite3_bind_text64(statement_, at, bytes, value.size(), SQLITE_STATIC, SQLITE_UTF8) !=
      SQLITE_OK)
    fail(connection_);
}

void Statement::bind(int at, const std::optional<std::string>& value) {
  if (value)
    bind(at, std::string_view(*value));
  else if (sqlite3_bind_null(statement_, at) != SQLITE_OK)
    fail(connection_);
}

Connection::Connection(const std::filesystem::path& file, Mode mode) {
  const int flags =
      (mode == Mode::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(file.c_str(), &connection_, flags, nullptr);
  try {
    if (code != SQLITE_OK)
      throw SqliteError(code, file.string() + ": cannot be opened: " + sqlite3_errstr(code));
    wait_when_busy(kBusyMs);
    check(sqlite3_db_config(connection_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr), "defensive");
    check(sqlite3_db_config(connection_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr), "schema");
    run("PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
        "PRAGMA secure_delete=ON; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0");
    sqlite3_wal_hook(
        connection_,
        [](void* pages, sqlite3*, const char*, int count) {
          *static_cast<int*>(pages) = count;
          return SQLITE_OK;
        },
        &log_pages_);
  } catch (...) {
    sqlite3_close_v2(connection_);
    throw;
  }
}

Connection::~Connection() { sqlite3_close_v2(connection_); }

void Connection::check(int code, const char* what) const {
  if (code != SQLITE_OK)
    throw SqliteError(code, where(connection_) + ": " + what + ": " + sqlite3_errstr(code));
}

void Connection::run(const char* sql) {
  if (sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(connection_);
}

std::int64_t Connection::integer(std::string_view sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::int64_t Connection::changed() const { return sqlite3_changes64(connection_); }
bool Connection::in_transaction() const { return sqlite3_get_autocommit(connection_) == 0; }

void Connection::roll_back() {
  if (in_transaction()) sqlite3_exec(connection_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Connection::wait_when_busy(int ms) { sqlite3_busy_timeout(connection_, ms); }

bool Connection::checkpoint(Checkpoint how) {
  int in_log = 0, done = 0;
  const int mode =
      how == Checkpoint::passive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE;
  const int code = sqlite3_wal_checkpoint_v2(connection_, "main", mode, &in_log, &done);
  if ((code & 0xff) == SQLITE_BUSY) return false;
  check(code, "checkpoint");
  return how == Checkpoint::truncate || in_log == done;
}

void Connection::keep_log_on_close() {
  sqlite3_db_config(connection_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void Connection::copy_to(Connection& other) {
  sqlite3_backup* backup = sqlite3_backup_init(other.connection_, "main", connection_, "main");
  if (!backup) fail(other.connection_);
  sqlite3_backup_step(backup, -1);
  const int code = sqlite3_backup_finish(backup);
  if (code != SQLITE_OK)
    throw SqliteError(code, where(other.connection_) + ": " + sqlite3_errstr(code));
}

void Connection::rebuild() {
  const TemporariesOnDisk on_disk(connection_);
  run("VACUUM");
}

ReadTransaction::ReadTransaction(Connection& connection) : connection_(connection) {
  connection_.run("BEGIN");
}
ReadTransaction::~ReadTransaction() { connection_.roll_back(); }

}  // namespace feedback
