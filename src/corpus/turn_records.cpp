#include "corpus/turn_records.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/files.h"
#include "base/json.h"
#include "corpus/dropped.h"
#include "corpus/place_mentions.h"
#include "corpus/titles.h"

namespace corpus {
namespace {

using base::DataError;
using base::Json;

// Records of one dialogue whose contexts continue each other, in order of turn.
struct Talk {
  std::vector<std::string> texts;
  std::vector<const TurnRecord*> records;
};

TurnRecord read_record(const Json& json, const std::string& where) {
  TurnRecord record;
  record.where = where;
  const auto id = json.is_object() ? json.find("dialog_id") : json.end();
  record.dialogue = id != json.end() && id->is_number_integer()
                        ? id->dump()
                        : base::require<std::string>(json, "dialog_id", where);
  using Texts = std::vector<std::string>;
  record.context = base::require<Texts>(json, "context", where);
  record.entities = base::require<Texts>(json, "entity", where);
  record.recommended = base::require<Texts>(json, "rec", where);
  record.answer = base::require<std::string>(json, "resp", where);
  if (!record.context.empty() && record.context.front().empty())
    record.context.erase(record.context.begin());
  const auto turn = base::require<std::int64_t>(json, "turn_id", where);
  if (turn != static_cast<std::int64_t>(record.turn()))
    throw DataError(where, ": \"turn_id\" is ", turn, ", but the context has ", record.turn(),
                    " turns");
  return record;
}

bool continues(const Talk& talk, const TurnRecord& record) {
  if ((record.turn() - talk.records.front()->turn()) % 2 != 0) return false;  // roles would change
  for (std::size_t i = 0; i < talk.texts.size(); ++i)
    if (talk.texts[i] != (i < record.turn() ? record.context[i] : record.answer)) return false;
  return true;
}

// `records` in order of turn.
std::vector<Talk> merge(const std::vector<const TurnRecord*>& records) {
  std::vector<Talk> talks;
  for (const TurnRecord* record : records) {
    auto talk = std::find_if(talks.begin(), talks.end(),
                             [&](const Talk& t) { return continues(t, *record); });
    if (talk == talks.end()) talk = talks.insert(talks.end(), Talk{});
    talk->texts = record->context;
    talk->texts.push_back(record->answer);
    talk->records.push_back(record);
  }
  return talks;
}

std::string first_entity(const std::vector<const TurnRecord*>& records) {
  for (const TurnRecord* record : records)
    for (const std::string& entity : record->entities)
      if (!entity.empty()) return entity;
  return "";
}

// Makes dialogues of talks.
class Maker {
 public:
  explicit Maker(const dialogue::Catalogue& catalogue)
      : catalogue_(catalogue), titles_(catalogue) {}

  dialogue::Dialogue make(const Talk& talk) {
    dialogue::Dialogue out;
    out.targets.emplace();
    auto next = talk.records.begin();  // the first record at this turn or behind it
    for (std::size_t i = 0; i < talk.texts.size(); ++i) {
      if ((*next)->turn() < i) ++next;
      dialogue::Turn turn;
      turn.id = std::to_string(i);
      turn.text = talk.texts[i];
      const bool answers = (talk.records.front()->turn() + i) % 2 == 0;
      turn.role = answers ? dialogue::Role::recommender : dialogue::Role::seeker;
      if ((*next)->turn() == i) {
        turn.mentions = of_target(turn.text, **next);
        out.targets->push_back(static_cast<int>(i));
      } else {
        turn.mentions =
            place_mentions(turn.text, titles_of(items((*next)->entities, nullptr), catalogue_));
      }
      out.turns.push_back(std::move(turn));
    }
    return out;
  }

  DropCounter& dropped() { return dropped_; }

 private:
  std::vector<dialogue::Mention> of_target(const std::string& text, const TurnRecord& record) {
    const std::vector<int> targets =
        items(record.recommended, "items to recommend that the catalogue lacks");
    PlacedMentions placed = place_all_mentions(text, titles_of(targets, catalogue_));
    dropped_.add("items to recommend that their turn does not name, kept without a place",
                 placed.without_place);
    return std::move(placed.mentions);
  }

  // Of the titles, each item once. `missing` names the count of titles that no item has.
  std::vector<int> items(const std::vector<std::string>& titles, const char* missing) {
    std::vector<int> out;
    for (const std::string& title : titles) {
      const std::vector<int>& found = titles_.find(title);
      if (found.empty() && missing) dropped_.add(missing);
      if (!found.empty() && std::find(out.begin(), out.end(), found.front()) == out.end())
        out.push_back(found.front());
    }
    return out;
  }

  const dialogue::Catalogue& catalogue_;
  Titles titles_;
  DropCounter dropped_;
};

std::int64_t number_of(const std::string& id, std::int64_t otherwise) {
  std::int64_t number = otherwise;
  std::from_chars(id.data(), id.data() + id.size(), number);
  return number;
}

}  // namespace

bool is_turn_record(const std::string& line) {
  return line.find("\"turn_id\"") != std::string::npos &&
         line.find("\"dialog_id\"") != std::string::npos &&
         line.find("\"rec\"") != std::string::npos && line.find("\"resp\"") != std::string::npos;
}

std::vector<TurnRecord> read_turn_records(const std::filesystem::path& file) {
  std::vector<TurnRecord> records;
  std::set<std::pair<std::string, std::size_t>> turns;
  base::read_lines(file, [&](std::string_view text, long line) {
    const std::string where = base::concatenate(file.string(), ":", line);
    records.push_back(read_record(base::parse_json(text, where), where));
    const TurnRecord& record = records.back();
    if (!turns.emplace(record.dialogue, record.turn()).second)
      throw DataError(where, ": turn ", record.turn(), " of dialogue ", record.dialogue,
                      " was already on an earlier line");
  });
  return records;
}

MergedRecords merge_turn_records(const std::vector<TurnRecord>& records, const std::string& source,
                                 const dialogue::Catalogue& catalogue) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const TurnRecord*>> of_dialogue;
  for (const TurnRecord& record : records) {
    auto& known = of_dialogue[record.dialogue];
    if (known.empty()) order.push_back(record.dialogue);
    known.push_back(&record);
  }
  Maker maker(catalogue);
  MergedRecords out;
  for (const std::string& id : order) {
    auto& known = of_dialogue[id];
    std::stable_sort(known.begin(), known.end(),
                     [](const auto* a, const auto* b) { return a->turn() < b->turn(); });
    const std::vector<Talk> talks = merge(known);
    for (std::size_t i = 0; i < talks.size(); ++i) {
      dialogue::Dialogue dialogue = maker.make(talks[i]);
      dialogue.id = source + "-" + id + (i == 0 ? "" : "-" + std::to_string(i + 1));
      dialogue.part_of = id;
      dialogue.order = number_of(id, static_cast<std::int64_t>(out.dialogues.size()));
      dialogue.source = source;
      dialogue.seed = first_entity(known);
      out.dialogues.push_back(std::move(dialogue));
      if (i > 0)
        maker.dropped().add(
            "dialogues whose turns are not those of other records of the same dialogue, kept "
            "apart");
    }
  }
  out.dropped = maker.dropped().take();
  return out;
}

std::string source_of(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  return name.substr(0, name.find_first_of("_."));
}

}  // namespace corpus
