#include "recommend/priors.h"

#include <algorithm>
#include <cmath>

namespace recommend {
namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

bool own_names(const DialogueCounts* without, int item) {
  return without &&
         std::find(without->items.begin(), without->items.end(), item) != without->items.end();
}

// The popularity table without the dialogue: a copy only where one is left out.
struct Popularity {
  Popularity(const std::vector<float>& all, const DialogueCounts* without) : table(&all) {
    if (!without) return;
    changed = all;
    for (int item : without->recommended) changed[at(item)] = std::max(0.f, changed[at(item)] - 1);
    table = &changed;
  }
  float operator[](std::size_t i) const { return (*table)[i]; }
  const std::vector<float>* table;
  std::vector<float> changed;
};

}  // namespace

void cooccurrence_prior(const RankContext& context, const Counts& counts,
                        const DialogueCounts* without, float* row) {
  const std::size_t n = at(counts.items());
  std::fill(row, row + n, 0.f);
  for (const dialogue::KnownItem& known : context.items) {
    const bool own = own_names(without, known.item);
    const float scale = 1 / std::sqrt(counts.named()[at(known.item)] - (own ? 1.f : 0.f) + 5);
    for (const auto& [item, count] : counts.with_item(known.item)) row[item] += scale * count;
    if (own)
      for (int item : without->items)
        if (item != known.item) row[item] -= scale;
  }
  const Popularity popularity(counts.recommended(), without);
  for (std::size_t i = 0; i < n; ++i)
    row[i] = std::log(.02f + std::max(row[i], 0.f) / std::sqrt(popularity[i] + 5));
}

void word_prior(const RankContext& context, const Counts& counts, const DialogueCounts* without,
                float* row) {
  const std::size_t n = at(counts.items());
  std::fill(row, row + n, 0.f);
  const auto weight = [](float total) { return 1 / (std::sqrt(total + 20) * std::log(3 + total)); };
  for (int word : context.words) {
    float total = counts.word_total(word);
    if (without)
      for (const auto& pair : without->word_pairs) total -= pair.first == word ? 1.f : 0.f;
    const float scale = weight(std::max(total, 0.f));
    for (const auto& [item, count] : counts.with_word(word)) row[item] += scale * count;
    if (without)
      for (const auto& [own_word, item] : without->word_pairs)
        if (own_word == word) row[item] -= scale;
  }
  const Popularity popularity(counts.recommended(), without);
  for (std::size_t i = 0; i < n; ++i)
    row[i] = std::log(3e-4f + std::max(row[i], 0.f) / std::sqrt(popularity[i] + 5));
}

void popularity_prior(const RankContext&, const Counts& counts, const DialogueCounts* without,
                      float* row) {
  const Popularity popularity(counts.recommended(), without);
  for (std::size_t i = 0; i < at(counts.items()); ++i) row[i] = std::log1p(popularity[i]);
}

void recent_popularity_prior(const RankContext&, const Counts& counts,
                             const DialogueCounts* without, float* row) {
  const Popularity recent(counts.recently_recommended(),
                          without && without->recent ? without : nullptr);
  for (std::size_t i = 0; i < at(counts.items()); ++i) row[i] = std::log(.5f + recent[i]);
}

const std::vector<NamedPrior>& all_priors() {
  static const std::vector<NamedPrior> priors = {{"cooccurrence", cooccurrence_prior},
                                                 {"words", word_prior},
                                                 {"popularity", popularity_prior},
                                                 {"recent_popularity", recent_popularity_prior}};
  return priors;
}

}  // namespace recommend
