#include "dialogue/jsonl.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <unordered_map>

#include "base/files.h"
#include "base/json.h"

namespace dialogue {
namespace {

using base::DataError;
using base::Json;

constexpr int kVersion = 1;

// ---- reading ----

// Calls take(element, where) for each element of the list under `key`, which may be absent.
template <class Take>
void for_each(const Json& object, const char* key, const std::string& where, Take&& take) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return;
  if (!found->is_array()) throw DataError(where, ": \"", key, "\" is no list");
  for (std::size_t i = 0; i < found->size(); ++i)
    take((*found)[i], base::concatenate(where, ": ", key, "[", i, "]"));
}

Item read_item(const Json& json, const std::string& where) {
  Item item;
  item.id = base::require<std::string>(json, "id", where);
  item.title = base::require<std::string>(json, "title", where);
  item.domain = base::optional<std::string>(json, "domain", where).value_or("");
  item.year = base::optional<int>(json, "year", where);
  const auto found = json.find("attributes");
  if (found == json.end() || found->is_null()) return item;
  if (!found->is_object()) throw DataError(where, ": \"attributes\" is no object");
  for (const auto& [name, values] : found->items())
    for_each(*found, name.c_str(), where, [&](const Json& value, const std::string& place) {
      if (!value.is_string()) throw DataError(place, " is ", value.dump(), ", expected a text");
      item.attributes[name].push_back(value.get<std::string>());
    });
  return item;
}

// The items known so far. Lines add to them, unless the catalogue was given.
class Items {
 public:
  Items() = default;
  explicit Items(Catalogue given) : items_(given.items()), grows_(false) {
    for (std::size_t i = 0; i < items_.size(); ++i) numbers_[items_[i].id] = static_cast<int>(i);
  }

  void add(Item item, const std::string& where) {
    const auto known = numbers_.find(item.id);
    if (known == numbers_.end()) {
      if (!grows_) throw DataError(where, ": the catalogue has no item \"", item.id, "\"");
      numbers_[item.id] = static_cast<int>(items_.size());
      items_.push_back(std::move(item));
      return;
    }
    const Item& first = items_[static_cast<std::size_t>(known->second)];
    if (grows_ && first.title != item.title)
      throw DataError(where, ": item \"", item.id, "\" is \"", item.title, "\" here and \"",
                      first.title, "\" on an earlier line");
  }

  int find(const std::string& id, const std::string& where) const {
    const auto known = numbers_.find(id);
    if (known == numbers_.end())
      throw DataError(where, ": unknown item \"", id,
                      "\"; list it under \"items\" or give a catalogue file that has it");
    return known->second;
  }

  const Item& operator[](int item) const { return items_[static_cast<std::size_t>(item)]; }
  Catalogue take() { return Catalogue(std::move(items_)); }

 private:
  std::vector<Item> items_;
  std::unordered_map<std::string, int> numbers_;
  bool grows_ = true;
};

bool starts_character(const std::string& text, std::size_t at) {
  return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80;
}

bool overlaps(const std::vector<Mention>& mentions, std::size_t begin, std::size_t end) {
  return std::any_of(mentions.begin(), mentions.end(),
                     [&](const Mention& m) { return begin < m.end && m.begin < end; });
}

// The first place where the words stand free, in either case, or npos.
std::size_t find_words(const std::string& text, const std::string& words,
                       const std::vector<Mention>& taken) {
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
    const std::size_t end = at + words.size();
    const bool cut_before = at > 0 && is_word(text[at - 1]) && is_word(words.front());
    const bool cut_after = end < text.size() && is_word(text[end]) && is_word(words.back());
    if (!cut_before && !cut_after && !overlaps(taken, at, end)) return at;
  }
  return std::string::npos;
}

std::string without_year(const std::string& title) {
  const std::size_t bracket = title.rfind(" (");
  return bracket == std::string::npos || title.back() != ')' ? title : title.substr(0, bracket);
}

// Turns that list their items without saying where: each item's title is looked for in the text,
// longer titles first, so that "Alien" is not found inside "Alien Nation".
void find_mentions(Turn& turn, std::vector<int> listed, const Items& items,
                   const std::string& where) {
  std::stable_sort(listed.begin(), listed.end(),
                   [&](int a, int b) { return items[a].title.size() > items[b].title.size(); });
  const std::string text = lower(turn.text);
  for (int item : listed) {
    std::string words = lower(items[item].title);
    std::size_t at = words.empty() ? std::string::npos : find_words(text, words, turn.mentions);
    if (at == std::string::npos) {
      words = without_year(words);
      if (!words.empty()) at = find_words(text, words, turn.mentions);
    }
    if (at == std::string::npos)
      throw DataError(where, ": the text does not name item \"", items[item].id, "\" (",
                      items[item].title, "); give \"mentions\" with begin and end");
    turn.mentions.push_back({item, at, at + words.size()});
  }
}

