#include <iostream>

#include "base/format.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "corpus/check.h"
#include "corpus/read.h"

namespace cli {
namespace {

// Too few dialogues to hold some out.
constexpr std::size_t kFewestToSplit = 10;
// Lists are cut here on a terminal; --json has them whole.
constexpr std::size_t kShown = 10;

struct Checked {
  std::string file;
  dialogue::Corpus corpus;
  corpus::Check check;
};

Checked check_file(const std::string& file, corpus::SplitSettings split) {
  Checked out{file, corpus::read_corpus(file), {}};
  const auto& dialogues = out.corpus.dialogues;
  if (dialogues.size() < kFewestToSplit) {
    out.check = corpus::check_corpus(out.corpus);
    return out;
  }
  const bool of_two_parts =
      std::any_of(dialogues.begin(), dialogues.end(),
                  [](const dialogue::Dialogue& d) { return d.source == "train_part"; });
  if (split.hold_out_from.empty() && of_two_parts) split.hold_out_from = "train_part";
  out.check = corpus::check_corpus(out.corpus, corpus::split_dialogues(dialogues, split), split);
  return out;
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
  return {{"file", checked.file},
          {"items", checked.corpus.catalogue.size()},
          {"statistics", corpus::to_json(checked.check.statistics)},
          {"dropped", dropped},
          {"near_duplicates", near},
          {"leaks", checked.check.leaks}};
}

void print_list(const std::string& title, const std::vector<std::string>& lines) {
  std::cout << title << ": " << (lines.empty() ? "none" : std::to_string(lines.size())) << "\n";
  for (std::size_t i = 0; i < lines.size() && i < kShown; ++i)
    std::cout << "  " << lines[i] << "\n";
  if (lines.size() > kShown)
    std::cout << "  and " << lines.size() - kShown << " more (--json lists all)\n";
}

void print(const Checked& checked) {
  std::cout << checked.file << "\n";
  auto lines = corpus::describe(checked.check.statistics);
  lines.insert(lines.begin(), {"items", std::to_string(checked.corpus.catalogue.size())});
  for (const auto& [name, value] : lines)
    std::cout << "  " << name << std::string(name.size() < 26 ? 26 - name.size() : 1, ' ') << value
              << "\n";
  std::vector<std::string> dropped, near;
  for (const corpus::Dropped& entry : checked.check.dropped)
    dropped.push_back(base::concatenate(entry.count, " ", entry.what));
  const auto id = [&](int dialogue) {
    return checked.corpus.dialogues[static_cast<std::size_t>(dialogue)].id;
  };
  for (const corpus::NearDuplicate& pair : checked.check.near_duplicates)
    near.push_back(base::concatenate(id(pair.a), " and ", id(pair.b), ", similarity ",
                                     base::fixed(pair.similarity, 2)));
  print_list("left out", dropped);
  print_list("near-duplicates", near);
  print_list("leaks between splits", checked.check.leaks);
}

int check(const Command& self, const std::vector<std::string>& given) {
  std::vector<std::string> files;
  bool json = false;
  corpus::SplitSettings split;
  Arguments arguments(self);
  arguments.positional(
      "FILE", files, "ReDial's folder, a folder with dialogues.jsonl, or a .jsonl file (.xz too)");
  arguments.flag("--json", json, "print one JSON object a file");
  arguments.settings(base::list_settings(split));
  arguments.parse(given);

  for (const std::string& file : files) {
    const Checked checked = check_file(file, split);
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
