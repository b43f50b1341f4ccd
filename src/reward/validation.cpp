#include "reward/validation.h"

#include <algorithm>

#include "base/error.h"
#include "base/format.h"
#include "metrics/correlation.h"

namespace reward {
namespace {

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

std::string show(const std::optional<metrics::Interval>& interval) {
  if (!interval) return "-";
  return base::concatenate(base::fixed(interval->estimate, 3), " [", base::fixed(interval->low, 3),
                           ", ", base::fixed(interval->high, 3), "]");
}

base::Json json_of(const std::optional<metrics::Interval>& interval) {
  if (!interval) return nullptr;
  return {{"estimate", interval->estimate},
          {"low", interval->low},
          {"high", interval->high},
          {"n", interval->rows},
          {"clusters", interval->clusters}};
}

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
    const Head head = static_cast<Head>(h);
    TargetQuality quality;
    quality.target = head_name(head);
    std::vector<std::size_t> chosen, labelled;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (!held_out[static_cast<std::size_t>(outcomes[i].dialogue)]) continue;
      if (outcomes[i].weights[static_cast<std::size_t>(h)] > 0) chosen.push_back(i);
      if (form_label(outcomes[i], head)) labelled.push_back(i);
    }
    if (chosen.size() > 1) {
      std::vector<double> targets;
      std::vector<std::int64_t> clusters;
      for (std::size_t i : chosen) {
        targets.push_back(outcomes[i].targets[static_cast<std::size_t>(h)]);
        clusters.push_back(outcomes[i].dialogue);
      }
      quality.pearson = metrics::bootstrap_statistic(
          metrics::weighted_pearson(pair_scores(predictor, outcomes, states, chosen, head),
                                    targets),
          clusters, options);
    }
    quality.passed = quality.pearson && quality.pearson->estimate > .6;
    if (is_probability(head) && labelled.size() > 1) {
      const std::vector<double> scores = pair_scores(predictor, outcomes, states, labelled, head);
      std::vector<double> rates, popularity, inverse;
      std::vector<int> labels;
      std::vector<std::int64_t> clusters;
      for (std::size_t i : labelled) {
        rates.push_back(liked_rate(facts, outcomes[i].item));
        popularity.push_back(counts.recommended()[static_cast<std::size_t>(outcomes[i].item)]);
        inverse.push_back(-popularity.back());
        labels.push_back(*form_label(outcomes[i], head));
        clusters.push_back(outcomes[i].dialogue);
      }
      const auto within = [&](const std::vector<double>& x) {
        return metrics::bootstrap_statistic(metrics::weighted_group_auc(x, labels, clusters),
                                            clusters, options);
      };
      quality.auc =
          metrics::bootstrap_statistic(metrics::weighted_auc(scores, labels), clusters, options);
      quality.auc_within = within(scores);
      quality.rate_within = within(rates);
      quality.popularity_within = within(popularity);
      quality.inverse_popularity_within = within(inverse);
      const auto beats = [&](const std::optional<metrics::Interval>& baseline) {
        return !baseline || quality.auc_within->estimate > baseline->estimate;
      };
      quality.passed = quality.auc_within && beats(quality.rate_within) &&
                       beats(quality.popularity_within) && beats(quality.inverse_popularity_within);
    }
    out.push_back(std::move(quality));
  }
  return out;
}

base::Json to_json(const std::vector<TargetQuality>& qualities) {
  base::Json list = base::Json::array();
  for (const TargetQuality& q : qualities)
    list.push_back({{"target", q.target},
                    {"pearson", json_of(q.pearson)},
                    {"auc", json_of(q.auc)},
                    {"auc_within", json_of(q.auc_within)},
                    {"liked_rate_within", json_of(q.rate_within)},
                    {"popularity_within", json_of(q.popularity_within)},
                    {"inverse_popularity_within", json_of(q.inverse_popularity_within)},
                    {"passed", q.passed}});
  return list;
}

std::vector<std::string> describe(const std::vector<TargetQuality>& qualities) {
  std::vector<std::string> lines;
  for (const TargetQuality& q : qualities) {
    std::string line = base::concatenate("reward  ", q.target, ": Pearson ", show(q.pearson));
    if (q.auc)
      line += base::concatenate("; AUC ", show(q.auc), ", within dialogues ", show(q.auc_within),
                                " against liked rate ", show(q.rate_within), ", popularity ",
                                show(q.popularity_within), ", its inverse ",
                                show(q.inverse_popularity_within));
    lines.push_back(line + (q.passed ? "  passed" : "  FAILED"));
  }
  return lines;
}

}  // namespace reward
