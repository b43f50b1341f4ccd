#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "dialogue/dialogue.h"

namespace feedback {

// Times are milliseconds since 1970, UTC. Ids of turns, conversations and events are UUIDs as text.
// Subjects are HMACs of a person's id: the store never sees the id.

// What somebody lets their data be used for. Append-only: the newest counts, from then on and for
// what was before.
struct StoredConsent {
  std::string subject;
  bool analytics = false;
  bool training = false;
  std::string policy_version;
  std::int64_t at = 0;
};

struct StoredConversation {
  std::string id;
  std::string subject;  // its owner
  std::string title;    // the first words
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;  // of the newest turn; filled in by reads
  std::int64_t turns = 0;       // filled in by reads
};

struct StoredMention {
  std::string item;  // the catalogue's id
  std::size_t begin = 0, end = 0;
};

// One message. A conversation is a tree: editing and regenerating add siblings.
struct StoredTurn {
  std::string id;
  std::string conversation;
  std::string parent;  // empty: the first
  dialogue::Role role = dialogue::Role::seeker;
  std::string text;
  std::vector<StoredMention> mentions;
  std::int64_t at = 0;
  std::int64_t seq = 0;  // filled in by the store
};

struct StoredItem {
  std::string item;
  std::string title;
  int rank = 1;           // from 1
  double propensity = 0;  // exact, of the distribution that it was drawn from
};

// What the policy did in one of its turns.
struct StoredDecision {
  std::string turn;
  std::string conversation;
  std::string model;  // SHA-256 of the weights
  std::string arm;    // of an experiment; "default"
  std::string finish_reason;
  std::vector<StoredItem> shown;
  std::vector<StoredItem> candidates;
  base::Json details;  // sampling, seed, prompt tokens, tokens and their log-probabilities,
                       // latencies, reasons
  std::int64_t at = 0;
  std::int64_t seq = 0;
};

// docs/feedback.md, attune.event/1. Checked by whoever wrote it.
struct StoredEvent {
  std::string id;  // UUIDv7 from the client: the idempotency key
  std::string type;
  std::string subject;
  std::string conversation, turn, item;  // empty: none
  int rank = 0;                          // 0: none
  std::string page;                      // page_id
  std::int64_t page_seq = 0;
  std::int64_t occurred_at = 0;  // as the client says
  std::int64_t received_at = 0;
  std::int64_t corrected_at = 0;  // received_at - (sent_at - occurred_at)
  base::Json props;
  base::Json flags;  // {"late":true,"skewed":true,…}: only what holds
  std::int64_t seq = 0;
};

// Written together or not at all, in this order.
struct Batch {
  std::vector<StoredConversation> conversations;
  std::vector<StoredConsent> consents;
  std::vector<StoredTurn> turns;
  std::vector<StoredDecision> decisions;
  std::vector<StoredEvent> events;
};

struct Written {
  std::vector<bool> duplicate;  // one an event: was there already, nothing was written for it
  std::vector<bool> orphan;     // one an event: of a conversation that is not there (erased
                                // meanwhile), nothing was written for it
  std::int64_t seq = 0;         // the newest sequence number after the commit
  std::string error;  // empty: committed and synced; else nothing of the batch was written
  bool full = false;  // the disk is
};

struct Erased {
  std::int64_t conversations = 0, turns = 0, decisions = 0, events = 0, consents = 0;
  // No byte is left in the file and its WAL. False: the rows are gone, but somebody has been
  // reading an older state for all the time that the store waited; the bytes go once nobody does,
  // or with the next start that has room on the disk.
  bool scrubbed = false;
  std::string error;  // empty: done; else rows or bytes are left, and it has to be asked for again
  bool full = false;  // the disk is

