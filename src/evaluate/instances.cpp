#include "evaluate/instances.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace evaluate {
namespace {

std::vector<Gold> golds_of(const dialogue::Dialogue& dialogue, const dialogue::Turn& message,
                           const dialogue::State& before) {
  std::vector<Gold> golds;
  for (int item : message.items()) {
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

}  // namespace

std::vector<Instance> make_instances(const std::vector<const dialogue::Dialogue*>& dialogues,
                                     const dialogue::StateOptions& options) {
  std::vector<Instance> instances;
  for (std::size_t d = 0; d < dialogues.size(); ++d) {
    const dialogue::Dialogue& dialogue = *dialogues[d];
    for (std::size_t t = 1; t < dialogue.turns.size(); ++t) {
      const dialogue::Turn& message = dialogue.turns[t];
      if (message.role != dialogue::Role::recommender || message.mentions.empty()) continue;
      Instance instance;
      instance.query = trec_field(dialogue.id) + "/" +
                       trec_field(message.id.empty() ? std::to_string(t) : message.id);
      instance.dialogue = static_cast<std::int64_t>(d);
      instance.state = dialogue::state_before(dialogue, t, options);
      instance.message = message;
      instance.golds = golds_of(dialogue, message, instance.state);
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
  }
  throw base::Error(base::ErrorKind::internal, "no such protocol");
}

Protocol protocol_of(std::string_view name) {
  for (Protocol protocol : kProtocols)
    if (name == protocol_name(protocol)) return protocol;
  throw base::UsageError("there is no protocol \"", name, "\"; there are v1, v2, v3 and ln");
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
  }
  throw base::Error(base::ErrorKind::internal, "no such protocol");
}

bool masks_named(Protocol protocol) { return protocol != Protocol::v1; }

InstanceCounts count(const std::vector<Instance>& instances, Protocol protocol) {
  InstanceCounts counts;
  std::set<std::int64_t> dialogues;
  for (const Instance& instance : instances) {
    const auto pairs = std::count_if(instance.golds.begin(), instance.golds.end(),
                                     [&](const Gold& gold) { return takes(protocol, gold); });
    if (pairs == 0) continue;
    counts.pairs += pairs;
    counts.messages += 1;
    dialogues.insert(instance.dialogue);
  }
  counts.dialogues = static_cast<std::int64_t>(dialogues.size());
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
