#include <algorithm>
#include <iostream>

#include "base/error.h"
#include "base/files.h"
#include "base/time.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/feedback.h"
#include "corpus/preferences.h"
#include "corpus/read.h"
#include "dialogue/jsonl.h"
#include "feedback/harvest.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

// What was written, in words.
std::string write_dialogues(const feedback::Harvest& harvest, const std::string& catalogue,
                            const fs::path& to) {
  const feedback::HarvestedCorpus out =
      catalogue.empty()
          ? feedback::to_corpus(harvest)
          : feedback::to_corpus(harvest, corpus::read_catalogue_of(catalogue), catalogue);
  if (to.extension() == ".jsonl")
    dialogue::write_dialogues(to, out.corpus);
  else
    corpus::write_corpus(to, out.corpus);
  return base::concatenate(out.corpus.dialogues.size(), " dialogues about ",
                           out.corpus.catalogue.size(), " items; ", out.immature,
                           " left out whose time is not over");
}

std::string write_preferences(const feedback::Harvest& harvest, bool pairs, const fs::path& to) {
  dialogue::Preferences out = feedback::to_preferences(harvest);
  if (pairs)
    out.judgements.clear();
  else
    out.pairs.clear();
  corpus::write_preferences(to, out, harvest.catalogue);
  return pairs ? base::concatenate(out.pairs.size(), " pairs")
               : base::concatenate(out.judgements.size(), " judgements");
}

std::string write_table(const feedback::Harvest& harvest, const fs::path& to) {
  const std::string table = feedback::to_csv(harvest);
  base::write_file(to, table);
  return base::concatenate(std::count(table.begin(), table.end(), '\n') - 1, " lines");
}

std::string write(const feedback::Harvest& harvest, const std::string& format,
                  const std::string& catalogue, const std::string& to) {
  if (format == "attune") return write_dialogues(harvest, catalogue, to);
  if (format == "csv") return write_table(harvest, to);
  return write_preferences(harvest, format == "preference", to);
}

int export_feedback(const Command& self, const std::vector<std::string>& given) {
  std::string file, to, format = "attune", as_of, at, catalogue, share;
  bool include_flagged = false;
  feedback::HarvestOptions options;
  Arguments arguments(self);
  arguments.positional("STORE", file, "the file of a feedback store");
  arguments.option("--to", to,
                   "what to write: a folder (attune) or a file (.jsonl of dialogues, kto, "
                   "preference, csv)",
                   Arguments::Need::required);
  arguments.option("--format", format,
                   "attune: dialogues that a recipe's data.path reads; kto: TRL's prompt, "
                   "completion, label; preference: TRL's prompt, chosen, rejected; csv: a line an "
                   "item that was shown");
  arguments.option("--as-of", as_of, "up to this sequence number; without it: all there is");
  arguments.option("--at", at,
                   "when windows are looked at (RFC 3339); without it: when the newest of these "
                   "rows was written with --as-of, else now");
  arguments.option("--catalogue", catalogue,
                   "items that dialogues are over, a catalogue.jsonl or the folder of a run; "
                   "without it: those that the store knows, by id and title (attune)");
  arguments.flag("--include-flagged", include_flagged,
                 "take conversations, too, that may not be people's");
  arguments.option("--max-share", share,
                   "the most of all labels that one person may have, above 0 and up to 1: older "
                   "conversations of who has more are left out; without it: 1");
  arguments.settings(base::list_settings(options.attribution));
  arguments.parse(given);
  if (format != "attune" && format != "kto" && format != "preference" && format != "csv")
    throw base::UsageError("--format is \"", format, "\", expected attune, kto, preference or csv");
  if (!catalogue.empty() && format != "attune")
    throw base::UsageError("--catalogue is for --format attune; ", format, " has titles");
  if (fs::exists(file) && fs::exists(to) && fs::equivalent(file, to))
    throw base::UsageError("--to is the store itself");

  options.as_of = parse_count(as_of, "--as-of");
  options.at = at.empty() && as_of.empty() ? base::now_ms() : parse_moment(at, "--at");
  if (!share.empty()) options.max_share = number_argument("--max-share", share, 1e-6, 1);
  if (include_flagged) options.flagged = feedback::HarvestOptions::Flagged::include;
  const feedback::Store store(file, feedback::Store::Access::read_only);
  const feedback::Harvest harvest = feedback::harvest(store, options);
  const std::string written = write(harvest, format, catalogue, to);
  std::cout << to << ": " << written << "\n"
            << "left out: " << harvest.without_consent << " conversations without consent"
            << (include_flagged ? "; among them " : ", ") << harvest.flagged
            << " that may not be people's";
  if (harvest.above_share > 0)
    std::cout << (include_flagged ? "; left out: " : ", ") << harvest.above_share
              << " of people with more than their share";
  std::cout << "\n";
  if (harvest.large_people > 0 && harvest.people > 1)
    std::cout << harvest.large_people << " of " << harvest.people
              << " people have more than a hundredth of the labels each, one has "
              << static_cast<int>(100 * harvest.largest_share + .5) << " %\n";
  std::cout << "the same again: --as-of " << harvest.as_of << " --at "
            << base::format_rfc3339(harvest.at) << "\n";
  return 0;
}

}  // namespace

Command feedback_export_command() {
  return {"feedback export",
          "write what people said and did, of those who let it be used for training, as data for "
          "it",
          "attune feedback export feedback.db --to my-feedback --format attune", export_feedback};
}

}  // namespace cli
