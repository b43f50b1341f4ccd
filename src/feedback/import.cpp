#include "feedback/import.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/hash.h"
#include "base/uuid.h"
#include "feedback/dwell.h"

namespace feedback {
namespace {

using base::Json;
using dialogue::Dialogue;
using dialogue::Role;

constexpr std::int64_t kThisCentury = 946684800000;
constexpr double kSure = .95, kSomewhat = .5;
const std::set<std::string> kAsTheyAre = {
    "impression", "viewable", "item_click",     "item_open",  "copy",          "regenerate",
    "stop",       "edit",     "not_interested", "conversion", "session_start", "session_end"};

bool is_subject(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::string uuid_for(const std::string& id, const std::string& within) {
  return base::is_uuid(id) ? id : base::uuid_of_name("attune import/" + within + "/" + id);
}

// Rows of one dialogue.
class Importer {
 public:
  Importer(const dialogue::Corpus& corpus, const Dialogue& dialogue, const ImportOptions& options,
           std::map<std::string, std::int64_t>& dropped)
      : corpus_(corpus), dialogue_(dialogue), dropped_(dropped) {
    conversation_ = uuid_for(dialogue.conversation(), "conversation");
    const std::string person = dialogue.seeker.empty() ? conversation_ : dialogue.seeker;
    subject_ = is_subject(person) ? person : base::hmac_sha256(options.secret, "import/" + person);
    begun_ = dialogue.order >= kThisCentury ? dialogue.order : options.begun + dialogue.order;
  }

  Batch batch() {
    const std::string words = dialogue_.turns.empty() ? "" : dialogue_.turns.front().text;
    batch_.conversations.push_back(
        {conversation_, subject_, words.substr(0, cut(words)), begun_, 0, 0});
    std::string parent;
    for (const dialogue::Turn& turn : dialogue_.turns) parent = add_turn(turn, parent);
    for (const dialogue::Event& event : dialogue_.events) add_event(event);
    for (const dialogue::Label& label : dialogue_.seeker_labels) add_label(label);
    return std::move(batch_);
  }

 private:
  // The end of the first words that a title has room for, at a whole character.
  static std::size_t cut(const std::string& words) {
    std::size_t end = std::min<std::size_t>(words.size(), 60);
    while (end < words.size() && end > 0 && (static_cast<unsigned char>(words[end]) & 0xC0) == 0x80)
      --end;
    return end;
  }
  std::int64_t at(const std::optional<double>& time, std::int64_t otherwise) const {
    return time ? begun_ + std::llround(*time * 1000) : otherwise;
  }
  std::int64_t time_of(const std::string& turn) const {
    for (const StoredTurn& stored : batch_.turns)
      if (stored.id == turn) return stored.at;
    return begun_;
  }
  std::string turn_id(const std::string& id) const {
    return id.empty() ? "" : uuid_for(id, conversation_);
  }
  const dialogue::Turn* find(const std::string& id) const {
    for (const dialogue::Turn& turn : dialogue_.turns)
      if (turn.id == id) return &turn;
    return nullptr;
  }

  std::string add_turn(const dialogue::Turn& turn, const std::string& parent) {
    StoredTurn stored;
    stored.id = turn_id(turn.id);
    stored.conversation = conversation_;
    stored.parent = parent;
    stored.role = turn.role;
    stored.text = turn.text;
    for (const dialogue::Mention& mention : turn.mentions)
      stored.mentions.push_back({corpus_.catalogue[mention.item].id, mention.begin, mention.end});
    stored.at = at(turn.time, begun_ + 1000 * static_cast<std::int64_t>(batch_.turns.size()));
    if (turn.role == Role::recommender) add_decision(turn, stored);
    batch_.turns.push_back(stored);
    return stored.id;
  }

  void add_decision(const dialogue::Turn& turn, const StoredTurn& stored) {
    StoredDecision decision;
    decision.turn = stored.id;
    decision.conversation = conversation_;
    decision.model = dialogue_.recommender.empty() ? "imported" : dialogue_.recommender;
    decision.arm = "imported";
    decision.finish_reason = "stop";
    for (int item : turn.items()) {
      const dialogue::Item& known = corpus_.catalogue[item];
      decision.shown.push_back(
          {known.id, known.title, static_cast<int>(decision.shown.size()) + 1, 0});
    }
    decision.details = Json::object();
    decision.at = stored.at;
    batch_.decisions.push_back(std::move(decision));
  }

  void put(const std::string& type, const std::string& turn, const std::string& item,
           std::optional<double> time, Json props) {
    StoredEvent event;
    event.type = type;
    event.subject = subject_;
    event.conversation = conversation_;
    event.turn = turn_id(turn);
    event.item = item;
    event.occurred_at = event.received_at = event.corrected_at =
        at(time, time_of(event.turn) + 1000);
    const std::string what = base::concatenate(event.turn, "/", type, "/", item, "/",
                                               event.occurred_at - begun_, "/", props.dump());
    const std::string name = base::concatenate(what, "/", seen_[what]++);
    event.id = uuid_for(name, conversation_);
    event.page = uuid_for(name, conversation_ + " page");
    event.props = std::move(props);
    event.flags = {{"imported", true}};
    batch_.events.push_back(std::move(event));
  }

  void add_event(const dialogue::Event& event) {
    const dialogue::Turn* turn = find(event.turn);
    if (event.type == "dwell" && event.value && turn) {
      const double seconds = *event.value;
      const double ms = dialogue_.source == "feedback"
                            ? dwell_of_usual_seconds(seconds, turn->text).after_ms
                            : 1000 * seconds;
      return put("dwell", event.turn, event.item, event.time,
                 {{"visible_ms", ms},
                  {"streaming_ms", 0},
                  {"after_ms", ms},
                  {"activations", 1},
                  {"final", true}});
    }
    if (event.type == "rating" && event.value && *event.value != 0)
      return put("rating", event.turn, event.item, event.time,
                 {{"value", *event.value > 0 ? 1 : -1}});
    if (event.type == "accept" && event.value.value_or(1) >= kSomewhat) {
      std::string item = event.item;
      if (item.empty() && turn && !turn->mentions.empty())
        item = corpus_.catalogue[turn->items().front()].id;
      const bool sure = event.value.value_or(1) >= kSure;
      return put(sure ? "conversion" : "item_open", event.turn, item, event.time, Json::object());
    }
    if (kAsTheyAre.count(event.type))
      return put(event.type, event.turn, event.item, event.time, Json::object());
    ++dropped_[event.type == "accept" ? "events accept of less than a half"
                                      : "events " + event.type];
  }

  // About the first turn of the recommender that names the item.
  void add_label(const dialogue::Label& label) {
    const std::string& item = corpus_.catalogue[label.item].id;
    for (const dialogue::Turn& turn : dialogue_.turns) {
      const auto items = turn.items();
      if (turn.role != Role::recommender || !std::count(items.begin(), items.end(), label.item))
        continue;
      if (label.seen) put("seen", turn.id, item, {}, {{"value", *label.seen}});
      if (label.liked) put("rating", turn.id, item, {}, {{"value", *label.liked ? 1 : -1}});
      return;
    }
    ++dropped_["labels of items that no recommendation names"];
  }

  const dialogue::Corpus& corpus_;
  const Dialogue& dialogue_;
  std::map<std::string, std::int64_t>& dropped_;
  std::string conversation_, subject_;
  std::int64_t begun_ = 0;
  Batch batch_;
  std::map<std::string, int> seen_;
};

}  // namespace

Imported to_batches(const dialogue::Corpus& corpus, const ImportOptions& options) {
  Imported imported;
  std::map<std::string, std::int64_t> dropped;
  for (const Dialogue& dialogue : corpus.dialogues)
    imported.batches.push_back(Importer(corpus, dialogue, options, dropped).batch());
  for (const auto& [what, count] : dropped) imported.dropped.push_back({what, count});
  return imported;
}

}  // namespace feedback
