#include "feedback/store.h"

#include <algorithm>
#include <fstream>
#include <future>
#include <mutex>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "feedback/erase.h"
#include "feedback/schema.h"
#include "feedback/writer.h"

namespace feedback {
namespace fs = std::filesystem;
namespace {

// Only the owner may read what people said. SQLite gives its log the mode of the file.
void make_private(const fs::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) ::close(descriptor);
}

// The base of the errors that SQLite gives where a file is no store.
[[noreturn]] void rethrow_as_data(const fs::path& file, const SqliteError& error) {
  if (error.kind() == base::ErrorKind::data)
    throw base::DataError(file, ": no feedback store, or a damaged one (", error.what(), ")");
  throw error;
}

// The newest consent up to a number, without what was taken back after it: who takes a consent back
// takes it back for what was before, too.
std::optional<StoredConsent> consent_up_to(Connection& connection, const std::string& subject,
                                           std::int64_t as_of) {
  const std::string newest = " ORDER BY seq DESC LIMIT 1";
  auto then = read_rows<StoredConsent>(connection, "WHERE subject = ? AND seq <= ?" + newest,
                                       subject, as_of);
  if (then.empty()) return std::nullopt;
  const auto now = read_rows<StoredConsent>(connection, "WHERE subject = ?" + newest, subject);
  then.front().analytics &= now.front().analytics;
  then.front().training &= now.front().training;
  return then.front();
}

// Read-only connections, each lent to one caller at a time.
class Readers {
 public:
  explicit Readers(fs::path file) : file_(std::move(file)) {}

  class Lease {
   public:
    explicit Lease(Readers& readers) : readers_(readers), connection_(readers.take()) {}
    ~Lease() { readers_.give_back(std::move(connection_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Connection& operator*() { return *connection_; }
    Connection* operator->() { return connection_.get(); }

   private:
    Readers& readers_;
    std::unique_ptr<Connection> connection_;
  };

  void close() { idle_.clear(); }

 private:
  std::unique_ptr<Connection> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
    }
    return std::make_unique<Connection>(file_, Connection::Mode::read);
  }
  void give_back(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }

  fs::path file_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace

struct Store::Parts {
  fs::path file;
  std::unique_ptr<base::FileLock> lock;
  std::unique_ptr<Writer> writer;  // none: opened to be read
  Readers readers;
  std::string secret;

