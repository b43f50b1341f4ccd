#include "recommend/extend.h"

#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "base/files.h"
#include "base/manifest.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "dialogue/jsonl.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

int extend(const Command& self, const std::vector<std::string>& given) {
  std::string run, items, out;
  Arguments arguments(self);
  arguments.positional("RUN", run, "the folder of a run");
  arguments.option("--items", items, "a catalogue of the new items (docs/formats.md)",
                   Arguments::Need::required);
  arguments.option("--out", out, "the folder to write, for chat and recommend",
                   Arguments::Need::required);
  arguments.parse(given);
  if (fs::exists(out)) throw base::UsageError("--out ", out, " is there already");
  const fs::path from = run;
  const dialogue::Catalogue more = dialogue::read_catalogue(items);
  if (more.size() == 0) throw base::DataError(items, ": holds no items");
  for (const char* stage : {"sft", "policy"}) {
    if (!fs::exists(from / stage)) continue;
    if (base::has_manifest(from / stage)) base::verify_manifest(from / stage);
    recommend::write_trained(
        fs::path(out) / stage,
        recommend::extend_catalogue(recommend::read_trained(from / stage), more.items()));
  }
  if (!fs::exists(out))
    throw base::DataError(run, ": has neither sft/ nor policy/; has the run finished?");
  fs::copy(from / "recipe.toml", fs::path(out) / "recipe.toml");
  fs::copy(from / "data", fs::path(out) / "data", fs::copy_options::recursive);
  std::cout << more.size() << " items added; " << out << "\n";
  return 0;
}

}  // namespace

Command extend_command() {
  return {"extend", "add items to a run's catalogue without training",
          "attune extend runs/redial --items new-films.jsonl --out runs/redial-more", extend};
}

}  // namespace cli
