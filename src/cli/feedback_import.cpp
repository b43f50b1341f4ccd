#include <future>
#include <iostream>
#include <set>

#include "base/error.h"
#include "base/time.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/feedback.h"
#include "corpus/read.h"
#include "feedback/import.h"

namespace cli {
namespace {

constexpr std::int64_t kLongAgo = std::int64_t{8} * 86400 * 1000;  // all windows are over

// Adds the consent of each person who has not said anything yet.
void add_consent(const feedback::Store& store, std::vector<feedback::Batch>& batches,
                 std::int64_t at) {
  std::set<std::string> done;
  for (feedback::Batch& batch : batches)
    for (const feedback::StoredConversation& conversation : batch.conversations)
      if (done.insert(conversation.subject).second && !store.consent(conversation.subject))
        batch.consents.push_back({conversation.subject, true, true, "import", at});
}

int import_dialogues(const Command& self, const std::vector<std::string>& given) {
  std::string file, from, begun;
  bool training = false;
  Arguments arguments(self);
  arguments.positional("STORE", file, "the file of a feedback store; made where there is none");
  arguments.positional("DIALOGUES", from, "dialogues, as a recipe's data.path takes them");
  arguments.option("--begun", begun,
                   "when the first dialogue began (RFC 3339), where dialogues do not say; without "
                   "it: eight days ago");
  arguments.flag("--training", training,
                 "these people have let it be used for training: written as their consent where "
                 "they have said nothing yet");
  arguments.parse(given);

  const std::int64_t now = base::now_ms();
  const dialogue::Corpus corpus = corpus::read_corpus(from);
  feedback::Store store(file);
  feedback::Imported imported = feedback::to_batches(
      corpus, {store.secret(), begun.empty() ? now - kLongAgo : parse_moment(begun, "--begun")});
  if (training) add_consent(store, imported.batches, now);
  const std::int64_t before = store.newest_seq();
  std::vector<std::future<feedback::Written>> results;
  for (feedback::Batch& batch : imported.batches) {
    auto result = std::make_shared<std::promise<feedback::Written>>();
    results.push_back(result->get_future());
    store.write(std::move(batch),
                [result](const feedback::Written& written) { result->set_value(written); });
  }
  for (auto& result : results)
    if (const feedback::Written written = result.get(); !written.error.empty())
      throw base::ResourceError(file, ": ", written.error);
  std::cout << file << ": " << corpus.dialogues.size() << " dialogues, "
            << store.newest_seq() - before << " new rows\n";
  for (const dialogue::Dropped& dropped : imported.dropped)
    std::cout << "left out: " << dropped.count << " " << dropped.what << "\n";
  return 0;
}

}  // namespace

Command feedback_import_command() {
  return {"feedback import",
          "bring dialogues with their events and labels into a feedback store; twice is as good as "
          "once",
          "attune feedback import feedback.db my-world --training", import_dialogues};
}

}  // namespace cli
