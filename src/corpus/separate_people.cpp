#include "corpus/separate_people.h"

#include <map>

namespace corpus {
namespace {

// Who talked with whom, to grow groups of people that mostly talk among themselves.
struct People {
  std::vector<std::vector<int>> talks;           // dialogue -> its people
  std::vector<std::vector<std::size_t>> talked;  // person -> places in `talks`
};

People number_people(const std::vector<std::vector<std::string>>& talks) {
  People people;
  std::map<std::string, int> numbers;
  for (const std::vector<std::string>& names : talks) {
    std::vector<int> here;
    for (const std::string& name : names) {
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

// Adds people who are still in training to `group`, each time the one with the largest share of
// dialogues inside it, until it has `size` dialogues of its own.
void grow_group(const People& people, std::vector<Part>& groups, Part group, std::size_t size,
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
      if (groups[p] == Part::train && (best == n || value(p) > value(best))) best = p;
    if (best == n) return;
    groups[best] = group;
    own += static_cast<std::size_t>(inside[best]);
    for (std::size_t talk : people.talked[best])
      for (int other : people.talks[talk])
        if (static_cast<std::size_t>(other) != best) ++inside[static_cast<std::size_t>(other)];
  }
}

}  // namespace

std::vector<Part> separate_people(const std::vector<std::vector<std::string>>& talks,
                                  std::size_t test, std::size_t validation, base::Random& random) {
  const People people = number_people(talks);
  std::vector<Part> groups(people.talked.size(), Part::train);  // of each person
  grow_group(people, groups, Part::test, test, random);
  grow_group(people, groups, Part::validation, validation, random);
  std::vector<Part> parts;
  for (const std::vector<int>& here : people.talks) {
    const Part part = groups[static_cast<std::size_t>(here.front())];
    parts.push_back(groups[static_cast<std::size_t>(here.back())] == part ? part : Part::none);
  }
  return parts;
}

}  // namespace corpus
