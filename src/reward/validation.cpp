#include "reward/validation.h"

#include <algorithm>

#include "base/error.h"
#include "base/format.h"
#include "base/interrupt.h"
#include "metrics/correlation.h"

namespace reward {
namespace {

constexpr double kPaperPearson = .6;

std::vector<double> pair_scores(const Predictor& predictor, const std::vector<Outcome>& outcomes,
                                const std::vector<recommend::RankContext>& states,
                                const std::vector<std::size_t>& chosen, Head head) {
  std::vector<double> scores;
  for (std::size_t begin = 0; begin < chosen.size(); begin += 256) {
    std::vector<recommend::RankContext> some;
    const std::size_t end = std::min(chosen.size(), begin + 256);
    for (std::size_t i = begin; i < end; ++i) some.push_back(states[chosen[i]]);
    const torch::Tensor all = predictor.item_scores(some, head).mean(0).contiguous();  // [B, N]
    for (std::size_t i = begin; i < end; ++i)
      scores.push_back(all.data_ptr<float>()[static_cast<std::int64_t>(i - begin) * all.size(1) +
                                             outcomes[chosen[i]].item]);
  }
  return scores;
}

std::optional<bool> form_label(const Outcome& outcome, Head head) {
  return head == Head::liked ? outcome.liked : head == Head::useful ? outcome.useful : std::nullopt;
}

base::Json json_of(const std::optional<metrics::Interval>& interval) {
  if (!interval) return nullptr;
  return {{"estimate", interval->estimate},
          {"low", interval->low},
          {"high", interval->high},
          {"n", interval->rows},
          {"clusters", interval->clusters}};
}

// The held-out rows of one target.
struct Rows {
  std::vector<std::size_t> outcomes;
  std::vector<std::int64_t> clusters;
};

template <class F>
Rows rows_where(const std::vector<Outcome>& outcomes, const std::vector<bool>& held_out,
                const F& wanted) {
  Rows rows;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (!held_out[static_cast<std::size_t>(outcomes[i].dialogue)] || !wanted(outcomes[i])) continue;
    rows.outcomes.push_back(i);
    rows.clusters.push_back(outcomes[i].dialogue);
  }
  return rows;
}

bool above(const std::optional<metrics::Interval>& score,
           std::initializer_list<const std::optional<metrics::Interval>*> baselines) {
  return score && std::all_of(baselines.begin(), baselines.end(), [&](const auto* baseline) {
           return !*baseline || score->estimate > (*baseline)->estimate;
         });
}

// What items alone tell: their liked rate and how often they are recommended.
struct ItemScores {
  std::vector<double> rates, popularity, inverse;
};

void compare_with_items(TargetQuality& quality, const std::vector<double>& scores,
                        const ItemScores& items, const std::vector<int>& labels,
                        const std::vector<std::int64_t>& clusters,
                        const metrics::BootstrapOptions& options) {
  const auto overall = [&](const std::vector<double>& x) {
    return metrics::bootstrap_statistic(metrics::weighted_auc(x, labels), clusters, options);
  };
  const auto within = [&](const std::vector<double>& x) {
    return metrics::bootstrap_statistic(metrics::weighted_group_auc(x, labels, clusters), clusters,
                                        options);
  };
  quality.auc = overall(scores);
  quality.rate_auc = overall(items.rates);
  quality.popularity_auc = overall(items.popularity);
  quality.inverse_popularity_auc = overall(items.inverse);
  quality.auc_within = within(scores);
  quality.rate_within = within(items.rates);
  quality.popularity_within = within(items.popularity);
  quality.inverse_popularity_within = within(items.inverse);
  quality.auc_passed = above(
      quality.auc, {&quality.rate_auc, &quality.popularity_auc, &quality.inverse_popularity_auc});
  quality.within_passed =
      above(quality.auc_within,
            {&quality.rate_within, &quality.popularity_within, &quality.inverse_popularity_within});
}

const char* verdict(bool passed) { return passed ? "passed" : "FAILED"; }

}  // namespace

