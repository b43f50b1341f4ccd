#include "feedback/rows.h"

namespace feedback {
namespace {

using base::Json;

// A byte that is no UTF-8 must not stop the writer: it becomes U+FFFD.
std::string compact(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string object_text(const Json& json) { return json.is_object() ? compact(json) : "{}"; }

Json parse(const std::string& text) { return base::parse_json(text, "store"); }

std::string mentions_text(const std::vector<StoredMention>& mentions) {
  Json list = Json::array();
  for (const StoredMention& mention : mentions)
    list.push_back({{"item", mention.item}, {"begin", mention.begin}, {"end", mention.end}});
  return compact(list);
}

std::string items_text(const std::vector<StoredItem>& items) {
  Json list = Json::array();
  for (const StoredItem& item : items)
    list.push_back({{"item", item.item},
                    {"title", item.title},
                    {"rank", item.rank},
                    {"propensity", item.propensity}});
  return compact(list);
}

std::vector<StoredItem> items_of(const std::string& text) {
  std::vector<StoredItem> items;
  for (const Json& item : parse(text))
    items.push_back({base::require<std::string>(item, "item", "store"),
                     base::require<std::string>(item, "title", "store"),
                     base::require<int>(item, "rank", "store"),
                     base::optional<double>(item, "propensity", "store").value_or(0)});
  return items;
}

bool finds(Statement& statement, const std::string& id) {
  const bool found = statement.with(id).step();
  statement.with();  // ends the read
  return found;
}

std::vector<StoredMention> mentions_of(const std::string& text) {
  std::vector<StoredMention> mentions;
  for (const Json& mention : parse(text))
    mentions.push_back({base::require<std::string>(mention, "item", "store"),
                        base::require<std::size_t>(mention, "begin", "store"),
                        base::require<std::size_t>(mention, "end", "store")});
  return mentions;
}

}  // namespace

RowWriter::RowWriter(Connection& connection)
    : connection_(connection),
      last_(connection.integer("SELECT value FROM meta WHERE name = 'last_seq'")),
      conversation_(connection.prepare(
          "INSERT INTO conversations VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING")),
      consent_(connection.prepare("INSERT INTO consents VALUES (?, ?, ?, ?, ?, ?)")),
      turn_(connection.prepare(
          "INSERT INTO turns VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING")),
      decision_(connection.prepare("INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                                   "ON CONFLICT (turn) DO NOTHING")),
      event_(connection.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                                "?, ?) ON CONFLICT (id) DO NOTHING")),
      known_(connection.prepare("SELECT 1 FROM conversations WHERE id = ?")),
      last_seq_(connection.prepare("UPDATE meta SET value = ? WHERE name = 'last_seq'")) {}

void RowWriter::set_last_seq(std::int64_t seq) { last_ = seq; }

void RowWriter::count_row() {
  if (connection_.changed() > 0) ++last_;
}

Written RowWriter::write(const Batch& batch) {
  for (const auto& conversation : batch.conversations) write_conversation(conversation);
  for (const auto& consent : batch.consents) write_consent(consent);
  for (const auto& turn : batch.turns) write_turn(turn);
  for (const auto& decision : batch.decisions) write_decision(decision);
  Written written;
  for (const auto& event : batch.events) {
    const bool orphan = !event.conversation.empty() && !finds(known_, event.conversation);
    written.orphan.push_back(orphan);
    written.duplicate.push_back(!orphan && !write_event(event));
  }
  return written;
}

void RowWriter::write_conversation(const StoredConversation& c) {
  conversation_.with(last_ + 1, c.id, c.subject, c.title, c.created_at).run();
  count_row();
}

void RowWriter::write_consent(const StoredConsent& c) {
  consent_.with(last_ + 1, c.subject, c.analytics, c.training, c.policy_version, c.at).run();
  count_row();
}

void RowWriter::write_turn(const StoredTurn& t) {
  const char* role = t.role == dialogue::Role::seeker ? "seeker" : "recommender";
  const std::string mentions = mentions_text(t.mentions);
  turn_.with(last_ + 1, t.id, t.conversation, t.parent, role, t.text, mentions, t.at).run();
  count_row();
}

void RowWriter::write_decision(const StoredDecision& d) {
  const std::string shown = items_text(d.shown), candidates = items_text(d.candidates),
                    details = object_text(d.details);
  decision_
      .with(last_ + 1, d.turn, d.conversation, d.model, d.arm, d.finish_reason, shown, candidates,
            details, d.at)
      .run();
  count_row();
}

// Whether it was new.
bool RowWriter::write_event(const StoredEvent& e) {
  const std::string props = object_text(e.props), flags = object_text(e.flags);
  const auto conversation = e.conversation.empty() ? std::nullopt : std::optional(e.conversation);
  event_
      .with(last_ + 1, e.id, e.type, e.subject, conversation, e.turn, e.item, e.rank, e.page,
            e.page_seq, e.occurred_at, e.received_at, e.corrected_at, props, flags)
      .run();
  count_row();
  return connection_.changed() > 0;
}

void RowWriter::write_last_seq() { last_seq_.with(last_).run(); }

namespace detail {

const char* Reading<StoredConsent>::select() {
  return "SELECT subject, analytics, training, policy_version, at FROM consents ";
}
StoredConsent Reading<StoredConsent>::row(const Statement& s) {
  return {s.text(0), s.integer(1) != 0, s.integer(2) != 0, s.text(3), s.integer(4)};
}

const char* Reading<StoredConversation>::select() {
  return "SELECT id, subject, title, created_at, "
         "coalesce((SELECT max(at) FROM turns WHERE conversation = conversations.id), created_at), "
         "(SELECT count(*) FROM turns WHERE conversation = conversations.id) FROM conversations ";
}
StoredConversation Reading<StoredConversation>::row(const Statement& s) {
  return {s.text(0), s.text(1), s.text(2), s.integer(3), s.integer(4), s.integer(5)};
}

const char* Reading<StoredTurn>::select() {
  return "SELECT id, conversation, parent, role, text, mentions, at, seq FROM turns ";
}
StoredTurn Reading<StoredTurn>::row(const Statement& s) {
  return {
      s.text(0),    s.text(1),
      s.text(2),    s.text(3) == "seeker" ? dialogue::Role::seeker : dialogue::Role::recommender,
      s.text(4),    mentions_of(s.text(5)),
      s.integer(6), s.integer(7)};
}

const char* Reading<StoredDecision>::select() {
  return "SELECT turn, conversation, model, arm, finish_reason, shown, candidates, details, at, "
         "seq FROM decisions ";
}
StoredDecision Reading<StoredDecision>::row(const Statement& s) {
  return {s.text(0),           s.text(1),           s.text(2),        s.text(3),    s.text(4),
          items_of(s.text(5)), items_of(s.text(6)), parse(s.text(7)), s.integer(8), s.integer(9)};
}

const char* Reading<StoredEvent>::select() {
  return "SELECT id, type, subject, conversation, turn, item, rank, page, page_seq, occurred_at, "
         "received_at, corrected_at, props, flags, seq FROM events ";
}
StoredEvent Reading<StoredEvent>::row(const Statement& s) {
  return {s.text(0),
          s.text(1),
          s.text(2),
          s.text(3),
          s.text(4),
          s.text(5),
          static_cast<int>(s.integer(6)),
          s.text(7),
          s.integer(8),
          s.integer(9),
          s.integer(10),
          s.integer(11),
          parse(s.text(12)),
          parse(s.text(13)),
          s.integer(14)};
}

}  // namespace detail
}  // namespace feedback
