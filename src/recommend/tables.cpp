#include "recommend/tables.h"

#include <algorithm>
#include <cmath>

namespace recommend {
namespace {

constexpr std::size_t kSimilar = 20;

std::vector<int> words_about(const dialogue::Item& item, const WordTable& words) {
  dialogue::Turn turn;
  turn.text = item.title;
  for (const auto& [kind, values] : item.attributes)
    for (const std::string& value : values)
      if (split_words(value).size() > kLongestName) turn.text += " " + value;
  return words.numbers(turn);
}

int year_bucket(const dialogue::Item& item) {
  if (!item.year) return 0;
  return std::clamp((*item.year - 1885) / 5 + 1, 1, kYearBuckets - 1);
}

// An item's entities that other items have too.
std::vector<int> shared_entities(int item, const Entities& entities) {
  std::vector<int> shared = entities.of_item(item);
  std::erase_if(shared, [&](int entity) { return entities.items(entity).size() < 2; });
  return shared;
}

std::vector<std::pair<int, float>> most_similar(int item, const Entities& entities,
                                                std::vector<float>& shared) {
  std::vector<int> touched;
  for (int entity : entities.of_item(item)) {
    const auto weight = static_cast<float>(entities.shared_weight(entity));
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

FeatureBags FeatureBags::of(const std::vector<std::vector<int>>& lists) {
  std::vector<std::int64_t> numbers, offsets;
  std::vector<float> weights;
  for (const std::vector<int>& list : lists) {
    offsets.push_back(static_cast<std::int64_t>(numbers.size()));
    numbers.insert(numbers.end(), list.begin(), list.end());
    weights.insert(weights.end(), list.size(), 1 / static_cast<float>(list.size()));
  }
  return {torch::tensor(numbers, torch::kInt64), torch::tensor(offsets, torch::kInt64),
          torch::tensor(weights)};
}

RankerTables make_tables(WordTable words, Entities entities, Counts counts, Neighbours neighbours,
                         const dialogue::Catalogue& catalogue) {
  RankerTables tables{
      std::move(words), std::move(entities), std::move(counts), std::move(neighbours), {}, {}, {}};
  std::vector<std::vector<int>> item_words, item_entities;
  std::vector<std::int64_t> years;
  for (int item = 0; item < catalogue.size(); ++item) {
    item_words.push_back(words_about(catalogue[item], tables.words));
    years.push_back(year_bucket(catalogue[item]));
    item_entities.push_back(shared_entities(item, tables.entities));
  }
  tables.item_words = FeatureBags::of(item_words);
  tables.item_entities = FeatureBags::of(item_entities);
  tables.item_years = torch::tensor(years, torch::kInt64);
  std::vector<float> shared(static_cast<std::size_t>(catalogue.size()));
  for (int item = 0; item < catalogue.size(); ++item)
    tables.similar.push_back(most_similar(item, tables.entities, shared));
  return tables;
}

}  // namespace recommend
