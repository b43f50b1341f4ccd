#include "corpus/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "corpus/dialogue_ids.h"
#include "corpus/separate_people.h"
#include "corpus/titles.h"

namespace corpus {
namespace {

using Dialogues = std::vector<dialogue::Dialogue>;

const dialogue::Dialogue& at(const Dialogues& dialogues, int index) {
  return dialogues[static_cast<std::size_t>(index)];
}

template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
  throw base::Error(base::ErrorKind::data, base::concatenate(parts...));
}

bool by_people(const SplitSettings& settings) {
  return settings.by == "worker" || settings.by == "seeker";
}

std::vector<std::string> people_of(const dialogue::Dialogue& dialogue,
                                   const SplitSettings& settings) {
  if (settings.by == "seeker") return {dialogue.seeker};
  return {dialogue.seeker, dialogue.recommender};
}

std::size_t wanted(double size, std::size_t of, const char* name) {
  if (!(size >= 0)) throw base::UsageError("split.", name, " is ", size, ", expected 0 or more");
  const double count = size < 1 ? std::round(size * static_cast<double>(of)) : std::round(size);
  return static_cast<std::size_t>(std::min(count, static_cast<double>(of)));
}

// Reconstructed dialogues may be wrong in order and roles: to be trained on only.
constexpr const char* kDerivedSource = "train_rest_reconstructed";

bool is_derived(const dialogue::Dialogue& dialogue) { return dialogue.source == kDerivedSource; }

bool may_be_held_out(const dialogue::Dialogue& dialogue, const SplitSettings& settings) {
  if (is_derived(dialogue)) return false;
  return settings.hold_out_from.empty() || dialogue.source == settings.hold_out_from;
}

std::vector<int> holdable(const Dialogues& dialogues, const SplitSettings& settings) {
  std::vector<int> out;
  for (int i = 0; i < static_cast<int>(dialogues.size()); ++i)
    if (may_be_held_out(at(dialogues, i), settings)) out.push_back(i);
  if (out.empty())
    refuse(settings.hold_out_from.empty()
               ? "there are no dialogues to split that may be held out"
               : "no dialogue that may be held out is from the source \"" + settings.hold_out_from +
                     "\" (split.hold_out_from)");
  return out;
}

// The last `size` indices of `from`, taken out of it.
std::vector<int> take_last(std::vector<int>& from, std::size_t size) {
  const auto begin = from.end() - static_cast<std::ptrdiff_t>(std::min(size, from.size()));
  std::vector<int> taken(begin, from.end());
  from.erase(begin, from.end());
  return taken;
}

Splits split_by_time(const Dialogues& dialogues, std::vector<int> candidates,
                     const SplitSettings& settings) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](int a, int b) { return at(dialogues, a).order < at(dialogues, b).order; });
  const std::size_t all = candidates.size();
  Splits splits;
  splits.test = take_last(candidates, wanted(settings.test, all, "test"));
  splits.validation = take_last(candidates, wanted(settings.validation, all, "validation"));
  const std::vector<int>& first = splits.validation.empty() ? splits.test : splits.validation;
  if (first.empty()) refuse("the validation split is empty; raise split.validation");
  const std::int64_t cut = at(dialogues, first.front()).order;
  for (int i = 0; i < static_cast<int>(dialogues.size()); ++i)
    if (at(dialogues, i).order < cut) splits.train.push_back(i);
  return splits;
}

// What is held out or trained on as one.
struct Group {
  std::vector<int> holdable;
  std::vector<int> others;
};

// Groups of dialogues of one key, in order of their first dialogue.
template <class Key>
std::vector<Group> group_by(const Dialogues& dialogues, const SplitSettings& settings, Key&& key) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> places;
  for (int i = 0; i < static_cast<int>(dialogues.size()); ++i) {
    const auto [place, is_new] = places.emplace(key(at(dialogues, i)), groups.size());
    if (is_new) groups.emplace_back();
    Group& group = groups[place->second];
    (may_be_held_out(at(dialogues, i), settings) ? group.holdable : group.others).push_back(i);
  }
  return groups;
}

