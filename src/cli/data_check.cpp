#include <iostream>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "base/format.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "corpus/check.h"
#include "corpus/knowledge.h"
#include "corpus/read.h"

namespace cli {
namespace {

// Too few dialogues to hold some out.
constexpr std::size_t kFewestToSplit = 10;
// Lists are cut here on a terminal; --json has them whole.
constexpr std::size_t kShown = 10;

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

struct Checked {
  std::string file;
  dialogue::Corpus corpus;
  corpus::Check check;
  std::optional<corpus::Knowledge> knowledge;  // where folders of it were given
};

Checked check_file(const std::string& file, const std::vector<std::string>& knowledge,
                   const corpus::SplitSettings& split) {
  Checked out{file, corpus::read_corpus(file), {}, {}};
  if (!knowledge.empty()) {
    out.knowledge =
        corpus::with_knowledge(out.corpus.catalogue, {knowledge.begin(), knowledge.end()});
    for (const corpus::Dropped& entry : out.knowledge->dropped) out.corpus.dropped.push_back(entry);
  }
  const auto& dialogues = out.corpus.dialogues;
  if (dialogues.empty()) throw base::DataError(file, ": holds no dialogues");
  if (dialogues.size() < kFewestToSplit) {
    out.check = corpus::check_corpus(out.corpus);
    return out;
  }
  out.check = corpus::check_corpus(out.corpus, corpus::split_dialogues(dialogues, split), split);
  return out;
}

base::Json knowledge_json(const corpus::Knowledge& knowledge) {
  return {{"items_with_attributes", knowledge.items_with_attributes},
          {"with", knowledge.with},
          {"values", knowledge.values},
          {"edges", knowledge.edges}};
}

base::Json to_json(const Checked& checked) {
  const auto id = [&](int dialogue) {
    return checked.corpus.dialogues[static_cast<std::size_t>(dialogue)].id;
  };
  base::Json dropped = base::Json::array(), near = base::Json::array();
  for (const corpus::Dropped& entry : checked.check.dropped)
    dropped.push_back({{"what", entry.what}, {"count", entry.count}});
  for (const corpus::NearDuplicate& pair : checked.check.near_duplicates)
    near.push_back({{"a", id(pair.a)}, {"b", id(pair.b)}, {"similarity", pair.similarity}});
  base::Json json = {{"file", checked.file},
                     {"items", checked.corpus.catalogue.size()},
                     {"statistics", corpus::to_json(checked.check.statistics)},
                     {"dropped", dropped},
                     {"near_duplicates", near},
                     {"overlaps", corpus::to_json(checked.check.overlaps)},
                     {"leaks", checked.check.leaks}};
  if (checked.knowledge) json["knowledge"] = knowledge_json(*checked.knowledge);
  return json;
}

void print_list(const std::string& title, const std::vector<std::string>& lines) {
  std::cout << title << ": " << (lines.empty() ? "none" : std::to_string(lines.size())) << "\n";
  for (std::size_t i = 0; i < lines.size() && i < kShown; ++i)
    std::cout << "  " << lines[i] << "\n";
  if (lines.size() > kShown)
    std::cout << "  and " << lines.size() - kShown << " more (--json lists all)\n";
}

void print(const corpus::Knowledge& knowledge) {
  std::cout << "knowledge: " << knowledge.items_with_attributes << " of "
            << knowledge.catalogue.size() << " items have attributes, " << knowledge.values
            << " values, " << knowledge.edges << " edges of graphs\n ";
  for (const auto& [name, items] : knowledge.with) std::cout << " " << name << " " << items;
  std::cout << "\n";
}

void print(const Checked& checked) {
  std::cout << checked.file << "\n";
  auto lines = corpus::describe(checked.check.statistics);
  lines.insert(lines.begin(), {"items", std::to_string(checked.corpus.catalogue.size())});
  for (const auto& [name, value] : lines)
    std::cout << "  " << name << std::string(name.size() < 26 ? 26 - name.size() : 1, ' ') << value
              << "\n";
  if (checked.knowledge) print(*checked.knowledge);
  std::vector<std::string> dropped, near, overlaps;
  for (const corpus::Dropped& entry : checked.check.dropped)
    dropped.push_back(base::concatenate(entry.count, " ", entry.what));
  const auto id = [&](int dialogue) {
    return checked.corpus.dialogues[static_cast<std::size_t>(dialogue)].id;
  };
  for (const corpus::NearDuplicate& pair : checked.check.near_duplicates)
    near.push_back(base::concatenate(id(pair.a), " and ", id(pair.b), ", similarity ",
                                     base::fixed(pair.similarity, 2)));
  print_list("left out", dropped);
  for (const corpus::Overlap& entry : checked.check.overlaps)
    overlaps.push_back(base::concatenate(entry.count, " of ", entry.of, " ", entry.split,
                                         " dialogues ", entry.what));
  print_list("near-duplicates", near);
  print_list("shared with training", overlaps);
  print_list("leaks between splits", checked.check.leaks);
}

int check(const Command& self, const std::vector<std::string>& given) {
  std::vector<std::string> files;
  std::string knowledge;
  bool json = false;
  corpus::SplitSettings split;
  Arguments arguments(self);
  arguments.positional(
      "FILE", files,
      "the folder of ReDial, OpenDialKG or INSPIRED, one with dialogues.jsonl, or a .jsonl file "
      "(.xz too)");
  arguments.option(
      "--knowledge", knowledge,
      "folders with id2info.json, dbpedia_subkg.json or id2entity.json, commas between "
      "them: what they say of the items");
  arguments.flag("--json", json, "print one JSON object a file");
  arguments.settings(base::list_settings(split));
  arguments.parse(given);

  for (const std::string& file : files) {
    const Checked checked = check_file(file, split_at_commas(knowledge), split);
    if (json)
      std::cout << to_json(checked).dump() << "\n";
    else
      print(checked);
  }
  return 0;
}

}  // namespace

Command data_check_command() {
  return {"data check",
          "count what is in a corpus, what cannot be used and why, near-duplicates, leaks between "
          "splits",
          "attune data check dialogues.jsonl by=worker", check};
}

}  // namespace cli
