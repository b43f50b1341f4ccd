#include <iostream>

#include "base/files.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "corpus/read.h"
#include "simulate/play.h"
#include "simulate/words.h"

namespace cli {
namespace {

int simulate(const Command& self, const std::vector<std::string>& given) {
  std::string out;
  simulate::WorldSettings settings;
  Arguments arguments(self);
  arguments.option("--out", out, "folder to write to; one that holds no corpus yet",
                   Arguments::Need::required);
  arguments.settings(base::list_settings(settings));
  arguments.parse(given);

  const std::filesystem::path folder = out;
  if (std::filesystem::exists(folder / "dialogues.jsonl"))
    throw base::UsageError(out, " holds a corpus already; name another folder or remove it");
  const simulate::World world(settings);
  const dialogue::Corpus corpus = simulate::make_corpus(world);
  base::create_folder(folder);
  simulate::write_lexicon(folder / "lexicon.txt");
  base::write_file(folder / "world.toml", base::to_toml(base::list_settings(settings)));
  corpus::write_corpus(folder, corpus);
  std::cout << out << ": " << corpus.dialogues.size() << " dialogues about "
            << corpus.catalogue.size() << " items\n";
  return 0;
}

}  // namespace

Command simulate_command() {
  return {"simulate",
          "write the dialogues of a simulated world: dialogues, catalogue, lexicon, settings",
          "attune simulate --out my-world dialogues=500 seed=7", simulate};
}

}  // namespace cli
