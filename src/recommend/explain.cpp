#include "recommend/explain.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "recommend/counted_terms.h"

namespace recommend {
namespace {

using Kind = dialogue::Reason::Kind;
// What was said, and what it adds to the sum under a term's logarithm.
using Pieces = std::map<std::pair<Kind, int>, double>;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

double count_in(const Counts::Row& row, int item) {
  const auto found = std::lower_bound(row.begin(), row.end(), std::pair(item, 0.f));
  return found != row.end() && found->first == item ? found->second : 0;
}

double share_of(int item, const std::vector<float>& all) {
  return all[at(item)] / std::max(std::accumulate(all.begin(), all.end(), 0.), 1.);
}

class Explanation {
 public:
  Explanation(const Ranker& ranker, const RankContext& context, int item)
      : ranker_(ranker),
        tables_(ranker.tables()),
        context_(context),
        item_(item),
        share_(share_of(item, ranker.tables().counts.recommended())) {
    torch::NoGradGuard no_grad;
    const torch::Tensor gates = ranker.gates({context});
    const double part = ranker.part_weights()[0].item<double>();
    const std::vector<std::string> terms = ranker.counted();
    for (std::size_t t = 0; t < terms.size(); ++t)
      add(terms[t], part * gates[0][static_cast<std::int64_t>(t)].item<double>());
  }
  const Pieces& pieces() const { return total_; }

  // Whether the item is recommended after a word more often than after any words, by two standard
  // deviations of a Poisson count: "want" and "for" come before every item.
  bool tells(int word) const {
    const double expected = tables_.counts.word_total(word) * share_,
                 found = count_in(tables_.counts.with_word(word), item_);
    return found > expected + 2 * std::sqrt(expected);
  }

 private:
  double parameter(const char* name, int index) const {
    return ranker_.parameters().at(name)[index].item<double>();
  }

  void add(const std::string& term, double gate) {
    if (term == "words")
      share_out(gate, words(), std::exp(parameter("words.floor", 0)), popularity());
    else if (term == "cooccurrence")
      share_out(gate, items(), std::exp(parameter("cooccurrence.floor", 0)), popularity());
    else if (term == "similar")
      share_out(gate, similar(), .02, popularity());
    else if (term == "last")
      share_out(gate, last(), .02, popularity());
    else if (term == "graph")
      share_out(gate, shared_names(), .02, 1);
    else if (term == "stated")
      share_out(gate, stated_names(), .02, 1);
  }

  double popularity() const { return 1 / std::sqrt(tables_.counts.recommended()[at(item_)] + 5.); }

  void share_out(double gate, const Pieces& pieces, double floor, double scale) {
    double sum = 0;
    for (const auto& [what, value] : pieces) sum += value;
    if (sum <= 0) return;
    const double lift = gate * (std::log(floor + sum * scale) - std::log(floor));
    for (const auto& [what, value] : pieces) total_[what] += lift * value / sum;
  }

  Pieces words() const {
    Pieces pieces;
    for (int word : context_.words) {
      const double n = count_in(tables_.counts.with_word(word), item_),
                   total = tables_.counts.word_total(word);
      if (n == 0) continue;
      const bool recent =
          std::count(context_.recent_words.begin(), context_.recent_words.end(), word) > 0;
      pieces[{Kind::word, word}] =
          std::exp(parameter("words.weights", word) + parameter("words.recent", recent)) * n /
          (std::sqrt(total + 20) * std::log(3 + total));
    }
    return pieces;
  }

  double together(int named, int other) const {
    return count_in(tables_.counts.with_item(named), other) /
           std::sqrt(tables_.counts.named()[at(named)] + 5.);
  }

  Pieces items() const {
    Pieces pieces;
    for (std::size_t i = 0; i < context_.items.size(); ++i) {
      const dialogue::KnownItem& known = context_.items[i];
      const double value = together(known.item, item_);
      if (value == 0) continue;
      pieces[{Kind::item, known.item}] =
          value * std::exp(parameter("cooccurrence.weights", known.item) +
                           parameter("cooccurrence.recency", recency_rank(context_, i)) +
                           parameter("cooccurrence.kinds", item_kind(known)));
    }
    return pieces;
  }

  Pieces similar() const {
    Pieces pieces;
    for (const dialogue::KnownItem& known : context_.items)
      for (const auto& [other, share] : tables_.similar[at(known.item)])
        if (const double value = share * together(other, item_); value > 0)
          pieces[{Kind::item, known.item}] += value;
    return pieces;
  }

  Pieces last() const {
    if (context_.items.empty()) return {};
    const int item = context_.items.back().item;
    const double value = together(item, item_);
    return value > 0 ? Pieces{{{Kind::item, item}, value}} : Pieces{};
  }

  bool has(int name) const { return tables_.entities.has(item_, name); }

  Pieces shared_names() const {
    Pieces pieces;
    double rank = 0;
    for (auto known = context_.items.rbegin(); known != context_.items.rend(); ++known, ++rank)
      for (int name : tables_.entities.of_item(known->item)) {
        if (!has(name)) continue;
        pieces[{Kind::name, name}] += tables_.entities.shared_weight(name) / std::sqrt(1 + rank);
      }
    return pieces;
  }

  Pieces stated_names() const {
    Pieces pieces;
    double rank = 0;
    for (auto name = context_.entities.rbegin(); name != context_.entities.rend(); ++name, ++rank)
      if (has(*name))
        pieces[{Kind::name, *name}] = tables_.entities.stated_weight(*name) / std::sqrt(1 + rank);
    return pieces;
  }

  const Ranker& ranker_;
  const RankerTables& tables_;
  const RankContext& context_;
  int item_;
  double share_;  // of all recommendations
  Pieces total_;
};

}  // namespace

std::vector<dialogue::Reason> explain(const Ranker& ranker, const RankContext& context, int item,
                                      const dialogue::Catalogue& catalogue, std::size_t count) {
  std::vector<dialogue::Reason> reasons;
  const Explanation explanation(ranker, context, item);
  for (const auto& [what, weight] : explanation.pieces()) {
    const auto& [kind, number] = what;
    if (kind == Kind::word && !explanation.tells(number)) continue;
    reasons.push_back({kind,
                       kind == Kind::item   ? catalogue[number].title
                       : kind == Kind::word ? ranker.words().words()[at(number)]
                                            : ranker.tables().entities.name(number),
                       weight});
  }
  std::stable_sort(reasons.begin(), reasons.end(),
                   [](const auto& a, const auto& b) { return a.weight > b.weight; });
  if (reasons.size() > count) reasons.resize(count);
  return reasons;
}

}  // namespace recommend