// Groups at random until they have `validation` and `test` dialogues.
Splits split_groups(std::vector<Group> groups, const SplitSettings& settings) {
  Splits splits;
  std::size_t all = 0;
  std::vector<Group> candidates;
  for (Group& group : groups) {
    all += group.holdable.size();
    if (group.holdable.empty())
      splits.train.insert(splits.train.end(), group.others.begin(), group.others.end());
    else
      candidates.push_back(std::move(group));
  }
  base::Random random({static_cast<std::uint64_t>(settings.seed), "corpus/split"});
  random.shuffle(candidates);
  std::int64_t left_out = 0;
  const auto hold_out = [&](std::vector<int>& split, std::size_t size) {
    while (split.size() < size && !candidates.empty()) {
      const Group& group = candidates.back();
      split.insert(split.end(), group.holdable.begin(), group.holdable.end());
      left_out += static_cast<std::int64_t>(group.others.size());
      candidates.pop_back();
    }
  };
  hold_out(splits.test, wanted(settings.test, all, "test"));
  hold_out(splits.validation, wanted(settings.validation, all, "validation"));
  for (const Group& group : candidates)
    for (const std::vector<int>* part : {&group.holdable, &group.others})
      splits.train.insert(splits.train.end(), part->begin(), part->end());
  if (left_out)
    splits.dropped.push_back(
        {"dialogues of a held-out conversation or seed that may not be held out", left_out});
  return splits;
}

std::string conversation_of(const dialogue::Dialogue& dialogue) { return dialogue.conversation(); }

// Seeds are compared in either case; a conversation without one is like no other.
std::string seed_of(const dialogue::Dialogue& dialogue) {
  return dialogue.seed.empty() ? "conversation " + dialogue.conversation()
                               : "seed " + lower(dialogue.seed);
}

Splits split_as_published(const Dialogues& dialogues) {
  Splits splits;
  for (int i = 0; i < static_cast<int>(dialogues.size()); ++i) {
    const std::string& source = at(dialogues, i).source;
    const std::string part = source.substr(0, source.find('_'));
    if (part == "train")
      splits.train.push_back(i);
    else if (part == "valid" || part == "validation" || part == "dev")
      splits.validation.push_back(i);
    else if (part == "test")
      splits.test.push_back(i);
  }
  if (splits.validation.empty() && splits.test.empty())
    refuse(
        "split.by is \"published\", but no dialogue's source is valid or test; this corpus has no "
        "published split");
  return splits;
}

Splits split_by_ids(const Dialogues& dialogues, const SplitSettings& settings) {
  if (settings.validation_ids.empty() && settings.test_ids.empty())
    throw base::UsageError(
        "split.by is \"ids\": name a file under split.validation_ids or split.test_ids");
  const DialogueIds validation = read_dialogue_ids(settings.validation_ids);
  const DialogueIds test = read_dialogue_ids(settings.test_ids);
  Splits splits;
  std::set<std::string> found;
  std::int64_t derived = 0;
  for (int i = 0; i < static_cast<int>(dialogues.size()); ++i) {
    const dialogue::Dialogue& dialogue = at(dialogues, i);
    const auto is_in = [&](const DialogueIds& ids) {
      const bool by_id = ids.ids.count(dialogue.id), whole = ids.ids.count(dialogue.conversation());
      if (by_id) found.insert(dialogue.id);
      if (whole) found.insert(dialogue.conversation());
      return by_id || whole;
    };
    const bool to_validate = is_in(validation), to_test = is_in(test);
    if (to_validate && to_test)
      refuse("dialogue ", dialogue.id, " is in ", settings.validation_ids, " and in ",
             settings.test_ids);
    if ((to_validate || to_test) && is_derived(dialogue))
      ++derived;
    else
      (to_test ? splits.test : to_validate ? splits.validation : splits.train).push_back(i);
  }
  if (derived)
    splits.dropped.push_back(
        {"derived dialogues that the ids hold out: neither evaluated nor trained on", derived});
  for (const DialogueIds& ids : {validation, test})
    if (const std::int64_t unknown = count_unknown(ids, found, settings.unknown_ids))
      splits.dropped.push_back({"dialogues of " + ids.file + " that the corpus lacks", unknown});
  return splits;
}

Splits split_by_people(const Dialogues& dialogues, std::vector<int> candidates,
                       const SplitSettings& settings) {
  std::erase_if(candidates, [&](int index) {
    const auto people = people_of(at(dialogues, index), settings);
    return std::any_of(people.begin(), people.end(), [](const auto& p) { return p.empty(); });
  });
  if (candidates.empty())
    refuse("no dialogue says who talked, so there is no split by ", settings.by);
  std::vector<std::vector<std::string>> talks;
  for (int index : candidates) talks.push_back(people_of(at(dialogues, index), settings));
  base::Random random({static_cast<std::uint64_t>(settings.seed), "corpus/split"});
  const std::vector<Part> parts =
      separate_people(talks, wanted(settings.test, candidates.size(), "test"),
                      wanted(settings.validation, candidates.size(), "validation"), random);
  Splits splits;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == Part::train) splits.train.push_back(candidates[i]);
    if (parts[i] == Part::validation) splits.validation.push_back(candidates[i]);
    if (parts[i] == Part::test) splits.test.push_back(candidates[i]);
  }
  return splits;
}

