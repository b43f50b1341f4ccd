// Knowledge-graph neighbours, alone, with co-occurrence, and with the item named last on top.
//
// s(r) = (1 + .2 log(1 + pop_r)) times the sum over what was named so far of
//   an entity e (a person, a genre): 3 w / log(3 + deg e) where r has it;
//   an item m: w / (log(3 + deg m) (1 + deg t)) for each entity t that m and r share, deg t < 400;
// w falls with recency: 4 for what was named last, 4 f, 4 f^2, … for what was named before.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/format.h"
#include "recommend/baseline.h"

namespace recommend {
namespace {

constexpr std::array kFades = {1., .7, .4};  // f
constexpr std::size_t kBusiest = 400;        // items that share an entity which says nothing

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// An item or entity, at its last mention.
struct Named {
  bool is_item = false;
  int number = 0;
};

// What was named so far, the last one first.
std::vector<Named> named_so_far(const dialogue::State& state, const Entities& entities) {
  std::vector<Named> named;
  const auto add = [&](Named one) {
    if (std::none_of(named.begin(), named.end(), [&](const Named& other) {
          return other.is_item == one.is_item && other.number == one.number;
        }))
      named.push_back(one);
  };
  for (auto turn = state.window.rbegin(); turn != state.window.rend(); ++turn) {
    const std::vector<int> own = entities.named_in(words_of(*turn)), items = turn->items();
    for (auto entity = own.rbegin(); entity != own.rend(); ++entity) add({false, *entity});
    for (auto item = items.rbegin(); item != items.rend(); ++item) add({true, *item});
  }
  for (auto known = state.items.rbegin(); known != state.items.rend(); ++known)
    add({true, known->item});
  return named;
}

std::vector<double> graph_weights(const dialogue::State& state, const RankerTables& tables,
                                  double fade) {
  const Entities& entities = tables.entities;
  std::vector<double> weights(at(tables.counts.items()));
  double w = 4;
  for (const Named& named : named_so_far(state, entities)) {
    if (!named.is_item) {
      const auto& items = entities.items(named.number);
      for (int item : items) weights[at(item)] += w * entities.stated_weight(named.number);
    } else {
      const auto& shared = entities.of_item(named.number);
      const double scale = w / std::log(3 + static_cast<double>(shared.size()));
      for (int entity : shared) {
        const auto& items = entities.items(entity);
        if (items.size() >= kBusiest) continue;
        for (int item : items) weights[at(item)] += scale / (1 + static_cast<double>(items.size()));
      }
    }
    w *= fade;
  }
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] *= 1 + .2 * std::log1p(tables.counts.recommended()[i]);
  return weights;
}

void divide_by_largest(std::vector<double>& weights) {
  const double largest = *std::max_element(weights.begin(), weights.end());
  if (largest > 0)
    for (double& weight : weights) weight /= largest;
}

enum class Parts { graph, with_cooccurrence, with_copy };

template <Parts parts>
ItemWeights fit(const BaselineInput& input, std::size_t setting) {
  return [&tables = input.tables, fade = kFades[setting]](const dialogue::State& state) {
    std::vector<double> weights = graph_weights(state, tables, fade);
    if (parts != Parts::graph) {
      std::vector<double> counted = cooccurrence_weights(state, tables.counts);
      divide_by_largest(weights);
      divide_by_largest(counted);
      for (std::size_t i = 0; i < weights.size(); ++i) weights[i] += counted[i];
    }
    if (parts == Parts::with_copy && !state.items.empty())
      weights[at(state.items.back().item)] += 2;  // above the sum of the others
    return ties_by_popularity(std::move(weights), tables.counts);
  };
}

template <Parts parts>
BaselineKind kind(const char* name) {
  BaselineKind made{name, {}, parts == Parts::with_copy ? "v1" : "v2", fit<parts>};
  for (double fade : kFades) made.settings.push_back("recency " + base::fixed(fade, 1));
  return made;
}

}  // namespace

BaselineKind graph_baseline() { return kind<Parts::graph>("graph"); }
BaselineKind graph_cooccurrence_baseline() {
  return kind<Parts::with_cooccurrence>("graph+cooccurrence");
}
BaselineKind graph_cooccurrence_copy_baseline() {
  return kind<Parts::with_copy>("graph+cooccurrence+copy");
}

}  // namespace recommend
