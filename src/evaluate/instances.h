#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dialogue/state.h"

namespace evaluate {

// An item that the recommender really named in a message.
struct Gold {
  int item = 0;
  bool is_new = false;              // not named before in the dialogue, by either
  std::optional<bool> liked, seen;  // by the seeker's form
};

// For each dialogue the index of the first one of the same conversation: itself, but where a corpus
// has several dialogues of one.
std::vector<std::int64_t> number_conversations(
    const std::vector<const dialogue::Dialogue*>& dialogues);

// What counts as one place to recommend at, and what is to be found there (docs/metrics.md). A
// block is a run of the recommender's messages with nothing of the seeker's between them, read as
// one turn; its context is what stands before the first of them.
enum class InstanceRule {
  own,     // a message, unmerged, with a turn before it; each of its items once
  kbrd,    // a block; each of its items once; the one that opens a dialogue too, without context
  unicrs,  // a block with a turn before it; every mention, an item named twice counts twice
};
const char* rule_name(InstanceRule rule);  // "own", "kbrd", "unicrs"

// One recommender's message (or block, see InstanceRule) that names at least one item.
struct Instance {
  std::string query;              // "CONVERSATION/MESSAGE": the dialogue's id and the first turn's
  std::int64_t dialogue = 0;      // index in the list it was made from
  std::int64_t conversation = 0;  // index of the first dialogue of its conversation; the cluster
  dialogue::State state;          // before the message
  dialogue::Turn message;         // what was really said; a block's texts with spaces between them
  std::vector<Gold> golds;        // by the rule, in order of first mention
  int dialogue_turns = 0;         // of the whole dialogue, unmerged
  int recommender_turns = 0;      // those of them that are the recommender's
};

// All of them, by dialogue, then turn, of turns that are targets (Dialogue::is_target). Queries
// have no white space: other bytes than printable ASCII, and "%", are written as "%20". A turn
// without an id goes by its number.
std::vector<Instance> make_instances(const std::vector<const dialogue::Dialogue*>& dialogues,
                                     const dialogue::StateOptions& options = {},
                                     InstanceRule rule = InstanceRule::own);

// Which items a ranking must find, and among which (docs/metrics.md).
enum class Protocol {
  v1,  // all items of the message, in the full catalogue
  v2,  // new items only, and items named so far are masked: the primary protocol
  v3,  // v2, only items that the seeker's form likes
  ln,  // v3, only items that the form says were not seen before
  ls,  // v3, only items that the form says were seen before
  dl,  // v2, only items that the seeker's form dislikes: hits there are no merit
};
inline constexpr std::array kProtocols = {Protocol::v1, Protocol::v2, Protocol::v3,
                                          Protocol::ln, Protocol::ls, Protocol::dl};

const char* protocol_name(Protocol protocol);   // "v1", …: folders and keys of report.json
const char* protocol_title(Protocol protocol);  // of a report's section: what is ranked
// Throws base::Error (usage) where there is no such protocol.
Protocol protocol_of(std::string_view name);
bool takes(Protocol protocol, const Gold& gold);              // whether it counts there
bool takes_any(Protocol protocol, const Instance& instance);  // whether one of its items does
bool masks_named(Protocol protocol);                          // whether items named so far are out

// V1 and V2 by the rules of others, as a key of ModelScores::protocols and a folder: "v1-kbrd".
std::string rule_protocol(Protocol protocol, InstanceRule rule);

// The denominators.
struct InstanceCounts {
  std::int64_t pairs = 0;      // a message and one of its items
  std::int64_t messages = 0;   // those with at least one pair
  std::int64_t dialogues = 0;  // conversations
};
InstanceCounts count(const std::vector<Instance>& instances, Protocol protocol);

// A text as one field of a TREC line: see make_instances.
std::string trec_field(std::string_view text);

}  // namespace evaluate
