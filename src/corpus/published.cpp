#include "corpus/published.h"

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/json.h"
#include "corpus/entities.h"
#include "corpus/find_file.h"
#include "corpus/turn_records.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;
using base::DataError;
using base::Json;
using dialogue::Dialogue;
using dialogue::Role;
using Numbers = std::set<std::int64_t>;

Numbers read_numbers(const fs::path& file) {
  const Json json = base::read_json(file);
  if (!json.is_array()) throw DataError(file, ": expected a list of numbers");
  Numbers numbers;
  for (const Json& number : json) {
    if (!number.is_number_integer())
      throw DataError(file, ": ", number.dump(), " is no whole number");
    if (!numbers.insert(number.get<std::int64_t>()).second)
      throw DataError(file, ": ", number.dump(), " is there twice");
  }
  return numbers;
}

std::string first_line(const fs::path& file) {
  const std::string content = base::read_file(file);
  return content.substr(0, content.find('\n'));
}

// ---- rows with numbers ----

PublishedFile count_numbered(const fs::path& file, const Numbers& candidates) {
  PublishedFile out;
  base::read_lines(file, [&](std::string_view text, long line) {
    const std::string where = base::concatenate(file.string(), ":", line);
    const Json json = base::parse_json(text, where);
    const bool zero_shot = json.is_object() && json.contains("prev_entity");
    out.made_by = zero_shot ? "LLM zero-shot" : "UniCRS";
    if (base::optional<int>(json, "is_user", where).value_or(0) != 0) return;
    const auto context = base::require<std::vector<std::string>>(json, "context", where);
    const auto targets = base::require<std::vector<std::int64_t>>(json, "rec", where);
    const auto before =
        base::require<std::vector<std::int64_t>>(json, zero_shot ? "prev_entity" : "entity", where);
    ++out.rows;
    const bool opens = std::all_of(context.begin(), context.end(),
                                   [](const std::string& turn) { return turn.empty(); });
    if (targets.empty() || opens) return;
    ++out.turns;
    for (std::int64_t target : targets) {
      ++out.targets;
      out.repeated += std::find(before.begin(), before.end(), target) != before.end();
      out.unranked += !candidates.count(target);
    }
  });
  return out;
}

// ---- rows with titles ----

PublishedFile count_titled(const fs::path& folder, const fs::path& file,
                           const Numbers& candidates) {
  const Entities entities(need_file(folder, "entity2id.json", "titles are numbered there"));
  PublishedFile out;
  out.made_by = "iEvaLM";
  for (const TurnRecord& record : read_turn_records(file)) {
    ++out.rows;
    if (record.recommended.empty() || record.context.empty()) continue;
    ++out.turns;
    for (const std::string& title : record.recommended) {
      ++out.targets;
      out.repeated +=
          std::find(record.entities.begin(), record.entities.end(), title) != record.entities.end();
      const auto number = entities.find(title);
      out.unranked += !number || !candidates.count(*number);
    }
  }
  return out;
}

// ---- rules ----

struct Rule {
  const char* name;
  const char* what;
  bool merged;      // consecutive messages of one speaker are one turn
  bool opening;     // a turn that opens the dialogue counts
  bool every_time;  // an item counts as often as a turn names it, else once
  bool linked;      // items without an entity in DBpedia do not count
};

constexpr Rule kRules[] = {
    {"attune, Kostric & Balog", "each message with items, something before it; an item once", false,
     false, false, false},
    {"KGSF", "merged turns, not the opening one; an item as often as it is named", true, false,
     true, false},
    {"KBRD", "merged turns, the opening one too; an item once", true, true, false, false},
    {"CRSLab", "as KGSF, but items with an entity in DBpedia only", true, false, true, true},
};

// Items that a turn names, in order, as often as it does.
using Named = std::vector<int>;
struct Spoken {
  Role role;
  Named items;
};

