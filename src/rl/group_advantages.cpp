#include "rl/group_advantages.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"

namespace rl {
namespace {

struct Moments {
  std::int64_t count = 0;
  double sum = 0, squares = 0;  // squares: of differences from the mean

  double mean() const { return sum / static_cast<double>(count); }
  double deviation(Spread spread) const {
    const auto divisor = static_cast<double>(spread == Spread::unbiased ? count - 1 : count);
    return count > 1 ? std::sqrt(squares / divisor) : 0;
  }
};

// The replies that take part, and what is known of each group and of all.
struct Groups {
  std::vector<double> scores;
  std::vector<bool> counts;
  std::map<int, Moments> of;
  Moments all;
};

Groups gather(const torch::Tensor& scores, const std::vector<int>& groups,
              const torch::Tensor& counts) {
  base::check(scores.dim() == 1 && scores.size(0) == static_cast<std::int64_t>(groups.size()) &&
                  (!counts.defined() || counts.sizes() == scores.sizes()),
              "advantages within groups: scores ", scores.sizes(), ", ", groups.size(), " groups");
  const torch::Tensor values = scores.detach().to(torch::kFloat64).contiguous(),
                      flags = counts.defined() ? counts.to(torch::kBool).contiguous()
                                               : torch::ones(scores.sizes(), torch::kBool);
  Groups out;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    out.scores.push_back(values.data_ptr<double>()[i]);
    out.counts.push_back(flags.data_ptr<bool>()[i]);
  }
  const auto each = [&](auto&& visit) {
    for (std::size_t i = 0; i < groups.size(); ++i)
      if (out.counts[i])
        for (Moments* moments : {&out.of[groups[i]], &out.all}) visit(*moments, out.scores[i]);
  };
  each([](Moments& moments, double score) {
    moments.count += 1;
    moments.sum += score;
  });
  each([](Moments& moments, double score) {
    moments.squares += (score - moments.mean()) * (score - moments.mean());
  });
  return out;
}

// value(score, its group's moments, all) for each reply that takes part, 0 for the others.
template <class F>
torch::Tensor for_each_reply(const torch::Tensor& like, const std::vector<int>& groups,
                             const Groups& gathered, F&& value) {
  torch::Tensor out = torch::zeros({like.size(0)}, torch::kFloat64);
  for (std::size_t i = 0; i < groups.size(); ++i)
    if (gathered.counts[i])
      out.data_ptr<double>()[i] =
          value(gathered.scores[i], gathered.of.at(groups[i]), gathered.all);
  return out.to(like.scalar_type());
}

}  // namespace

torch::Tensor grpo_advantages(const torch::Tensor& scores, const std::vector<int>& groups,
                              const GrpoOptions& options, const torch::Tensor& counts) {
  return for_each_reply(scores, groups, gather(scores, groups, counts),
                        [&](double score, const Moments& group, const Moments& all) {
                          const double centred = score - group.mean();
                          if (options.scale == GroupScale::none) return centred;
                          const Moments& scale = options.scale == GroupScale::group ? group : all;
                          return centred / (scale.deviation(options.spread) + options.epsilon);
                        });
}

torch::Tensor rloo_advantages(const torch::Tensor& scores, const std::vector<int>& groups,
                              const torch::Tensor& counts) {
  return for_each_reply(scores, groups, gather(scores, groups, counts),
                        [](double score, const Moments& group, const Moments&) {
                          if (group.count < 2) return 0.;
                          const double others =
                              (group.sum - score) / static_cast<double>(group.count - 1);
                          return score - others;
                        });
}

torch::Tensor reinforce_pp_baseline_advantages(const torch::Tensor& scores,
                                               const std::vector<int>& groups,
                                               const torch::Tensor& mask) {
  const torch::Tensor centred =
      grpo_advantages(scores, groups, {.scale = GroupScale::none}, mask.any(1));
  return whiten(over_tokens(centred, mask), mask);
}

torch::Tensor over_tokens(const torch::Tensor& advantages, const torch::Tensor& mask) {
  base::check(advantages.dim() == 1 && mask.dim() == 2 && advantages.size(0) == mask.size(0),
              "over_tokens: advantages ", advantages.sizes(), ", mask ", mask.sizes());
  const torch::Tensor wide = advantages.detach().unsqueeze(1).expand(mask.sizes());
  return at::where(mask, wide, torch::zeros_like(wide));
}

}  // namespace rl
