#pragma once

#include "feedback/sqlite.h"
#include "feedback/store.h"

// What is stored, as rows of the tables and back. Nobody outside the store includes this.
namespace feedback {

// Writes batches' rows within the caller's transaction, with numbers of the one sequence.
class RowWriter {
 public:
  explicit RowWriter(Connection& connection);

  std::int64_t last_seq() const { return last_; }
  void set_last_seq(std::int64_t seq);  // after a rollback
  // All of the batch or nothing of it. `duplicate` and `orphan` of the result are filled in. Ids of
  // conversations, turns and decisions that are there already are left as they are. Throws
  // SqliteError.
  Written write(const Batch& batch);
  // Keeps the newest number; once a transaction, last.
  void write_last_seq();

 private:
  void write_conversation(const StoredConversation& conversation);
  void write_consent(const StoredConsent& consent);
  void write_turn(const StoredTurn& turn);
  void write_decision(const StoredDecision& decision);
  bool write_event(const StoredEvent& event);
  void count_row();

  Connection& connection_;
  std::int64_t last_ = 0;
  Statement conversation_, consent_, turn_, decision_, event_, known_, last_seq_;
};

// Reads with a condition on the table's columns ("WHERE …" and what follows), ?s in it bound to
// values.
template <class Row, class... Values>
std::vector<Row> read_rows(Connection& connection, const std::string& condition,
                           const Values&... values);

}  // namespace feedback

// ---- implementation of the template ----

namespace feedback::detail {
template <class Row>
struct Reading;
template <>
struct Reading<StoredConsent> {
  static const char* select();
  static StoredConsent row(const Statement& statement);
};
template <>
struct Reading<StoredConversation> {
  static const char* select();
  static StoredConversation row(const Statement& statement);
};
template <>
struct Reading<StoredTurn> {
  static const char* select();
  static StoredTurn row(const Statement& statement);
};
template <>
struct Reading<StoredDecision> {
  static const char* select();
  static StoredDecision row(const Statement& statement);
};
template <>
struct Reading<StoredEvent> {
  static const char* select();
  static StoredEvent row(const Statement& statement);
};
}  // namespace feedback::detail

template <class Row, class... Values>
std::vector<Row> feedback::read_rows(Connection& connection, const std::string& condition,
                                     const Values&... values) {
  Statement statement = connection.prepare(detail::Reading<Row>::select() + condition);
  statement.with(values...);
  std::vector<Row> rows;
  while (statement.step()) rows.push_back(detail::Reading<Row>::row(statement));
  return rows;
}