  // Whether there was anything: no turn or decision goes without its conversation.
  bool anything() const { return conversations + events + consents > 0; }
};

// A conversation with everything that belongs to it.
struct ConversationRecord {
  StoredConversation conversation;
  std::optional<StoredConsent>
      consent;                    // the owner's newest; what was taken back since is not in it
  std::vector<StoredTurn> turns;  // these by seq
  std::vector<StoredDecision> decisions;
  std::vector<StoredEvent> events;
};

// How much there is.
struct StoreCounts {
  std::int64_t conversations = 0, turns = 0, decisions = 0, events = 0, people = 0;
  std::int64_t training = 0;  // people whose newest consent has it
  std::int64_t newest_seq = 0;
  std::int64_t newest_at = 0;  // when its newest row was written, 0 where there is none
  std::int64_t bytes = 0;      // of the file
  std::map<std::string, std::int64_t> by_type;  // of events
};

// How much of one person there is.
struct PersonCounts {
  std::int64_t conversations = 0, turns = 0, events = 0;
};

// What came on one day of UTC.
struct StoreDay {
  std::string day;  // "2026-11-25"
  std::int64_t replies = 0, events = 0, ratings_up = 0, ratings_down = 0;
};

// For tests and rare needs.
struct StoreOptions {
  int wait_for_readers_ms =
      10000;  // how long an erasure waits for them before it says that bytes are left
};

// A crash-safe store in one SQLite file (WAL, synchronous FULL), one writer with group commit. What
// was acknowledged is never lost. Every row written has a sequence number of one sequence: a stable
// cursor. One process may write; a second is refused by a lock. All functions may be called from
// any thread.
class Store {
 public:
  enum class Access { read_write, read_only };
  // Makes it where there is none (read_write), migrates older schemas, refuses newer ones. Throws
  // base::DataError naming the file, base::ResourceError where another process writes to it.
  explicit Store(const std::filesystem::path& file, Access access = Access::read_write,
                 StoreOptions options = {});
  ~Store();

  // Queues and returns at once; `done` is called from the writer's thread after commit and sync, or
  // failure: it must not throw, nor wait for another write. Several callers' batches share one
  // commit.
  void write(Batch batch, std::function<void(const Written&)> done);
  Written write(Batch batch);  // waits

  // After a failed sync nothing is written any more until the program starts again.
  bool read_only() const;
  std::int64_t queued() const;  // batches waiting

  // The key that subjects, cookies and rec_tokens are made with; random, made with the store, 32
  // bytes.
  std::string secret() const;

  std::optional<StoredConsent> consent(const std::string& subject) const;
  std::vector<StoredConversation> conversations(
      const std::string& subject, int limit,
      const std::string& before) const;  // newest first, below `before`
  std::optional<StoredConversation> conversation(const std::string& id) const;
  std::vector<StoredTurn> turns(const std::string& conversation) const;          // by seq
  std::vector<StoredDecision> decisions(const std::string& conversation) const;  // by seq
  std::vector<StoredEvent> events(const std::string& conversation) const;        // by seq
  std::vector<StoredEvent> events_of(const std::string& subject) const;
  std::vector<StoredConsent> consents(const std::string& subject) const;
  std::vector<StoredDecision> decisions_of(
      const std::string& subject) const;  // of its conversations, by seq

  StoreCounts counts() const;  // reads every row
  PersonCounts counts_of(const std::string& subject) const;
  std::int64_t newest_seq() const;              // that was ever given
  std::int64_t bytes() const;                   // of the file: reads none
  std::vector<StoreDay> days(int limit) const;  // the newest that had anything, oldest first
  // When the row of that number or the newest one before it was written; 0 where there is none.
  std::int64_t time_of(std::int64_t seq) const;
  // Everything up to a number, of one moment: conversations by owner, then age, without the rows
  // that are newer. With Whose::training, owners who had not agreed to training by then, or have
  // taken it back since, are passed over. How many conversations were.
  enum class Whose { everybody, training };
  std::int64_t each_conversation(std::int64_t as_of, Whose whose,
                                 const std::function<void(ConversationRecord)>& take) const;

  // No byte of what is erased stays in the file or its WAL, for which the file is built anew: that
  // takes room on the disk for the file twice more, and other writes wait for it. Where there was
  // nothing to erase nothing is built; erasures that wait at the same time share one building. Each
  // comes after what was queued before it. `done` is called as write()'s is.
  void erase_subject(const std::string& subject, std::function<void(const Erased&)> done);
  void erase_conversation(const std::string& id, std::function<void(const Erased&)> done);
  // The same, and what is older; they wait, and throw base::ResourceError where there is an error.
  Erased erase_subject(const std::string& subject);
  Erased erase_conversation(const std::string& id);
  Erased expire(std::int64_t before);
  // Until all that was queued is done and told.
  void wait_for_queued();
  // A consistent copy while others write.
  void backup(const std::filesystem::path& file) const;
  // What is damaged in the file; reads all of it.
  std::vector<std::string> problems() const;

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Whether a file is an SQLite file by its first bytes. Not for a store that this process has open:
// closing the file would give up the locks on it.
bool is_store(const std::filesystem::path& file);

}  // namespace feedback