void check_mentions(Turn& turn, const std::string& where) {
  std::stable_sort(turn.mentions.begin(), turn.mentions.end(),
                   [](const Mention& a, const Mention& b) { return a.begin < b.begin; });
  std::size_t done = 0;
  for (const Mention& mention : turn.mentions) {
    const std::string span = base::concatenate("[", mention.begin, ", ", mention.end, ")");
    if (mention.begin > mention.end || mention.end > turn.text.size())
      throw DataError(where, ": the span ", span, " is outside the text of ", turn.text.size(),
                      " bytes");
    if (!starts_character(turn.text, mention.begin) || !starts_character(turn.text, mention.end))
      throw DataError(where, ": the span ", span, " cuts a character; spans count UTF-8 bytes");
    if (mention.begin < done)
      throw DataError(where, ": the span ", span, " overlaps the one before it");
    done = mention.end;
  }
}

Role read_role(const std::string& role, const std::string& where) {
  if (role == "seeker") return Role::seeker;
  if (role == "recommender") return Role::recommender;
  throw DataError(where, ": unknown role \"", role, "\", expected \"seeker\" or \"recommender\"");
}

std::size_t read_offset(const Json& json, const char* key, const std::string& where) {
  const auto value = base::require<std::int64_t>(json, key, where);
  if (value < 0) throw DataError(where, ": \"", key, "\" is ", value, ", expected 0 or more");
  return static_cast<std::size_t>(value);
}

Turn read_turn(const Json& json, std::size_t index, const Items& items, const std::string& where) {
  Turn turn;
  turn.id = base::optional<std::string>(json, "id", where).value_or(std::to_string(index));
  turn.role = read_role(base::require<std::string>(json, "role", where), where);
  turn.text = base::require<std::string>(json, "text", where);
  turn.time = base::optional<double>(json, "time", where);
  for_each(json, "mentions", where, [&](const Json& mention, const std::string& place) {
    const auto id = base::require<std::string>(mention, "item", place);
    turn.mentions.push_back({items.find(id, place), read_offset(mention, "begin", place),
                             read_offset(mention, "end", place)});
  });
  check_mentions(turn, where);
  std::vector<int> listed;
  for_each(json, "items", where, [&](const Json& id, const std::string& place) {
    if (!id.is_string()) throw DataError(place, " is ", id.dump(), ", expected an item's id");
    const int item = items.find(id.get<std::string>(), place);
    const std::vector<int> named = turn.items();
    if (std::find(named.begin(), named.end(), item) == named.end()) listed.push_back(item);
  });
  find_mentions(turn, std::move(listed), items, where);
  check_mentions(turn, where);
  return turn;
}

void read_label(const Json& json, const Items& items, Dialogue& dialogue,
                const std::string& where) {
  Label label;
  label.item = items.find(base::require<std::string>(json, "item", where), where);
  label.suggested = base::optional<bool>(json, "suggested", where);
  label.seen = base::optional<bool>(json, "seen", where);
  label.liked = base::optional<bool>(json, "liked", where);
  const Role by =
      read_role(base::optional<std::string>(json, "by", where).value_or("seeker"), where);
  (by == Role::seeker ? dialogue.seeker_labels : dialogue.recommender_labels).push_back(label);
}

Event read_event(const Json& json, const std::set<std::string>& turns, const Items& items,
                 const std::string& where) {
  Event event;
  event.type = base::require<std::string>(json, "type", where);
  event.turn = base::optional<std::string>(json, "turn", where).value_or("");
  event.item = base::optional<std::string>(json, "item", where).value_or("");
  event.time = base::optional<double>(json, "time", where);
  event.value = base::optional<double>(json, "value", where);
  const auto check_value = [&](const char* type, double low, double high) {
    if (event.type == type && event.value && !(*event.value >= low && *event.value <= high))
      throw DataError(where, ": the value of an event \"", type, "\" is ", *event.value,
                      ", expected ", low, " to ", high);
  };
  check_value("rating", -1, 1);
  check_value("accept", 0, 1);
  check_value("dwell", 0, 1e9);
  if (!event.turn.empty() && !turns.count(event.turn))
    throw DataError(where, ": the dialogue has no turn \"", event.turn, "\"");
  if (!event.item.empty()) items.find(event.item, where);
  return event;
}

