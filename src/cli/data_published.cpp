#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <set>

#include "base/error.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "corpus/published.h"
#include "corpus/read.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

// The rules on one set of dialogues.
struct Ruled {
  std::string dialogues;  // what they are, for people
  std::vector<corpus::RuleCount> counts;
};

// Dialogues of a corpus whose ids others have.
std::vector<dialogue::Dialogue> same_dialogues(const dialogue::Corpus& corpus,
                                               const std::vector<dialogue::Dialogue>& others) {
  std::set<std::string> ids;
  for (const dialogue::Dialogue& dialogue : others) ids.insert(dialogue.id);
  std::vector<dialogue::Dialogue> out;
  for (const dialogue::Dialogue& dialogue : corpus.dialogues)
    if (ids.count(dialogue.id)) out.push_back(dialogue);
  return out;
}

std::vector<Ruled> apply_rules(const std::vector<std::string>& folders, const std::string& redial) {
  if (redial.empty()) return {};
  const dialogue::Corpus corpus = corpus::read_corpus(redial);
  std::optional<std::vector<bool>> linked;
  for (const fs::path folder : folders)
    if (fs::exists(folder / "id2entity.json") || fs::exists(folder / "id2entity.json.xz"))
      linked = corpus::linked_items(folder, corpus.catalogue);
  std::vector<Ruled> out;
  for (const std::string& folder : folders)
    for (const fs::path& file : corpus::find_redial_files(folder)) {
      const auto published = corpus::read_more(file, corpus.catalogue).dialogues;
      out.push_back({base::concatenate(file.string(), ", ", published.size(),
                                       " dialogues as they stand there"),
                     corpus::count_by_rules(published, linked)});
      const auto original = same_dialogues(corpus, published);
      if (!original.empty())
        out.push_back({base::concatenate(original.size(), " of these as they stand in ", redial),
                       corpus::count_by_rules(original, linked)});
    }
  return out;
}

base::Json to_json(const std::string& folder, const corpus::PublishedFile& file) {
  return {
      {"folder", folder},          {"file", file.name},         {"made_by", file.made_by},
      {"rows", file.rows},         {"turns", file.turns},       {"targets", file.targets},
      {"repeated", file.repeated}, {"unranked", file.unranked}, {"candidates", file.candidates}};
}

base::Json to_json(const Ruled& ruled) {
  base::Json rules = base::Json::array();
  for (const corpus::RuleCount& count : ruled.counts)
    rules.push_back({{"rule", count.rule},
                     {"what", count.what},
                     {"turns", count.turns},
                     {"targets", count.targets},
                     {"new_targets", count.new_targets}});
  return {{"dialogues", ruled.dialogues}, {"rules", rules}};
}

void print(const std::string& folder, const corpus::PublishedFile& file) {
  std::cout << folder << (file.made_by.empty() ? "" : " (" + file.made_by + ")") << ": "
            << file.candidates << " candidates\n";
  if (file.name.empty()) return;
  std::cout << "  " << file.name << ": " << file.rows << " rows, of which " << file.turns
            << " turns with items and something before them, " << file.targets << " targets\n"
            << "  (" << file.repeated << " named before, " << file.unranked
            << " not among the candidates)\n";
}

template <class Turns>
void print_row(const std::string& rule, const Turns& turns, const Turns& targets,
               const Turns& new_targets, const std::string& what) {
  std::cout << "  " << std::left << std::setw(24) << rule << std::right << std::setw(8) << turns
            << std::setw(9) << targets << std::setw(8) << new_targets << "  " << what << "\n";
}

void print(const Ruled& ruled) {
  std::cout << "\n" << ruled.dialogues << "\n";
  print_row<std::string>("rule of", "turns", "targets", "new", "");
  for (const corpus::RuleCount& count : ruled.counts)
    print_row(count.rule, count.turns, count.targets, count.new_targets, count.what);
}

int published(const Command& self, const std::vector<std::string>& given) {
  std::vector<std::string> folders;
  std::string redial;
  bool json = false;
  Arguments arguments(self);
  arguments.positional(
      "FOLDER", folders,
      "processed splits of UniCRS, iEvaLM, KGSF or LLM-zero-shot, or of OpenDialKG");
  arguments.option(
      "--redial", redial,
      "ReDial's folder: counts each paper's rule on the dialogues that a FOLDER holds");
  arguments.flag("--json", json, "print one JSON object a line");
  arguments.parse(given);

  for (const std::string& folder : folders)
    for (const corpus::PublishedFile& file : corpus::count_published(folder)) {
      if (json)
        std::cout << to_json(folder, file).dump() << "\n";
      else
        print(folder, file);
    }
  for (const Ruled& ruled : apply_rules(folders, redial)) {
    if (json)
      std::cout << to_json(ruled).dump() << "\n";
    else
      print(ruled);
  }
  return 0;
}

}  // namespace

Command data_published_command() {
  return {"data published",
          "count what published splits evaluate on, and what each paper's rule makes of the same "
          "dialogues",
          "attune data published crs_splits/ievalm_redial crs_splits/kgsf_redial --redial redial",
          published};
}

}  // namespace cli