  Writer& writing() {
    if (!writer) throw base::UsageError(file.string(), ": was opened to be read only");
    return *writer;
  }
  // What an erasure that is begun with a callback says in the end.
  Erased waited_for(const std::function<void(std::function<void(const Erased&)>)>& begin) const {
    std::promise<Erased> result;
    begin([&](const Erased& erased) { result.set_value(erased); });
    Erased erased = result.get_future().get();
    if (!erased.error.empty()) throw base::ResourceError(erased.error);
    return erased;
  }
  template <class Row, class... Values>
  std::vector<Row> read(const std::string& condition, const Values&... values) {
    Readers::Lease reader(readers);
    return read_rows<Row>(*reader, condition, values...);
  }
};

Store::Store(const fs::path& file, Access access, StoreOptions options)
    : parts_(new Parts{file, nullptr, nullptr, Readers(file), ""}) {
  if (fs::is_directory(file)) throw base::DataError(file, ": is a folder, expected a store's file");
  try {
    if (access == Access::read_write) {
      parts_->lock = std::make_unique<base::FileLock>(
          file.string() + ".lock", file.string(),
          "one process writes to a store at a time, stop it or ask it");
      make_private(file);
      parts_->writer = std::make_unique<Writer>(file, options);
    } else if (!fs::exists(file)) {
      throw base::DataError(file, ": no such file");
    }
    Readers::Lease reader(parts_->readers);
    require_newest_schema(*reader, file);
    Statement secret = reader->prepare("SELECT value FROM meta WHERE name = 'secret'");
    if (!secret.step()) throw base::DataError(file, ": has lost its secret");
    parts_->secret = secret.text(0);
  } catch (const SqliteError& error) {
    rethrow_as_data(file, error);
  }
}

// The writer's connection is the last, so that it takes the log into the file.
Store::~Store() {
  if (parts_->writer) parts_->writer->stop();
  parts_->readers.close();
}

void Store::write(Batch batch, std::function<void(const Written&)> done) {
  parts_->writing().write(std::move(batch), std::move(done));
}

Written Store::write(Batch batch) {
  std::promise<Written> result;
  write(std::move(batch), [&](const Written& written) { result.set_value(written); });
  return result.get_future().get();
}

bool Store::read_only() const { return !parts_->writer || parts_->writer->read_only(); }
std::int64_t Store::queued() const { return parts_->writer ? parts_->writer->queued() : 0; }
std::string Store::secret() const { return parts_->secret; }

std::optional<StoredConsent> Store::consent(const std::string& subject) const {
  const auto found =
      parts_->read<StoredConsent>("WHERE subject = ? ORDER BY seq DESC LIMIT 1", subject);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

std::vector<StoredConversation> Store::conversations(const std::string& subject, int limit,
                                                     const std::string& before) const {
  if (before.empty())
    return parts_->read<StoredConversation>("WHERE subject = ? ORDER BY seq DESC LIMIT ?", subject,
                                            limit);
  return parts_->read<StoredConversation>(
      "WHERE subject = ? AND seq < (SELECT seq FROM conversations WHERE id = ? AND subject = ?) "
      "ORDER BY seq DESC LIMIT ?",
      subject, before, subject, limit);
}

std::optional<StoredConversation> Store::conversation(const std::string& id) const {
  const auto found = parts_->read<StoredConversation>("WHERE id = ?", id);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

std::vector<StoredTurn> Store::turns(const std::string& conversation) const {
  return parts_->read<StoredTurn>("WHERE conversation = ? ORDER BY seq", conversation);
}

std::vector<StoredDecision> Store::decisions(const std::string& conversation) const {
  return parts_->read<StoredDecision>("WHERE conversation = ? ORDER BY seq", conversation);
}

std::vector<StoredEvent> Store::events(const std::string& conversation) const {
  return parts_->read<StoredEvent>("WHERE conversation = ? ORDER BY seq", conversation);
}

std::vector<StoredEvent> Store::events_of(const std::string& subject) const {
  return parts_->read<StoredEvent>("WHERE subject = ? ORDER BY seq", subject);
}

std::vector<StoredConsent> Store::consents(const std::string& subject) const {
  return parts_->read<StoredConsent>("WHERE subject = ? ORDER BY seq", subject);
}

std::vector<StoredDecision> Store::decisions_of(const std::string& subject) const {
  return parts_->read<StoredDecision>(
      "WHERE conversation IN (SELECT id FROM conversations WHERE subject = ?) ORDER BY seq",
      subject);
}

std::int64_t Store::newest_seq() const {
  Readers::Lease reader(parts_->readers);
  return reader->integer("SELECT value FROM meta WHERE name = 'last_seq'");
}

std::int64_t Store::bytes() const {
  Readers::Lease reader(parts_->readers);
  return reader->integer("PRAGMA page_count") * reader->integer("PRAGMA page_size");
}

StoreCounts Store::counts() const {
  Readers::Lease reader(parts_->readers);
  const ReadTransaction one_moment(*reader);
  const auto count = [&](const char* sql) { return reader->integer(sql); };
  StoreCounts counts;
  counts.conversations = count("SELECT count(*) FROM conversations");
  counts.turns = count("SELECT count(*) FROM turns");
  counts.decisions = count("SELECT count(*) FROM decisions");
  counts.events = count("SELECT count(*) FROM events");
  counts.people = count(
      "SELECT count(*) FROM (SELECT subject FROM conversations UNION SELECT subject FROM consents "
      "UNION SELECT subject FROM events)");
  counts.training = count(
      "SELECT count(*) FROM consents WHERE training = 1 AND seq = (SELECT max(seq) FROM consents "
      "AS newer WHERE newer.subject = consents.subject)");
  counts.newest_seq = count("SELECT value FROM meta WHERE name = 'last_seq'");
  counts.bytes = count("PRAGMA page_count") * count("PRAGMA page_size");
  counts.newest_at = time_of(counts.newest_seq);
  Statement types = reader->prepare("SELECT type, count(*) FROM events GROUP BY type");
  while (types.step()) counts.by_type[types.text(0)] = types.integer(1);
  return counts;
}

PersonCounts Store::counts_of(const std::string& subject) const {
  Readers::Lease reader(parts_->readers);
  const ReadTransaction one_moment(*reader);
  const auto count = [&](const char* sql) {
    Statement statement = reader->prepare(sql);
    return statement.with(subject).step() ? statement.integer(0) : 0;
  };
  return {count("SELECT count(*) FROM conversations WHERE subject = ?"),
          count("SELECT count(*) FROM turns WHERE conversation IN (SELECT id FROM conversations "
                "WHERE subject = ?)"),
          count("SELECT count(*) FROM events WHERE subject = ?")};
}

std::vector<StoreDay> Store::days(int limit) const {
  Readers::Lease reader(parts_->readers);
  Statement days = reader->prepare(
      "SELECT date(at / 1000, 'unixepoch') AS day, sum(reply), sum(event), sum(up), sum(down) FROM "
      "(SELECT at, 1 AS reply, 0 AS event, 0 AS up, 0 AS down FROM decisions UNION ALL "
      "SELECT received_at, 0, 1, type = 'rating' AND json_extract(props, '$.value') > 0, "
      "type = 'rating' AND json_extract(props, '$.value') < 0 FROM events) "
      "GROUP BY day ORDER BY day DESC LIMIT ?");
  std::vector<StoreDay> found;
  days.with(limit);
  while (days.step())
    found.push_back(
        {days.text(0), days.integer(1), days.integer(2), days.integer(3), days.integer(4)});
  std::reverse(found.begin(), found.end());
  return found;
}

std::int64_t Store::time_of(std::int64_t seq) const {
  Readers::Lease reader(parts_->readers);
  Statement newest = reader->prepare(
      "SELECT max("
      "coalesce((SELECT at FROM consents WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1), 0),"
      "coalesce((SELECT created_at FROM conversations WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1), "
      "0),"
      "coalesce((SELECT at FROM turns WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1), 0),"
      "coalesce((SELECT at FROM decisions WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1), 0),"
      "coalesce((SELECT received_at FROM events WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1), 0))");
  return newest.with(seq).step() ? newest.integer(0) : 0;
}

std::int64_t Store::each_conversation(std::int64_t as_of, Whose whose,
                                      const std::function<void(ConversationRecord)>& take) const {
  Readers::Lease reader(parts_->readers);
  const ReadTransaction one_moment(*reader);
  const std::string within = "WHERE conversation = ? AND seq <= ? ORDER BY seq";
  std::int64_t passed_over = 0;
  for (const StoredConversation& conversation : read_rows<StoredConversation>(
           *reader, "WHERE seq <= ? ORDER BY subject, created_at, seq", as_of)) {
    ConversationRecord record;
    record.conversation = conversation;
    record.consent = consent_up_to(*reader, conversation.subject, as_of);
    if (whose == Whose::training && !(record.consent && record.consent->training)) {
      ++passed_over;
      continue;
    }
    record.turns = read_rows<StoredTurn>(*reader, within, conversation.id, as_of);
    record.decisions = read_rows<StoredDecision>(*reader, within, conversation.id, as_of);
    record.events = read_rows<StoredEvent>(*reader, within, conversation.id, as_of);
    record.conversation.turns = static_cast<std::int64_t>(record.turns.size());
    record.conversation.updated_at = conversation.created_at;
    for (const StoredTurn& turn : record.turns)
      record.conversation.updated_at = std::max(record.conversation.updated_at, turn.at);
    take(std::move(record));
  }
  return passed_over;
}

void Store::erase_subject(const std::string& subject, std::function<void(const Erased&)> done) {
  parts_->writing().erase(
      [subject](Connection& connection) { return feedback::erase_subject(connection, subject); },
      std::move(done));
}

void Store::erase_conversation(const std::string& id, std::function<void(const Erased&)> done) {
  parts_->writing().erase(
      [id](Connection& connection) { return feedback::erase_conversation(connection, id); },
      std::move(done));
}

Erased Store::erase_subject(const std::string& subject) {
  return parts_->waited_for([&](auto done) { erase_subject(subject, std::move(done)); });
}

Erased Store::erase_conversation(const std::string& id) {
  return parts_->waited_for([&](auto done) { erase_conversation(id, std::move(done)); });
}

Erased Store::expire(std::int64_t before) {
  return parts_->waited_for([&](auto done) {
    parts_->writing().erase(
        [before](Connection& connection) { return erase_older(connection, before); },
        std::move(done));
  });
}

void Store::wait_for_queued() {
  std::promise<void> result;
  parts_->writing().erase([](Connection&) { return Erased(); },
                          [&](const Erased&) { result.set_value(); });
  result.get_future().wait();
}

void Store::backup(const fs::path& file) const {
  const fs::path aside = file.string() + ".partial";
  fs::remove(aside);
  try {
    make_private(aside);
    {
      Readers::Lease reader(parts_->readers);
      Connection copy(aside, Connection::Mode::write);
      reader->copy_to(copy);
    }
    std::error_code error;
    fs::rename(aside, file, error);
    if (error) throw base::ResourceError(file.string(), ": cannot be written: ", error.message());
  } catch (...) {
    std::error_code ignored;
    fs::remove(aside, ignored);
    throw;
  }
}

std::vector<std::string> Store::problems() const {
  Readers::Lease reader(parts_->readers);
  std::vector<std::string> found;
  Statement check = reader->prepare("PRAGMA integrity_check");
  while (check.step())
    if (check.text(0) != "ok") found.push_back(check.text(0));
  return found;
}

bool is_store(const fs::path& file) {
  constexpr std::string_view kMagic = "SQLite format 3";
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return false;
  std::ifstream in(file, std::ios::binary);
  std::string first(kMagic.size(), ' ');
  in.read(first.data(), static_cast<std::streamsize>(first.size()));
  return in && first == kMagic;
}

}  // namespace feedback
