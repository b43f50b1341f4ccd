#include "pipeline/baselines.h"

#include <algorithm>

#include "base/error.h"
#include "base/format.h"
#include "base/interrupt.h"
#include "evaluate/ranking.h"

namespace pipeline {
namespace {

bool is_wanted(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

double hr_at_10(const std::string& protocol, const recommend::ItemWeights& weights,
                const std::vector<evaluate::Instance>& instances,
                const dialogue::Catalogue& catalogue) {
  recommend::BaselineRecommender recommender("tuning", weights, catalogue);
  const auto ranking = evaluate::rank_instances(recommender, instances, catalogue);
  return evaluate::find_score(evaluate::score_ranking(ranking, instances), protocol, "hr@10")
      .value_or(0);
}

}  // namespace

std::vector<TunedBaseline> tune_baselines(const std::vector<std::string>& names,
                                          const recommend::BaselineInput& input,
                                          const std::vector<const dialogue::Dialogue*>& validation,
                                          const dialogue::StateOptions& state,
                                          const dialogue::Catalogue& catalogue,
                                          base::Console& console) {
  const std::vector<evaluate::Instance> instances = evaluate::make_instances(validation, state);
  std::vector<TunedBaseline> tuned;
  for (const recommend::BaselineKind& kind : recommend::all_baselines()) {
    if (!is_wanted(names, kind.name)) continue;
    TunedBaseline best{kind.name, kind.settings.front(), {}};
    double highest = -1;
    for (std::size_t setting = 0; setting < kind.settings.size(); ++setting) {
      base::stop_if_interrupted();
      recommend::ItemWeights weights = kind.fit(input, setting);
      const double value =
          kind.settings.size() == 1 ? 0 : hr_at_10(kind.tuned_on, weights, instances, catalogue);
      if (value <= highest) continue;
      highest = value;
      best.setting = kind.settings[setting];
      best.weights = std::move(weights);
    }
    if (kind.settings.size() > 1)
      console.line("evaluation  " + kind.name + ": " + best.setting +
                   " is best on validation, HR@10 " + base::fixed(highest, 4));
    tuned.push_back(std::move(best));
  }
  return tuned;
}

}  // namespace pipeline
