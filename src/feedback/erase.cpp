#include "feedback/erase.h"

namespace feedback {
namespace {

std::int64_t remove(Connection& connection, const std::string& sql, const auto& value) {
  connection.prepare("DELETE FROM " + sql).with(value).run();
  return connection.changed();
}

// The conversations that a condition with one ? picks, and all that belongs to them.
Erased remove_conversations(Connection& connection, const std::string& condition,
                            const auto& value) {
  const std::string of =
      " WHERE conversation IN (SELECT id FROM conversations WHERE " + condition + ")";
  Erased erased;
  erased.events = remove(connection, "events" + of, value);
  erased.decisions = remove(connection, "decisions" + of, value);
  erased.turns = remove(connection, "turns" + of, value);
  erased.conversations = remove(connection, "conversations WHERE " + condition, value);
  return erased;
}

// Does the work in one transaction, which also says that a scrub is due where anything went.
template <class Work>
Erased in_transaction(Connection& connection, const Work& work) {
  connection.run("BEGIN IMMEDIATE");
  try {
    const Erased erased = work();
    if (erased.anything()) connection.run("UPDATE meta SET value = 1 WHERE name = 'scrub'");
    connection.run("COMMIT");
    return erased;
  } catch (...) {
    connection.roll_back();
    throw;
  }
}

}  // namespace

Erased erase_subject(Connection& connection, const std::string& subject) {
  return in_transaction(connection, [&] {
    Erased erased = remove_conversations(connection, "subject = ?", subject);
    erased.events += remove(connection, "events WHERE subject = ?", subject);
    erased.consents = remove(connection, "consents WHERE subject = ?", subject);
    return erased;
  });
}

Erased erase_conversation(Connection& connection, const std::string& id) {
  return in_transaction(connection, [&] { return remove_conversations(connection, "id = ?", id); });
}

Erased erase_older(Connection& connection, std::int64_t before) {
  return in_transaction(connection, [&] {
    Erased erased = remove_conversations(
        connection,
        "min(created_at, coalesce((SELECT min(at) FROM turns WHERE conversation = "
        "conversations.id), created_at)) < ?",
        before);
    erased.events += remove(connection, "events WHERE received_at < ?", before);
    erased.consents =
        remove(connection,
               "consents WHERE at < ? AND (seq < (SELECT max(seq) FROM consents AS newer WHERE "
               "newer.subject = consents.subject) OR NOT EXISTS (SELECT 1 FROM conversations WHERE "
               "subject = consents.subject) AND NOT EXISTS (SELECT 1 FROM events WHERE subject = "
               "consents.subject))",
               before);
    return erased;
  });
}

bool rebuild_where_due(Connection& connection) {
  if (connection.integer("SELECT value FROM meta WHERE name = 'scrub'") == 0) return false;
  connection.rebuild();
  return true;
}

bool empty_log(Connection& connection, int wait_ms) {
  connection.wait_when_busy(wait_ms);
  const bool emptied = connection.checkpoint(Connection::Checkpoint::truncate);
  connection.wait_when_busy(kBusyMs);
  if (emptied) connection.run("UPDATE meta SET value = 0 WHERE name = 'scrub'");
  return emptied;
}

}  // namespace feedback