using NamedSplit = std::pair<const char*, const std::vector<int>*>;

std::vector<NamedSplit> named(const Splits& splits) {
  return {{"training", &splits.train}, {"validation", &splits.validation}, {"test", &splits.test}};
}

void check_order(const Dialogues& dialogues, const Splits& splits) {
  std::int64_t last = at(dialogues, splits.train.front()).order;
  for (int i : splits.train) last = std::max(last, at(dialogues, i).order);
  for (const auto& [name, split] : named(splits))
    for (int i : *split)
      if (split != &splits.train && at(dialogues, i).order <= last)
        refuse("dialogue ", at(dialogues, i).id, " of the ", name,
               " split is not later than all of training");
}

}  // namespace

Splits split_dialogues(const Dialogues& dialogues, const SplitSettings& settings) {
  Splits splits;
  if (settings.by == "published") {
    splits = split_as_published(dialogues);
  } else if (settings.by == "ids") {
    splits = split_by_ids(dialogues, settings);
  } else if (std::vector<int> candidates = holdable(dialogues, settings); settings.by == "time") {
    splits = split_by_time(dialogues, std::move(candidates), settings);
  } else if (settings.by == "dialogue") {
    splits = split_groups(group_by(dialogues, settings, conversation_of), settings);
  } else if (settings.by == "seed_entity") {
    if (std::all_of(dialogues.begin(), dialogues.end(),
                    [](const auto& dialogue) { return dialogue.seed.empty(); }))
      refuse("no dialogue says what it begins with, so there is no split by seed_entity");
    splits = split_groups(group_by(dialogues, settings, seed_of), settings);
  } else if (by_people(settings)) {
    splits = split_by_people(dialogues, std::move(candidates), settings);
  } else {
    throw base::UsageError("split.by is \"", settings.by,
                           "\", expected time, worker, seeker, dialogue, seed_entity, published or "
                           "ids");
  }
  for (std::vector<int>* split : {&splits.train, &splits.validation, &splits.test})
    std::sort(split->begin(), split->end(), [&](int a, int b) {
      return std::pair(at(dialogues, a).order, a) < std::pair(at(dialogues, b).order, b);
    });
  check_splits(dialogues, splits, settings);
  return splits;
}

void check_splits(const Dialogues& dialogues, const Splits& splits, const SplitSettings& settings) {
  std::map<std::string, const char*> split_of, split_of_conversation, split_of_person,
      split_of_seed;
  // Remembers the split of a name; refuses a second one.
  const auto check_one_split = [](std::map<std::string, const char*>& known, const char* what,
                                  const std::string& name, const char* split) {
    const auto [first, is_new] = known.emplace(name, split);
    if (!is_new && first->second != split)
      refuse(what, " ", name, " is in the ", first->second, " and the ", split, " split");
  };
  const bool by_size = settings.by != "published" && settings.by != "ids";
  for (const auto& [name, split] : named(splits)) {
    if (split->empty() && (split != &splits.test || (by_size && settings.test > 0)))
      refuse("the ", name, " split is empty: ", dialogues.size(), " dialogues split by ",
             settings.by, by_size ? "; change the sizes under split" : "");
    for (int i : *split) {
      const dialogue::Dialogue& dialogue = at(dialogues, i);
      if (!split_of.emplace(dialogue.id, name).second)
        refuse("dialogue ", dialogue.id, " is in the ", split_of[dialogue.id], " and the ", name,
               " split");
      if (split != &splits.train && is_derived(dialogue))
        refuse("dialogue ", dialogue.id, " of the ", name, " split is derived (", kDerivedSource,
               "): to be trained on only");
      if (settings.by != "published")
        check_one_split(split_of_conversation, "conversation", dialogue.conversation(), name);
      if (settings.by == "seed_entity") check_one_split(split_of_seed, "", seed_of(dialogue), name);
      if (!by_people(settings)) continue;
      for (const std::string& person : people_of(dialogue, settings))
        check_one_split(split_of_person, "person", person, name);
    }
  }
  if (settings.by == "time") check_order(dialogues, splits);
}

}  // namespace corpus
