#include <iostream>

#include "base/error.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "feedback/store.h"

namespace cli {
namespace {

int backup(const Command& self, const std::vector<std::string>& given) {
  std::string file, copy;
  Arguments arguments(self);
  arguments.positional("STORE", file, "the file of a feedback store; a server may write to it");
  arguments.positional("COPY", copy, "the file to write; one that is not there yet");
  arguments.parse(given);
  if (std::filesystem::exists(copy))
    throw base::UsageError(copy, " is there already; name another file or remove it");
  const feedback::Store store(file, feedback::Store::Access::read_only);
  store.backup(copy);
  const feedback::Store copied(copy, feedback::Store::Access::read_only);
  std::cout << copy << ": " << copied.newest_seq() << " is its newest number, "
            << copied.counts().events << " events\n";
  return 0;
}

}  // namespace

Command feedback_backup_command() {
  return {"feedback backup", "copy a feedback store, also while a server writes to it",
          "attune feedback backup feedback.db feedback-2026-11-25.db", backup};
}

}  // namespace cli