std::vector<TargetQuality> validate_predictor(const Predictor& predictor,
                                              const std::vector<Outcome>& outcomes,
                                              const std::vector<recommend::RankContext>& states,
                                              const recommend::Counts& counts,
                                              const std::vector<bool>& held_out,
                                              std::uint64_t seed) {
  std::vector<Outcome> known;
  for (const Outcome& outcome : outcomes)
    if (!held_out[static_cast<std::size_t>(outcome.dialogue)]) known.push_back(outcome);
  const ItemFacts facts = count_items(known, predictor.items());
  const metrics::BootstrapOptions options{.resamples = 1000,
                                          .place = {.seed = seed, .stage = "reward/validation"}};
  std::vector<TargetQuality> out;
  for (int h = 0; h < kHeads; ++h) {
    base::stop_if_interrupted();
    const Head head = static_cast<Head>(h);
    TargetQuality quality;
    quality.target = head_name(head);
    const Rows all = rows_where(outcomes, held_out, [&](const Outcome& outcome) {
      return outcome.weights[static_cast<std::size_t>(h)] > 0;
    });
    if (all.outcomes.size() > 1) {
      std::vector<double> targets;
      for (std::size_t i : all.outcomes)
        targets.push_back(outcomes[i].targets[static_cast<std::size_t>(h)]);
      quality.pearson = metrics::bootstrap_statistic(
          metrics::weighted_pearson(pair_scores(predictor, outcomes, states, all.outcomes, head),
                                    targets),
          all.clusters, options);
    }
    quality.pearson_passed = quality.pearson && quality.pearson->estimate > kPaperPearson;
    const Rows labelled = rows_where(outcomes, held_out, [&](const Outcome& outcome) {
      return form_label(outcome, head).has_value();
    });
    if (is_probability(head) && labelled.outcomes.size() > 1) {
      ItemScores items;
      std::vector<int> labels;
      for (std::size_t i : labelled.outcomes) {
        items.rates.push_back(liked_rate(facts, outcomes[i].item));
        items.popularity.push_back(
            counts.recommended()[static_cast<std::size_t>(outcomes[i].item)]);
        items.inverse.push_back(-items.popularity.back());
        labels.push_back(*form_label(outcomes[i], head));
      }
      compare_with_items(quality, pair_scores(predictor, outcomes, states, labelled.outcomes, head),
                         items, labels, labelled.clusters, options);
    }
    quality.passed = is_probability(head) ? quality.within_passed : quality.pearson_passed;
    out.push_back(std::move(quality));
  }
  return out;
}

base::Json to_json(const std::vector<TargetQuality>& qualities) {
  base::Json list = base::Json::array();
  for (const TargetQuality& q : qualities)
    list.push_back({{"target", q.target},
                    {"pearson", json_of(q.pearson)},
                    {"pearson_passed", q.pearson_passed},
                    {"auc", json_of(q.auc)},
                    {"liked_rate_auc", json_of(q.rate_auc)},
                    {"popularity_auc", json_of(q.popularity_auc)},
                    {"inverse_popularity_auc", json_of(q.inverse_popularity_auc)},
                    {"auc_passed", q.auc_passed},
                    {"auc_within", json_of(q.auc_within)},
                    {"liked_rate_within", json_of(q.rate_within)},
                    {"popularity_within", json_of(q.popularity_within)},
                    {"inverse_popularity_within", json_of(q.inverse_popularity_within)},
                    {"auc_within_passed", q.within_passed},
                    {"passed", q.passed}});
  return list;
}

std::vector<std::string> describe(const std::vector<TargetQuality>& qualities) {
  std::vector<std::string> lines;
  for (const TargetQuality& q : qualities) {
    lines.push_back(base::concatenate("reward  ", q.target, ": Pearson ",
                                      metrics::format_interval(q.pearson),
                                      " against the paper's .6: ", verdict(q.pearson_passed)));
    if (!q.auc) continue;
    lines.push_back(base::concatenate(
        "reward  ", q.target, ": AUC over all pairs ", metrics::format_interval(q.auc),
        " against liked rate ", metrics::format_interval(q.rate_auc), ", popularity ",
        metrics::format_interval(q.popularity_auc), ", its inverse ",
        metrics::format_interval(q.inverse_popularity_auc), ": ", verdict(q.auc_passed)));
    lines.push_back(base::concatenate(
        "reward  ", q.target, ": AUC within dialogues ", metrics::format_interval(q.auc_within),
        " against ", metrics::format_interval(q.rate_within), ", ",
        metrics::format_interval(q.popularity_within), ", ",
        metrics::format_interval(q.inverse_popularity_within), ": ", verdict(q.within_passed)));
  }
  return lines;
}

}  // namespace reward
