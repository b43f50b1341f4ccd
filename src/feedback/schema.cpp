#include "feedback/schema.h"

#include "base/secure_random.h"

namespace feedback {
namespace {

constexpr std::int64_t kApplication =
    0x61744662;  // "atFb": tells a store from others' SQLite files

// Ids are UUIDs, times milliseconds since 1970, lists and objects JSON. `seq` is one sequence over
// all tables: meta's last_seq is the newest one given.
constexpr const char* kFirst = R"(
CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('last_seq', 0), ('scrub', 0);
CREATE TABLE consents (
  seq INTEGER PRIMARY KEY, subject TEXT NOT NULL, analytics INTEGER NOT NULL, training INTEGER NOT NULL,
  policy_version TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX consents_of ON consents (subject, seq);
CREATE TABLE conversations (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, title TEXT NOT NULL,
  created_at INTEGER NOT NULL) STRICT;
CREATE INDEX conversations_of ON conversations (subject, seq);
CREATE TABLE turns (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, conversation TEXT NOT NULL REFERENCES conversations (id),
  parent TEXT NOT NULL, role TEXT NOT NULL CHECK (role IN ('seeker', 'recommender')), text TEXT NOT NULL,
  mentions TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX turns_of ON turns (conversation, seq);
CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY, turn TEXT NOT NULL UNIQUE, conversation TEXT NOT NULL REFERENCES conversations (id),
  model TEXT NOT NULL, arm TEXT NOT NULL, finish_reason TEXT NOT NULL, shown TEXT NOT NULL,
  candidates TEXT NOT NULL, details TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX decisions_of ON decisions (conversation, seq);
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, subject TEXT NOT NULL,
  conversation TEXT REFERENCES conversations (id), turn TEXT NOT NULL, item TEXT NOT NULL, rank INTEGER NOT NULL,
  page TEXT NOT NULL, page_seq INTEGER NOT NULL, occurred_at INTEGER NOT NULL, received_at INTEGER NOT NULL,
  corrected_at INTEGER NOT NULL, props TEXT NOT NULL, flags TEXT NOT NULL) STRICT;
CREATE INDEX events_in ON events (conversation, seq);
CREATE INDEX events_of ON events (subject, seq);
)";

void first(Connection& connection) {
  connection.run(kFirst);
  connection.run(base::concatenate("PRAGMA application_id=", kApplication).c_str());
  const std::string secret = base::secure_random(32);
  connection.prepare("INSERT INTO meta VALUES ('secret', CAST(? AS BLOB))").with(secret).run();
}

// The version of the file's schema; 0 where it is empty.
std::int64_t version_of(Connection& connection, const std::filesystem::path& file, int newest) {
  const std::int64_t application = connection.integer("PRAGMA application_id");
  const std::int64_t version = connection.integer("PRAGMA user_version");
  const bool empty = connection.integer("SELECT count(*) FROM sqlite_schema") == 0;
  if (!empty && application != kApplication)
    throw base::DataError(file, ": is an SQLite file of another program, no feedback store");
  if (version > newest)
    throw base::DataError(file, ": is a feedback store of version ", version,
                          ", but this attune knows versions 1 to ", newest,
                          "; a newer attune wrote it");
  return version;
}

}  // namespace

const std::vector<Migration>& all_migrations() {
  static const std::vector<Migration> all = {{1, first}};
  return all;
}

void migrate(Connection& connection, const std::filesystem::path& file,
             const std::vector<Migration>& migrations) {
  const std::int64_t version = version_of(connection, file, migrations.back().to);
  if (version == migrations.back().to) return;
  connection.run("PRAGMA journal_mode=WAL");  // cannot be a part of a transaction
  for (const Migration& migration : migrations) {
    if (migration.to <= version) continue;
    connection.run("BEGIN IMMEDIATE");
    try {
      migration.work(connection);
      connection.run(base::concatenate("PRAGMA user_version=", migration.to).c_str());
      connection.run("COMMIT");
    } catch (...) {
      connection.roll_back();
      throw;
    }
  }
}

void require_newest_schema(Connection& connection, const std::filesystem::path& file) {
  const int newest = all_migrations().back().to;
  const std::int64_t version = version_of(connection, file, newest);
  if (version == 0) throw base::DataError(file, ": is empty, no feedback store");
  if (version < newest)
    throw base::DataError(
        file, ": is a feedback store of version ", version,
        "; the server's next start, or `attune feedback expire`, brings it to version ", newest);
}

}  // namespace feedback