// Turns by their ids, as ascending numbers.
std::vector<int> read_targets(const Json& json, const std::vector<Turn>& turns,
                              const std::string& where) {
  std::vector<int> targets;
  for_each(json, "targets", where, [&](const Json& id, const std::string& place) {
    if (!id.is_string()) throw DataError(place, " is ", id.dump(), ", expected a turn's id");
    const auto turn = std::find_if(turns.begin(), turns.end(), [&](const Turn& candidate) {
      return candidate.id == id.get<std::string>();
    });
    if (turn == turns.end()) throw DataError(place, ": the dialogue has no turn ", id.dump());
    if (turn->role != Role::recommender)
      throw DataError(place, ": the turn ", id.dump(), " is the seeker's");
    targets.push_back(static_cast<int>(turn - turns.begin()));
  });
  std::sort(targets.begin(), targets.end());
  if (std::adjacent_find(targets.begin(), targets.end()) != targets.end())
    throw DataError(where, ": \"targets\" names a turn twice");
  return targets;
}

Dialogue read_dialogue(const Json& json, std::int64_t line, Items& items,
                       const std::string& where) {
  base::require_schema(json, "dialogue", kVersion, where);
  Dialogue dialogue;
  dialogue.id = base::require<std::string>(json, "id", where);
  dialogue.seeker = base::optional<std::string>(json, "seeker", where).value_or("");
  dialogue.recommender = base::optional<std::string>(json, "recommender", where).value_or("");
  dialogue.order = base::optional<std::int64_t>(json, "order", where).value_or(line);
  dialogue.source = base::optional<std::string>(json, "source", where).value_or("");
  dialogue.part_of = base::optional<std::string>(json, "part_of", where).value_or("");
  dialogue.seed = base::optional<std::string>(json, "seed", where).value_or("");
  dialogue.satisfaction = base::optional<double>(json, "satisfaction", where);
  for_each(json, "items", where, [&](const Json& item, const std::string& place) {
    items.add(read_item(item, place), place);
  });
  if (!json.contains("turns")) throw DataError(where, ": \"turns\" is missing");
  std::set<std::string> turns;
  for_each(json, "turns", where, [&](const Json& turn, const std::string& place) {
    dialogue.turns.push_back(read_turn(turn, dialogue.turns.size(), items, place));
    if (!turns.insert(dialogue.turns.back().id).second)
      throw DataError(place, ": the turn id \"", dialogue.turns.back().id, "\" appears twice");
  });
  if (json.contains("targets") && !json.at("targets").is_null())
    dialogue.targets = read_targets(json, dialogue.turns, where);
  for_each(json, "labels", where, [&](const Json& label, const std::string& place) {
    read_label(label, items, dialogue, place);
  });
  for_each(json, "events", where, [&](const Json& event, const std::string& place) {
    dialogue.events.push_back(read_event(event, turns, items, place));
  });
  return dialogue;
}

Corpus read_with(const std::filesystem::path& path, Items items) {
  Corpus corpus;
  std::unordered_map<std::string, long> lines;
  base::read_lines(path, [&](std::string_view text, long line) {
    const std::string where = base::concatenate(path.string(), ":", line);
    Dialogue dialogue = read_dialogue(base::parse_json(text, where), line, items, where);
    const auto [first, is_new] = lines.emplace(dialogue.id, line);
    if (!is_new)
      throw DataError(where, ": the dialogue id \"", dialogue.id, "\" was already on line ",
                      first->second);
    corpus.dialogues.push_back(std::move(dialogue));
  });
  corpus.catalogue = items.take();
  return corpus;
}

// ---- writing ----

template <class T>
void put(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}
void put(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}

Json write_item(const Item& item) {
  Json json = {{"id", item.id}, {"title", item.title}};
  put(json, "domain", item.domain);
  put(json, "year", item.year);
  if (!item.attributes.empty()) json["attributes"] = item.attributes;
  return json;
}

Json write_turn(const Turn& turn, const Catalogue& catalogue) {
  Json json = {{"id", turn.id},
               {"role", turn.role == Role::seeker ? "seeker" : "recommender"},
               {"text", turn.text}};
  put(json, "time", turn.time);
  for (const Mention& mention : turn.mentions)
    json["mentions"].push_back(
        {{"item", catalogue[mention.item].id}, {"begin", mention.begin}, {"end", mention.end}});
  return json;
}

