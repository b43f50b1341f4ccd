#include "evaluate/instances.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"

namespace evaluate {
namespace {

// The turns begin … end-1 as one, without those that are no targets.
dialogue::Turn merge(const dialogue::Dialogue& dialogue, std::size_t begin, std::size_t end) {
  dialogue::Turn merged = dialogue.turns[begin];
  merged.text.clear();
  merged.mentions.clear();
  for (std::size_t t = begin; t < end; ++t) {
    if (!dialogue.is_target(t)) continue;
    const dialogue::Turn& turn = dialogue.turns[t];
    if (!merged.text.empty() && !turn.text.empty()) merged.text += ' ';
    for (dialogue::Mention mention : turn.mentions) {
      mention.begin += merged.text.size();
      mention.end += merged.text.size();
      merged.mentions.push_back(mention);
    }
    merged.text += turn.text;
  }
  return merged;
}

std::vector<int> items_of(const dialogue::Turn& message, InstanceRule rule) {
  if (rule != InstanceRule::unicrs) return message.items();
  std::vector<int> items;
  for (const dialogue::Mention& mention : message.mentions) items.push_back(mention.item);
  return items;
}

std::vector<Gold> golds_of(const dialogue::Dialogue& dialogue, const dialogue::Turn& message,
                           const dialogue::State& before, InstanceRule rule) {
  std::vector<Gold> golds;
  for (int item : items_of(message, rule)) {
    Gold gold{.item = item, .is_new = true, .liked = {}, .seen = {}};
    for (const dialogue::KnownItem& known : before.items) gold.is_new &= known.item != item;
    if (const dialogue::Label* label = dialogue.seeker_label(item)) {
      gold.liked = label->liked;
      gold.seen = label->seen;
    }
    golds.push_back(gold);
  }
  return golds;
}

// Where the run of one speaker's turns that begins at `begin` ends.
std::size_t block_end(const dialogue::Dialogue& dialogue, std::size_t begin) {
  std::size_t end = begin + 1;
  while (end < dialogue.turns.size() && dialogue.turns[end].role == dialogue.turns[begin].role)
    ++end;
  return end;
}

}  // namespace

const char* rule_name(InstanceRule rule) {
  switch (rule) {
    case InstanceRule::own:
      return "own";
    case InstanceRule::kbrd:
      return "kbrd";
    case InstanceRule::unicrs:
      return "unicrs";
  }
  throw base::Error(base::ErrorKind::internal, "no such rule of instances");
}

std::vector<std::int64_t> number_conversations(
    const std::vector<const dialogue::Dialogue*>& dialogues) {
  std::vector<std::int64_t> numbers;
  std::map<std::string, std::int64_t> known;
  for (std::size_t d = 0; d < dialogues.size(); ++d) {
    const auto own = static_cast<std::int64_t>(d);
    const std::string& name = dialogues[d]->conversation();
    numbers.push_back(name.empty() ? own : known.emplace(name, own).first->second);
  }
  return numbers;
}

std::vector<Instance> make_instances(const std::vector<const dialogue::Dialogue*>& dialogues,
                                     const dialogue::StateOptions& options, InstanceRule rule) {
  std::vector<Instance> instances;
  const std::vector<std::int64_t> conversations = number_conversations(dialogues);
  for (std::size_t d = 0; d < dialogues.size(); ++d) {
    const dialogue::Dialogue& dialogue = *dialogues[d];
    const auto recommender_turns = std::count_if(
        dialogue.turns.begin(), dialogue.turns.end(),
        [](const dialogue::Turn& turn) { return turn.role == dialogue::Role::recommender; });
    std::size_t end = 0;
    for (std::size_t begin = 0; begin < dialogue.turns.size(); begin = end) {
      end = rule == InstanceRule::own ? begin + 1 : block_end(dialogue, begin);
      if (begin == 0 && rule != InstanceRule::kbrd) continue;
      dialogue::Turn message = merge(dialogue, begin, end);
      if (message.mentions.empty()) continue;
      Instance instance;
      instance.query = trec_field(dialogue.id) + "/" +
                       trec_field(message.id.empty() ? std::to_string(begin) : message.id);
      instance.dialogue = static_cast<std::int64_t>(d);
      instance.conversation = conversations[d];
      instance.state = dialogue::state_before(dialogue, begin, options);
      instance.golds = golds_of(dialogue, message, instance.state, rule);
      instance.message = std::move(message);
      instance.dialogue_turns = static_cast<int>(dialogue.turns.size());
      instance.recommender_turns = static_cast<int>(recommender_turns);
      instances.push_back(std::move(instance));
    }
  }
  return instances;
}

const char* protocol_name(Protocol protocol) {
  switch (protocol) {
    case Protocol::v1:
      return "v1";
    case Protocol::v2:
      return "v2";
    case Protocol::v3:
      return "v3";
    case Protocol::ln:
      return "ln";
    case Protocol::ls:
      return "ls";
    case Protocol::dl:
      return "dl";
  }
  throw base::Error(base::ErrorKind::internal, "no such protocol");
}

const char* protocol_title(Protocol protocol) {
  switch (protocol) {
    case Protocol::v1:
      return "V1: full catalogue, repeats kept";
    case Protocol::v2:
      return "V2: new items only, items named so far masked";
    case Protocol::v3:
      return "V3: as V2, items that the seeker liked";
    case Protocol::ln:
      return "LN: as V2, items that the seeker liked and had not seen";
    case Protocol::ls:
      return "LS: as V2, items that the seeker liked and had seen";
    case Protocol::dl:
      return "DL: as V2, items that the seeker did not like";
  }
  throw base::Error(base::ErrorKind::internal, "no such protocol");
}

Protocol protocol_of(std::string_view name) {
  for (Protocol protocol : kProtocols)
    if (name == protocol_name(protocol)) return protocol;
  throw base::UsageError("there is no protocol \"", name,
                         "\"; there are v1, v2, v3, ln, ls and dl");
}

bool takes(Protocol protocol, const Gold& gold) {
  switch (protocol) {
    case Protocol::v1:
      return true;
    case Protocol::v2:
      return gold.is_new;
    case Protocol::v3:
      return gold.is_new && gold.liked.value_or(false);
    case Protocol::ln:
      return gold.is_new && gold.liked.value_or(false) && !gold.seen.value_or(true);
    case Protocol::ls:
      return gold.is_new && gold.liked.value_or(false) && gold.seen.value_or(false);
    case Protocol::dl:
      return gold.is_new && !gold.liked.value_or(true);
  }
  throw base::Error(base::ErrorKind::internal, "no such protocol");
}

bool takes_any(Protocol protocol, const Instance& instance) {
  return std::any_of(instance.golds.begin(), instance.golds.end(),
                     [&](const Gold& gold) { return takes(protocol, gold); });
}

std::string rule_protocol(Protocol protocol, InstanceRule rule) {
  return std::string(protocol_name(protocol)) + "-" + rule_name(rule);
}

bool masks_named(Protocol protocol) { return protocol != Protocol::v1; }

InstanceCounts count(const std::vector<Instance>& instances, Protocol protocol) {
  InstanceCounts counts;
  std::set<std::int64_t> conversations;
  for (const Instance& instance : instances) {
    const auto pairs = std::count_if(instance.golds.begin(), instance.golds.end(),
                                     [&](const Gold& gold) { return takes(protocol, gold); });
    if (pairs == 0) continue;
    counts.pairs += pairs;
    counts.messages += 1;
    conversations.insert(instance.conversation);
  }
  counts.dialogues = static_cast<std::int64_t>(conversations.size());
  return counts;
}

std::string trec_field(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string field;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7f && c != '%') {
      field += c;
    } else {
      field += '%';
      field += kDigits[byte >> 4];
      field += kDigits[byte & 15];
    }
  }
  return field;
}

}  // namespace evaluate
