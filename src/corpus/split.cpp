#include "corpus/split.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/random.h"

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

std::vector<int> holdable(const Dialogues& dialogues, const SplitSettings& settings) {
  std::vector<int> out;
  for (int i = 0; i < static_cast<int>(dialogues.size()); ++i)
    if (settings.hold_out_from.empty() || at(dialogues, i).source == settings.hold_out_from)
      out.push_back(i);
  if (out.empty())
    refuse(settings.hold_out_from.empty()
               ? "there are no dialogues to split"
               : "no dialogue is from the source \"" + settings.hold_out_from +
                     "\", so none can be held out (split.hold_out_from)");
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

Splits split_by_dialogue(const Dialogues& dialogues, std::vector<int> candidates,
                         const SplitSettings& settings) {
  base::Random random({static_cast<std::uint64_t>(settings.seed), "corpus/split"});
  random.shuffle(candidates);
  const std::size_t all = candidates.size();
  Splits splits;
  splits.test = take_last(candidates, wanted(settings.test, all, "test"));
  splits.validation = take_last(candidates, wanted(settings.validation, all, "validation"));
  std::vector<bool> held(dialogues.size());
  for (const std::vector<int>* split : {&splits.validation, &splits.test})
    for (int i : *split) held[static_cast<std::size_t>(i)] = true;
  for (int i = 0; i < static_cast<int>(dialogues.size()); ++i)
    if (!held[static_cast<std::size_t>(i)]) splits.train.push_back(i);
  return splits;
}

// Who talked with whom, to grow groups of people that mostly talk among themselves.
struct People {
  std::vector<std::vector<int>> talks;           // dialogue -> its people
  std::vector<std::vector<std::size_t>> talked;  // person -> places in `talks`
};

People number_people(const Dialogues& dialogues, const std::vector<int>& candidates,
                     const SplitSettings& settings) {
  People people;
  std::map<std::string, int> numbers;
  for (int index : candidates) {
    std::vector<int> here;
    for (const std::string& name : people_of(at(dialogues, index), settings)) {
      const int number = numbers.emplace(name, static_cast<int>(numbers.size())).first->second;
      if (here.empty() || here.front() != number) here.push_back(number);
    }
    people.talked.resize(numbers.size());
    for (int person : here)
      people.talked[static_cast<std::size_t>(person)].push_back(people.talks.size());
    people.talks.push_back(std::move(here));
  }
  return people;
}

// Adds people without a group to `group`, each time the one with the largest share of dialogues
// inside it, until it has `size` dialogues of its own.
void grow_group(const People& people, std::vector<int>& groups, int group, std::size_t size,
                base::Random& random) {
  const auto n = groups.size();
  std::vector<int> inside(n);  // a person's dialogues whose other people are all in the group
  std::vector<double> tie(n);
  for (double& t : tie) t = random.uniform();
  for (std::size_t p = 0; p < n; ++p)
    for (std::size_t talk : people.talked[p]) inside[p] += people.talks[talk].size() == 1;
  const auto value = [&](std::size_t p) {
    return static_cast<double>(inside[p]) / static_cast<double>(people.talked[p].size()) +
           1e-6 * tie[p];
  };
  std::size_t own = 0;
  while (own < size) {
    std::size_t best = n;
    for (std::size_t p = 0; p < n; ++p)
      if (groups[p] < 0 && (best == n || value(p) > value(best))) best = p;
    if (best == n) return;
    groups[best] = group;
    own += static_cast<std::size_t>(inside[best]);
    for (std::size_t talk : people.talked[best])
      for (int other : people.talks[talk])
        if (static_cast<std::size_t>(other) != best) ++inside[static_cast<std::size_t>(other)];
  }
}

Splits split_by_people(const Dialogues& dialogues, std::vector<int> candidates,
                       const SplitSettings& settings) {
  std::erase_if(candidates, [&](int index) {
    const auto people = people_of(at(dialogues, index), settings);
    return std::any_of(people.begin(), people.end(), [](const auto& p) { return p.empty(); });
  });
  if (candidates.empty())
    refuse("no dialogue says who talked, so there is no split by ", settings.by);
  const People people = number_people(dialogues, candidates, settings);
  std::vector<int> groups(people.talked.size(), -1);  // 1 test, 2 validation, -1 training
  base::Random random({static_cast<std::uint64_t>(settings.seed), "corpus/split"});
  grow_group(people, groups, 1, wanted(settings.test, candidates.size(), "test"), random);
  grow_group(people, groups, 2, wanted(settings.validation, candidates.size(), "validation"),
             random);
  Splits splits;
  for (std::size_t talk = 0; talk < people.talks.size(); ++talk) {
    const std::vector<int>& here = people.talks[talk];
    const int group = groups[static_cast<std::size_t>(here.front())];
    if (groups[static_cast<std::size_t>(here.back())] != group) continue;
    (group == 1   ? splits.test
     : group == 2 ? splits.validation
                  : splits.train)
        .push_back(candidates[talk]);
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
  std::vector<int> candidates = holdable(dialogues, settings);
  Splits splits;
  if (settings.by == "time") {
    splits = split_by_time(dialogues, std::move(candidates), settings);
  } else if (settings.by == "dialogue") {
    splits = split_by_dialogue(dialogues, std::move(candidates), settings);
  } else if (by_people(settings)) {
    splits = split_by_people(dialogues, std::move(candidates), settings);
  } else {
    throw base::UsageError("split.by is \"", settings.by,
                           "\", expected time, worker, seeker or dialogue");
  }
  for (std::vector<int>* split : {&splits.train, &splits.validation, &splits.test})
    std::sort(split->begin(), split->end(), [&](int a, int b) {
      return std::pair(at(dialogues, a).order, a) < std::pair(at(dialogues, b).order, b);
    });
  check_splits(dialogues, splits, settings);
  return splits;
}

void check_splits(const Dialogues& dialogues, const Splits& splits, const SplitSettings& settings) {
  std::map<std::string, const char*> split_of, split_of_person;
  for (const auto& [name, split] : named(splits)) {
    if (split->empty() && (split != &splits.test || settings.test > 0))
      refuse("the ", name, " split is empty: ", dialogues.size(), " dialogues split by ",
             settings.by, "; change the sizes under split");
    for (int i : *split) {
      const auto [known, is_new] = split_of.emplace(at(dialogues, i).id, name);
      if (!is_new)
        refuse("dialogue ", at(dialogues, i).id, " is in the ", known->second, " and the ", name,
               " split");
      if (!by_people(settings)) continue;
      for (const std::string& person : people_of(at(dialogues, i), settings)) {
        const auto [split_before, unseen] = split_of_person.emplace(person, name);
        if (!unseen && split_before->second != name)
          refuse("person ", person, " is in the ", split_before->second, " and the ", name,
                 " split");
      }
    }
  }
  if (settings.by == "time") check_order(dialogues, splits);
}

}  // namespace corpus
