#include "recommend/constraints.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "recommend/words.h"

namespace recommend {
namespace {

constexpr std::size_t kPool = 200;  // best items that diversity chooses among

bool is_number(const std::string& word) {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "90s", "1990s" and "90's" as the decade's first year.
std::optional<int> decade_of(std::string word) {
  if (word.empty() || word.back() != 's') return std::nullopt;
  word.pop_back();
  if (!word.empty() && word.back() == '\'') word.pop_back();
  if (!is_number(word)) return std::nullopt;
  if (word.size() == 2 && word[1] == '0') {
    const int tens = std::stoi(word);
    return tens >= 30 ? 1900 + tens : 2000 + tens;
  }
  if (word.size() == 4 && word[3] == '0' && (word[0] == '1' || word[0] == '2'))
    return std::stoi(word);
  return std::nullopt;
}

std::optional<int> year_of(const std::string& word) {
  if (word.size() != 4 || !is_number(word)) return std::nullopt;
  const int year = std::stoi(word);
  return year >= 1900 && year <= 2099 ? std::optional(year) : std::nullopt;
}

bool is_one_of(const std::string& word, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* one) { return word == one; });
}

void read_years(const std::vector<std::string>& words, Constraints& constraints) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string before = i > 0 ? words[i - 1] : "", earlier = i > 1 ? words[i - 2] : "";
    if (const auto decade = decade_of(words[i])) {
      constraints.first_year = *decade;
      constraints.last_year = *decade + 9;
    } else if (const auto year = year_of(words[i])) {
      if (is_one_of(before, {"after", "since"}) ||
          (before == "than" && is_one_of(earlier, {"newer", "later"})))
        constraints.first_year = before == "since" ? *year : *year + 1;
      else if (before == "before" || (before == "than" && is_one_of(earlier, {"older", "earlier"})))
        constraints.last_year = *year - 1;
      else if (is_one_of(before, {"from", "in"}))
        constraints.first_year = constraints.last_year = *year;
    }
  }
}

// The words that are not within two words after a refusal.
std::vector<std::string> wanted_words(const std::vector<std::string>& words) {
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i < words.size(); ++i) {
    bool refused = false;
    for (std::size_t back = 1; back <= 2 && back <= i; ++back)
      refused |= is_one_of(words[i - back], {"not", "no", "hate", "don't", "dislike"});
    wanted.push_back(refused ? "" : words[i]);
  }
  return wanted;
}

double similarity(int a, int b, const Entities& entities) {
  const std::vector<int>&first = entities.of_item(a), &second = entities.of_item(b);
  const auto shared = std::count_if(first.begin(), first.end(), [&](int name) {
    return std::find(second.begin(), second.end(), name) != second.end();
  });
  const auto all = static_cast<double>(first.size() + second.size()) - static_cast<double>(shared);
  return all > 0 ? static_cast<double>(shared) / all : 0;
}

}  // namespace

Constraints stated_constraints(const dialogue::State& state, const Entities& entities) {
  Constraints constraints;
  for (auto turn = state.window.rbegin(); turn != state.window.rend(); ++turn) {
    if (turn->role != dialogue::Role::seeker) continue;
    const std::vector<std::string> words = words_of(*turn);
    read_years(words, constraints);
    for (int name : entities.named_in(wanted_words(words)))
      if (entities.is_kind(name)) constraints.names.push_back(name);
    break;
  }
  return constraints;
}

bool fits(const Constraints& constraints, int item, const dialogue::State& state,
          const dialogue::Catalogue& catalogue, const Entities& entities) {
  for (const dialogue::KnownItem& known : state.items) {
    if (known.item != item) continue;
    if (constraints.skip_named) return false;
    if (constraints.skip_disliked && known.polarity == dialogue::Polarity::disliked) return false;
  }
  const std::optional<int> year = catalogue[item].year;
  if (constraints.first_year && (!year || *year < *constraints.first_year)) return false;
  if (constraints.last_year && (!year || *year > *constraints.last_year)) return false;
  for (int name : constraints.names)
    if (!entities.has(item, name)) return false;
  return std::find(constraints.never.begin(), constraints.never.end(), item) ==
         constraints.never.end();
}

std::vector<int> choose_items(const std::vector<float>& log_probs, const Constraints& constraints,
                              const dialogue::State& state, const dialogue::Catalogue& catalogue,
                              const Entities& entities, std::size_t count, double diversity) {
  base::check(log_probs.size() == static_cast<std::size_t>(catalogue.size()),
              "choose_items: ", log_probs.size(), " scores of ", catalogue.size(), " items");
  if (!(diversity >= 0 && diversity <= 1))
    throw base::UsageError("diversity is ", diversity, ", expected 0 to 1");
  std::vector<int> pool;
  for (int item = 0; item < catalogue.size(); ++item)
    if (fits(constraints, item, state, catalogue, entities)) pool.push_back(item);
  const auto score = [&](int item) { return log_probs[static_cast<std::size_t>(item)]; };
  const std::size_t kept = std::min(pool.size(), diversity > 0 ? std::max(count, kPool) : count);
  std::partial_sort(
      pool.begin(), pool.begin() + static_cast<std::ptrdiff_t>(kept), pool.end(),
      [&](int a, int b) { return score(a) != score(b) ? score(a) > score(b) : a < b; });
  pool.resize(kept);
  if (diversity == 0 || pool.empty()) return pool;
  const double best = score(pool.front());
  std::vector<int> chosen;
  std::vector<double> nearest(pool.size(), 0);  // similarity to what is chosen
  std::vector<char> used(pool.size(), 0);
  while (chosen.size() < std::min(count, pool.size())) {
    std::size_t next = pool.size();
    double highest = 0;
    for (std::size_t i = 0; i < pool.size(); ++i) {
      if (used[i]) continue;
      const double value =
          (1 - diversity) * std::exp(score(pool[i]) - best) - diversity * nearest[i];
      if (next < pool.size() && value <= highest) continue;
      next = i;
      highest = value;
    }
    used[next] = 1;
    chosen.push_back(pool[next]);
    for (std::size_t i = 0; i < pool.size(); ++i)
      nearest[i] = std::max(nearest[i], similarity(pool[i], pool[next], entities));
  }
  return chosen;
}

}  // namespace recommend
