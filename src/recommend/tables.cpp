#include "recommend/tables.h"

#include <algorithm>
#include <cmath>

namespace recommend {
namespace {

constexpr std::size_t kSimilar = 20;
constexpr std::size_t kTextWords = 7;  // a value of that many words is a text, not a name

std::vector<int> words_about(const dialogue::Item& item, const WordTable& words) {
  dialogue::Turn turn;
  turn.text = item.title;
  for (const auto& [kind, values] : item.attributes)
    for (const std::string& value : values)
      if (split_words(value).size() >= kTextWords) turn.text += " " + value;
  return words.numbers(turn);
}

int year_bucket(const dialogue::Item& item) {
  if (!item.year) return 0;
  return std::clamp((*item.year - 1885) / 5 + 1, 1, kYearBuckets - 1);
}

std::vector<std::pair<int, float>> most_similar(int item, const Entities& entities,
                                                std::vector<float>& shared) {
  std::vector<int> touched;
  for (int entity : entities.of_item(item)) {
    const auto degree = static_cast<float>(entities.items(entity).size());
    const float weight = 1 / (std::log(3 + degree) * std::sqrt(1 + degree));
    for (int other : entities.items(entity)) {
      if (other == item) continue;
      if (shared[static_cast<std::size_t>(other)] == 0) touched.push_back(other);
      shared[static_cast<std::size_t>(other)] += weight;
    }
  }
  std::vector<std::pair<int, float>> similar;
  for (int other : touched) {
    similar.emplace_back(other, shared[static_cast<std::size_t>(other)]);
    shared[static_cast<std::size_t>(other)] = 0;
  }
  const auto kept = std::min(kSimilar, similar.size());
  std::partial_sort(similar.begin(), similar.begin() + static_cast<std::ptrdiff_t>(kept),
                    similar.end(), [](const auto& a, const auto& b) {
                      return a.second != b.second ? a.second > b.second : a.first < b.first;
                    });
  similar.resize(kept);
  float sum = 0;
  for (const auto& [other, weight] : similar) sum += weight;
  for (auto& [other, weight] : similar) weight /= sum;
  return similar;
}

}  // namespace

RankerTables make_tables(WordTable words, Counts counts, Neighbours neighbours,
                         const dialogue::Catalogue& catalogue) {
  RankerTables tables{
      std::move(words), Entities(catalogue), std::move(counts), std::move(neighbours), {}, {}, {}};
  for (const dialogue::Item& item : catalogue.items()) {
    tables.item_words.push_back(words_about(item, tables.words));
    tables.item_years.push_back(year_bucket(item));
  }
  std::vector<float> shared(static_cast<std::size_t>(catalogue.size()));
  for (int item = 0; item < catalogue.size(); ++item)
    tables.similar.push_back(most_similar(item, tables.entities, shared));
  return tables;
}

}  // namespace recommend
