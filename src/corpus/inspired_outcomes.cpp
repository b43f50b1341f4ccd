#include "corpus/inspired_outcomes.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/error.h"
#include "base/files.h"

namespace corpus {
namespace {

using base::DataError;
using dialogue::Dialogue;

// Letters and digits of a dialogue's beginning that tell it from all others.
constexpr std::size_t kCompared = 60;

struct Outcome {
  std::optional<double> satisfaction;
  std::optional<bool> liked;
};

const std::map<std::string, Outcome>& outcomes() {
  static const std::map<std::string, Outcome> kOutcomes = {
      {"accept_rating_good", {1., true}},
      {"accept_rating_mod", {.5, std::nullopt}},
      {"accept_others", {}},
      {"accept_uninterested", {0., false}},
      {"reject", {0., false}},
  };
  return kOutcomes;
}

// A few rows lack what all others of their dialogue say.
bool says_nothing(const std::string& outcome) { return outcome.empty() || outcome == "nan"; }

// Adds the letters and digits in lower case, up to kCompared of them. dev.tsv has a word for
// quotes.
void append_letters(std::string& to, std::string text) {
  const std::string quote = "QUOTATION_MARK";
  for (std::size_t at = text.find(quote); at != std::string::npos; at = text.find(quote))
    text.erase(at, quote.size());
  for (char c : text)
    if (to.size() < kCompared && std::isalnum(static_cast<unsigned char>(c)))
      to += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

std::string beginning(const Dialogue& dialogue) {
  std::string letters;
  for (const dialogue::Turn& turn : dialogue.turns) append_letters(letters, turn.text);
  return letters;
}

std::vector<std::string> cut_at_tabs(std::string_view row) {
  std::vector<std::string> fields(1);
  for (char c : row) {
    if (c == '\t')
      fields.emplace_back();
    else if (c != '\r')
      fields.back() += c;
  }
  return fields;
}

struct Row {
  std::string dialogue;
  std::string text;
  std::string outcome;
};

std::vector<Row> read_rows(const std::filesystem::path& file) {
  std::vector<std::string> header;
  std::vector<Row> rows;
  base::read_lines(file, [&](std::string_view line, long number) {
    const std::string where = base::concatenate(file.string(), ":", number);
    const std::vector<std::string> fields = cut_at_tabs(line);
    if (number == 1) {
      header = fields;
      for (const char* name : {"dialog_id", "text", "fine_label"})
        if (std::find(header.begin(), header.end(), name) == header.end())
          throw DataError(where, ": no column \"", name, "\"");
      return;
    }
    if (fields.size() != header.size())
      throw DataError(where, ": ", fields.size(), " fields, expected ", header.size());
    const auto field = [&](const char* name) {
      return fields[static_cast<std::size_t>(std::find(header.begin(), header.end(), name) -
                                             header.begin())];
    };
    rows.push_back({field("dialog_id"), field("text"), field("fine_label")});
    if (!says_nothing(rows.back().outcome) && !outcomes().count(rows.back().outcome))
      throw DataError(where, ": unknown fine_label \"", rows.back().outcome, "\"");
  });
  return rows;
}

// The one item that the recommender named, if it is one.
std::optional<int> only_item(const Dialogue& dialogue) {
  std::set<int> items;
  for (const dialogue::Turn& turn : dialogue.turns)
    if (turn.role == dialogue::Role::recommender)
      for (int item : turn.items()) items.insert(item);
  return items.size() == 1 ? std::optional<int>(*items.begin()) : std::nullopt;
}

}  // namespace

int add_inspired_outcomes(const std::filesystem::path& file, std::vector<Dialogue>& dialogues) {
  std::map<std::string, std::string> beginnings, outcome_of;  // by dialog_id
  for (const Row& row : read_rows(file)) {
    append_letters(beginnings[row.dialogue], row.text);
    if (!says_nothing(row.outcome)) outcome_of[row.dialogue] = row.outcome;
  }
  std::map<std::string, std::string> outcome_by_beginning;
  for (const auto& [id, outcome] : outcome_of) outcome_by_beginning[beginnings[id]] = outcome;
  int joined = 0;
  for (Dialogue& dialogue : dialogues) {
    const auto found = outcome_by_beginning.find(beginning(dialogue));
    if (found == outcome_by_beginning.end()) continue;
    ++joined;
    const Outcome& outcome = outcomes().at(found->second);
    dialogue.satisfaction = outcome.satisfaction;
    if (const auto item = only_item(dialogue))
      dialogue.seeker_labels.push_back({*item, true, std::nullopt, outcome.liked});
  }
  return joined;
}

}  // namespace corpus
