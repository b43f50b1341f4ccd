#include "feedback/harvest.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "feedback/suspicions.h"

namespace feedback {
namespace {

constexpr double kLargeShare = .01;

// Takes over the conversations of one person.
void add_person(std::vector<ConversationRecord> records, const HarvestOptions& options,
                Harvest& harvest) {
  auto suspicions = find_suspicions(records);
  for (std::size_t i = 0; i < records.size(); ++i) {
    harvest.flagged += !suspicions[i].empty();
    if (!suspicions[i].empty() && options.flagged == HarvestOptions::Flagged::leave_out) continue;
    harvest.records.push_back(std::move(records[i]));
    harvest.suspicions.push_back(std::move(suspicions[i]));
  }
}

void measure_shares(Harvest& harvest) {
  std::map<std::string, double> weight;
  double sum = 0;
  for (const ConversationRecord& record : harvest.records) {
    double& of_person = weight[record.conversation.subject];
    for (const Outcome& outcome : outcomes_of(record, harvest.attribution, harvest.at))
      if (outcome.taken || outcome.opinion.says_anything()) of_person += 1, sum += 1;
  }
  harvest.people = static_cast<std::int64_t>(weight.size());
  for (const auto& [person, of_person] : weight) {
    if (sum == 0) break;
    harvest.largest_share = std::max(harvest.largest_share, of_person / sum);
    harvest.large_people += of_person / sum > kLargeShare;
  }
}

// Every item that records name, in order of first appearance. Words that name an item of which no
// decision knows the title give the title.
class KnownItems {
 public:
  explicit KnownItems(const Harvest& harvest) {
    for (const ConversationRecord& record : harvest.records)
      for (const StoredDecision& decision : record.decisions) {
        for (const StoredItem& item : decision.shown) add(item.item, item.title);
        for (const StoredItem& item : decision.candidates) add(item.item, item.title);
      }
    for (const ConversationRecord& record : harvest.records)
      for (const StoredTurn& turn : record.turns)
        for (const StoredMention& mention : turn.mentions)
          if (mention.begin < mention.end && mention.end <= turn.text.size())
            add(mention.item, turn.text.substr(mention.begin, mention.end - mention.begin));
  }
  dialogue::Catalogue catalogue() const { return dialogue::Catalogue(items_); }

 private:
  void add(const std::string& id, const std::string& title) {
    if (!known_.insert(id).second) return;
    dialogue::Item item;
    item.id = id;
    item.title = title;
    items_.push_back(std::move(item));
  }
  std::vector<dialogue::Item> items_;
  std::set<std::string> known_;
};

void require_items(const Harvest& harvest, const dialogue::Catalogue& catalogue,
                   const std::string& where) {
  const dialogue::Catalogue named = items_of(harvest);
  std::vector<std::string> unknown;
  for (const dialogue::Item& item : named.items())
    if (!catalogue.find(item.id)) unknown.push_back(item.id + " (" + item.title + ")");
  if (unknown.empty()) return;
  std::string some;
  for (std::size_t i = 0; i < unknown.size() && i < 3; ++i) some += (i ? ", " : "") + unknown[i];
  throw base::DataError(where, ": the catalogue lacks ", unknown.size(),
                        " items that conversations name: ", some, unknown.size() > 3 ? ", …" : "",
                        "; give the catalogue of the run that was served, or one with more items");
}

}  // namespace

Harvest harvest(const Store& store, const HarvestOptions& options) {
  Harvest harvest;
  harvest.attribution = options.attribution;
  const std::int64_t newest = store.counts().newest_seq;
  harvest.as_of = options.as_of > 0 ? std::min(options.as_of, newest) : newest;
  harvest.at = options.at > 0 ? options.at : store.time_of(harvest.as_of);
  std::vector<ConversationRecord> of_person;
  store.each_conversation(
      harvest.as_of, Store::Whose::everybody, [&](const ConversationRecord& record) {
        if (!record.consent || !record.consent->training) {
          ++harvest.without_consent;
          return;
        }
        if (!of_person.empty() &&
            of_person.front().conversation.subject != record.conversation.subject) {
          add_person(std::move(of_person), options, harvest);
          of_person.clear();
        }
        of_person.push_back(record);
      });
  add_person(std::move(of_person), options, harvest);
  measure_shares(harvest);
  return harvest;
}

dialogue::Catalogue items_of(const Harvest& harvest) { return KnownItems(harvest).catalogue(); }

HarvestedCorpus to_corpus(const Harvest& harvest) {
  return to_corpus(harvest, items_of(harvest), "store");
}

HarvestedCorpus to_corpus(const Harvest& harvest, dialogue::Catalogue catalogue,
                          const std::string& where) {
  require_items(harvest, catalogue, where);
  HarvestedCorpus out;
  out.corpus.catalogue = std::move(catalogue);
  const auto number = [&](const std::string& id) { return out.corpus.catalogue.find(id); };
  for (const ConversationRecord& record : harvest.records) {
    Attributed attributed = attribute(record, harvest.attribution, harvest.at, number);
    out.immature += attributed.immature;
    for (dialogue::Dialogue& dialogue : attributed.dialogues)
      out.corpus.dialogues.push_back(std::move(dialogue));
  }
  return out;
}

}  // namespace feedback