std::vector<Spoken> turns_of(const Dialogue& dialogue, bool merged) {
  std::vector<Spoken> turns;
  for (const dialogue::Turn& turn : dialogue.turns) {
    if (!merged || turns.empty() || turns.back().role != turn.role)
      turns.push_back({turn.role, {}});
    for (const dialogue::Mention& mention : turn.mentions)
      turns.back().items.push_back(mention.item);
  }
  return turns;
}

RuleCount count_by(const Rule& rule, const std::vector<Dialogue>& dialogues,
                   const std::vector<bool>& linked) {
  RuleCount out{rule.name, rule.what};
  for (const Dialogue& dialogue : dialogues) {
    std::set<int> before;
    bool opening = true;
    for (const Spoken& turn : turns_of(dialogue, rule.merged)) {
      std::set<int> here;
      std::int64_t targets = 0, fresh = 0;
      for (int item : turn.items) {
        const bool again = !here.insert(item).second;
        if ((again && !rule.every_time) || (rule.linked && !linked[static_cast<std::size_t>(item)]))
          continue;
        ++targets;
        fresh += !before.count(item);
      }
      before.insert(here.begin(), here.end());
      const bool counts = turn.role == Role::recommender && (rule.opening || !opening);
      opening = false;
      if (!counts || targets == 0) continue;
      ++out.turns;
      out.targets += targets;
      out.new_targets += fresh;
    }
  }
  return out;
}

}  // namespace

std::vector<PublishedFile> count_published(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw DataError(folder, ": no such folder");
  std::vector<PublishedFile> out;
  const fs::path items = find_file(folder, "item_ids.json");
  const fs::path movies = find_file(folder, "movie_ids.json");
  if (items.empty() && !movies.empty() && !find_file(folder, "id2entity.json").empty()) {
    PublishedFile kgsf;
    kgsf.made_by = "KGSF";
    kgsf.candidates = static_cast<std::int64_t>(read_numbers(movies).size());
    return {kgsf};
  }
  if (items.empty())
    throw DataError(folder,
                    ": no processed split there: neither item_ids.json, nor movie_ids.json "
                    "and id2entity.json (.xz too)");
  const Numbers candidates = read_numbers(items);
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.insert(entry.path());
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    if (!name.ends_with(".jsonl") && !name.ends_with(".jsonl.xz")) continue;
    const std::string line = first_line(file);
    if (line.find("\"rec\"") == std::string::npos || line.find("\"resp\"") == std::string::npos)
      continue;
    out.push_back(is_turn_record(line) ? count_titled(folder, file, candidates)
                                       : count_numbered(file, candidates));
    out.back().name = name;
  }
  if (out.empty()) out.emplace_back();
  for (PublishedFile& file : out) file.candidates = static_cast<std::int64_t>(candidates.size());
  return out;
}

std::vector<fs::path> find_redial_files(const fs::path& folder) {
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if ((name.ends_with(".jsonl") || name.ends_with(".jsonl.xz")) &&
        first_line(entry.path()).find("\"movieMentions\"") != std::string::npos)
      files.insert(entry.path());
  }
  return {files.begin(), files.end()};
}

std::vector<RuleCount> count_by_rules(const std::vector<Dialogue>& dialogues,
                                      const std::optional<std::vector<bool>>& linked) {
  std::vector<RuleCount> out;
  for (const Rule& rule : kRules)
    if (!rule.linked || linked)
      out.push_back(count_by(rule, dialogues, linked.value_or(std::vector<bool>{})));
  return out;
}

std::vector<bool> linked_items(const fs::path& folder, const dialogue::Catalogue& catalogue) {
  const fs::path file = need_file(folder, "id2entity.json", "it links items to DBpedia");
  const Json json = base::read_json(file);
  if (!json.is_object()) throw DataError(file, ": expected an object {item id: URI}");
  std::vector<bool> linked(static_cast<std::size_t>(catalogue.size()));
  for (const auto& [id, uri] : json.items())
    if (const auto item = catalogue.find(id); item && !uri.is_null())
      linked[static_cast<std::size_t>(*item)] = true;
  return linked;
}

}  // namespace corpus