Json write_label(const Label& label, const char* by, const Catalogue& catalogue) {
  Json json = {{"item", catalogue[label.item].id}, {"by", by}};
  put(json, "suggested", label.suggested);
  put(json, "seen", label.seen);
  put(json, "liked", label.liked);
  return json;
}

Json write_event(const Event& event) {
  Json json = {{"type", event.type}};
  put(json, "turn", event.turn);
  put(json, "item", event.item);
  put(json, "time", event.time);
  put(json, "value", event.value);
  return json;
}

// Every item that the dialogue names anywhere, in order of first use.
std::vector<int> items_of(const Dialogue& dialogue, const Catalogue& catalogue) {
  std::vector<int> items;
  std::set<int> seen;
  const auto add = [&](int item) {
    if (seen.insert(item).second) items.push_back(item);
  };
  for (const Turn& turn : dialogue.turns)
    for (const Mention& mention : turn.mentions) add(mention.item);
  for (const Label& label : dialogue.seeker_labels) add(label.item);
  for (const Label& label : dialogue.recommender_labels) add(label.item);
  for (const Event& event : dialogue.events)
    if (const auto item = catalogue.find(event.item)) add(*item);
  return items;
}

Json write_dialogue(const Dialogue& dialogue, const Catalogue& catalogue) {
  Json json = {{"schema", base::schema("dialogue", kVersion)}, {"id", dialogue.id}};
  put(json, "seeker", dialogue.seeker);
  put(json, "recommender", dialogue.recommender);
  json["order"] = dialogue.order;
  put(json, "source", dialogue.source);
  put(json, "part_of", dialogue.part_of);
  put(json, "seed", dialogue.seed);
  put(json, "satisfaction", dialogue.satisfaction);
  json["items"] = Json::array();
  for (int item : items_of(dialogue, catalogue))
    json["items"].push_back(write_item(catalogue[item]));
  json["turns"] = Json::array();
  for (const Turn& turn : dialogue.turns) json["turns"].push_back(write_turn(turn, catalogue));
  if (dialogue.targets) {
    json["targets"] = Json::array();
    for (int turn : *dialogue.targets)
      json["targets"].push_back(dialogue.turns[static_cast<std::size_t>(turn)].id);
  }
  for (const Label& label : dialogue.seeker_labels)
    json["labels"].push_back(write_label(label, "seeker", catalogue));
  for (const Label& label : dialogue.recommender_labels)
    json["labels"].push_back(write_label(label, "recommender", catalogue));
  for (const Event& event : dialogue.events) json["events"].push_back(write_event(event));
  return json;
}

// Bytes that are no UTF-8 must not keep all else from being written: they become U+FFFD.
std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Corpus read_dialogues(const std::filesystem::path& path) { return read_with(path, Items()); }

Corpus read_dialogues(const std::filesystem::path& path, Catalogue catalogue) {
  return read_with(path, Items(std::move(catalogue)));
}

void write_dialogues(const std::filesystem::path& path, const Corpus& corpus) {
  base::FileWriter writer(path);
  for (const Dialogue& dialogue : corpus.dialogues)
    writer.write(line(write_dialogue(dialogue, corpus.catalogue)));
  writer.commit();
}

Catalogue read_catalogue(const std::filesystem::path& path) {
  std::vector<Item> items;
  std::unordered_map<std::string, long> lines;
  base::read_lines(path, [&](std::string_view text, long line) {
    const std::string where = base::concatenate(path.string(), ":", line);
    const Json json = base::parse_json(text, where);
    base::require_schema(json, "catalogue", kVersion, where);
    items.push_back(read_item(json, where));
    const auto [first, is_new] = lines.emplace(items.back().id, line);
    if (!is_new)
      throw DataError(where, ": the item id \"", items.back().id, "\" was already on line ",
                      first->second);
  });
  return Catalogue(std::move(items));
}

void write_catalogue(const std::filesystem::path& path, const Catalogue& catalogue) {
  base::FileWriter writer(path);
  for (const Item& item : catalogue.items()) {
    Json json = {{"schema", base::schema("catalogue", kVersion)}};
    json.update(write_item(item));
    writer.write(line(json));
  }
  writer.commit();
}

}  // namespace dialogue
