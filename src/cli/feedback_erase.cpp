#include "base/error.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/feedback.h"

namespace cli {
namespace {

int erase(const Command& self, const std::vector<std::string>& given) {
  std::string file, subject, conversation;
  Arguments arguments(self);
  arguments.positional("STORE", file, "the file of a feedback store that no server writes to");
  arguments.option("--subject", subject, "everything of this person, as exports name people");
  arguments.option("--conversation", conversation, "one conversation, by its id");
  arguments.parse(given);
  if (subject.empty() == conversation.empty())
    throw base::UsageError("name either a --subject or a --conversation");
  if (!std::filesystem::exists(file)) throw base::DataError(file, ": no such file");
  feedback::Store store(file);
  const feedback::Erased erased =
      subject.empty() ? store.erase_conversation(conversation) : store.erase_subject(subject);
  print(erased, "erased");
  if (!erased.anything())
    throw base::DataError(file, ": has nothing of ", subject.empty() ? conversation : subject);
  return 0;
}

}  // namespace

Command feedback_erase_command() {
  return {"feedback erase", "erase a person or a conversation; no byte of theirs stays in the file",
          "attune feedback erase feedback.db --conversation 0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b",
          erase};
}

}  // namespace cli
