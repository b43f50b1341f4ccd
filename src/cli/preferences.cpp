#include "corpus/preferences.h"

#include <iostream>

#include "base/error.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "pipeline/preferences.h"

namespace cli {
namespace {

int write_preferences(const Command& self, const std::vector<std::string>& given) {
  std::string folder, out, kind = "pairs", from = "reward";
  pipeline::PreferenceOptions options;
  Arguments arguments(self);
  arguments.positional("RUN", folder, "the folder of a run");
  arguments.option("--out", out, "the file to write (JSON lines)", Arguments::Need::required);
  arguments.option("--kind", kind,
                   "pairs (prompt, chosen, rejected) or judgements (prompt, "
                   "completion, label)");
  arguments.option("--from", from,
                   "reward: the reward model judges the start model's replies; "
                   "logs: what people took up and what not");
  arguments.option("--states", options.states, "training states that are answered, from reward");
  arguments.option("--replies", options.replies, "to each");
  arguments.parse(given);
  if (kind != "pairs" && kind != "judgements")
    throw base::UsageError("--kind is \"", kind, "\", expected pairs or judgements");
  if (from != "reward" && from != "logs")
    throw base::UsageError("--from is \"", from, "\", expected reward or logs");
  options.kind =
      kind == "pairs" ? pipeline::PreferenceKind::pairs : pipeline::PreferenceKind::judgements;
  options.from_logs = from == "logs";
  pipeline::Run run(pipeline::read_recipe(folder, {}), base::terminal_console());
  const dialogue::Preferences preferences = pipeline::make_preferences(run, options);
  corpus::write_preferences(out, preferences, run.data().catalogue);
  std::cout << out << ": ";
  if (options.kind == pipeline::PreferenceKind::pairs) {
    std::cout << preferences.pairs.size() << " pairs\n";
    return 0;
  }
  std::size_t desired = 0;
  for (const dialogue::Judgement& judgement : preferences.judgements) desired += judgement.label;
  std::cout << preferences.judgements.size() << " judgements, " << desired << " desired\n";
  return 0;
}

}  // namespace

Command preferences_command() {
  return {"preferences",
          "write preference data in TRL's formats, from a run's logs or reward model",
          "attune preferences runs/redial --kind judgements --from logs --out clicks.jsonl",
          write_preferences};
}

}  // namespace cli
