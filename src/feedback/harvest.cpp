#include "feedback/harvest.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "feedback/shares.h"
#include "feedback/suspicions.h"

namespace feedback {
namespace {

constexpr double kLargeShare = .01;

// Every item that records name, in order of first appearance. Words that name an item of which no
// decision knows the title give the title.
class KnownItems {
 public:
  void add(const ConversationRecord& record) {
    for (const StoredDecision& decision : record.decisions)
      for (const auto* items : {&decision.shown, &decision.candidates})
        for (const StoredItem& item : *items) decided_.add(item.item, item.title);
    for (const StoredTurn& turn : record.turns)
      for (const StoredMention& mention : turn.mentions)
        if (mention.begin < mention.end && mention.end <= turn.text.size())
          mentioned_.add(mention.item,
                         turn.text.substr(mention.begin, mention.end - mention.begin));
  }
  dialogue::Catalogue catalogue() const {
    Titles all = decided_;
    for (const dialogue::Item& item : mentioned_.items) all.add(item.id, item.title);
    return dialogue::Catalogue(std::move(all.items));
  }

 private:
  struct Titles {
    std::vector<dialogue::Item> items;
    std::set<std::string> known;

    void add(const std::string& id, const std::string& title) {
      if (!known.insert(id).second) return;
      dialogue::Item item;
      item.id = id;
      item.title = title;
      items.push_back(std::move(item));
    }
  };
  Titles decided_, mentioned_;
};

// Takes over the conversations of one person, without what nothing is learned from: it is most of
// what is stored.
void add_person(std::vector<ConversationRecord> records, const HarvestOptions& options,
                Harvest& harvest, KnownItems& items) {
  auto suspicions = find_suspicions(records);
  for (std::size_t i = 0; i < records.size(); ++i) {
    harvest.flagged += !suspicions[i].empty();
    if (!suspicions[i].empty() && options.flagged == HarvestOptions::Flagged::leave_out) continue;
    items.add(records[i]);
    for (StoredDecision& decision : records[i].decisions) {
      decision.candidates = {};
      decision.details = {};
    }
    harvest.records.push_back(std::move(records[i]));
    harvest.suspicions.push_back(std::move(suspicions[i]));
  }
}

void leave_out_above_share(Harvest& harvest, double share) {
  const std::vector<bool> stays =
      within_share(harvest.records, share, harvest.attribution, harvest.at);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < stays.size(); ++i) {
    if (!stays[i]) continue;
    if (kept != i) {
      harvest.records[kept] = std::move(harvest.records[i]);
      harvest.suspicions[kept] = std::move(harvest.suspicions[i]);
    }
    ++kept;
  }
  harvest.above_share = static_cast<std::int64_t>(stays.size() - kept);
  harvest.records.resize(kept);
  harvest.suspicions.resize(kept);
}

void measure_shares(Harvest& harvest) {
  const auto labels = count_labels(harvest.records, harvest.attribution, harvest.at);
  harvest.people = static_cast<std::int64_t>(labels.size());
  harvest.largest_share = largest_share(labels);
  std::int64_t all = 0;
  for (const auto& [person, count] : labels) all += count;
  for (const auto& [person, count] : labels)
    harvest.large_people += static_cast<double>(count) > kLargeShare * static_cast<double>(all);
}

void require_items(const Harvest& harvest, const dialogue::Catalogue& catalogue,
                   const std::string& where) {
  std::vector<std::string> unknown;
  for (const dialogue::Item& item : harvest.catalogue.items())
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
  const std::int64_t newest = store.newest_seq();
  harvest.as_of = options.as_of > 0 ? std::min(options.as_of, newest) : newest;
  harvest.at = options.at > 0 ? options.at : store.time_of(harvest.as_of);
  KnownItems items;
  std::vector<ConversationRecord> of_person;
  const auto take_person = [&] {
    add_person(std::exchange(of_person, {}), options, harvest, items);
  };
  harvest.without_consent = store.each_conversation(
      harvest.as_of, Store::Whose::training, [&](ConversationRecord record) {
        if (!of_person.empty() &&
            of_person.front().conversation.subject != record.conversation.subject)
          take_person();
        of_person.push_back(std::move(record));
      });
  take_person();
  harvest.catalogue = items.catalogue();
  if (options.max_share < 1) leave_out_above_share(harvest, options.max_share);
  measure_shares(harvest);
  return harvest;
}

HarvestedCorpus to_corpus(const Harvest& harvest) {
  return to_corpus(harvest, harvest.catalogue, "store");
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
