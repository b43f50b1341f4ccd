#include <algorithm>
#include <iostream>

#include "base/error.h"
#include "base/format.h"
#include "base/time.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/feedback.h"
#include "feedback/harvest.h"

namespace cli {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

base::Json to_json(const std::string& file, const feedback::StoreCounts& counts,
                   const feedback::Harvest& harvest, std::int64_t dialogues, std::int64_t immature,
                   const dialogue::Preferences& preferences) {
  return {{"file", file},
          {"conversations", counts.conversations},
          {"turns", counts.turns},
          {"decisions", counts.decisions},
          {"events", counts.events},
          {"by_type", counts.by_type},
          {"people", counts.people},
          {"training_consent", counts.training},
          {"newest_seq", counts.newest_seq},
          {"newest_at", counts.newest_at ? base::format_rfc3339(counts.newest_at) : ""},
          {"bytes", counts.bytes},
          {"export",
           {{"rules", feedback::kAttributionVersion},
            {"dialogues", dialogues},
            {"people", harvest.people},
            {"without_consent", harvest.without_consent},
            {"flagged", harvest.flagged},
            {"immature", immature},
            {"judgements", preferences.judgements.size()},
            {"pairs", preferences.pairs.size()},
            {"largest_share", harvest.largest_share},
            {"people_above_a_hundredth", harvest.large_people}}}};
}

// One line a number, nested names with a space between.
void flatten(const base::Json& json, const std::string& prefix, Lines& lines) {
  for (const auto& [name, value] : json.items()) {
    std::string words = prefix + name;
    std::replace(words.begin(), words.end(), '_', ' ');
    if (value.is_object())
      flatten(value, name == "by_type" ? "  " : words + ": ", lines);
    else if (value.is_number_float())
      lines.emplace_back(words, base::fixed(value.get<double>(), 3));
    else
      lines.emplace_back(words, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

int stats(const Command& self, const std::vector<std::string>& given) {
  std::string file, at;
  bool json = false, check = false;
  feedback::HarvestOptions options;
  Arguments arguments(self);
  arguments.positional("STORE", file, "the file of a feedback store");
  arguments.option("--at", at, "when windows are looked at (RFC 3339); without it: now");
  arguments.flag("--json", json, "print one JSON object");
  arguments.flag("--check", check, "read the whole file and fail where it is damaged");
  arguments.settings(base::list_settings(options.attribution));
  arguments.parse(given);

  const feedback::Store store(file, feedback::Store::Access::read_only);
  if (check)
    for (const std::string& problem : store.problems()) throw base::DataError(file, ": ", problem);
  options.at = at.empty() ? base::now_ms() : parse_moment(at, "--at");
  const feedback::Harvest harvest = feedback::harvest(store, options);
  const feedback::HarvestedCorpus corpus = feedback::to_corpus(harvest);
  const base::Json numbers = to_json(file, store.counts(), harvest,
                                     static_cast<std::int64_t>(corpus.corpus.dialogues.size()),
                                     corpus.immature, feedback::to_preferences(harvest));
  if (json) {
    std::cout << numbers.dump() << "\n";
    return 0;
  }
  Lines lines;
  flatten(numbers, "", lines);
  for (const auto& [name, value] : lines)
    std::cout << name << std::string(name.size() < 34 ? 34 - name.size() : 1, ' ') << value << "\n";
  return 0;
}

}  // namespace

Command feedback_stats_command() {
  return {"feedback stats", "count what is in a feedback store and what of it an export would have",
          "attune feedback stats feedback.db --json", stats};
}

}  // namespace cli
