#include "kernels/sampling.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>
#include <vector>

#include "base/error.h"
#include "kernels/loops.h"

namespace kernels {
namespace {

struct Outcome {
  std::int64_t index;
  double weight;  // e^(scale * (logit - largest))
};

// Likelier, or as likely and first.
bool is_before(const Outcome& a, const Outcome& b) {
  return a.weight > b.weight || (a.weight == b.weight && a.index < b.index);
}

double weight_of(float logit, float scale, float largest) {
  return std::exp(static_cast<double>((logit - largest) * scale));
}

double total_weight(std::span<const Outcome> outcomes) {
  return std::accumulate(outcomes.begin(), outcomes.end(), 0.,
                         [](double sum, const Outcome& outcome) { return sum + outcome.weight; });
}

// What may be drawn of the top k, by index.
std::vector<Outcome> likeliest(const float* logits, std::int64_t n, float scale, float largest,
                               std::int64_t k) {
  std::vector<float> copy(logits, logits + n);
  std::nth_element(copy.begin(), copy.begin() + k - 1, copy.end(), std::greater<>());
  const float least = copy[static_cast<std::size_t>(k - 1)];
  std::int64_t ties =  // of the least that may be taken
      k - std::count_if(logits, logits + n, [&](float logit) { return logit > least; });
  std::vector<Outcome> out;
  for (std::int64_t i = 0; i < n; ++i)
    if (logits[i] > least || (logits[i] == least && ties-- > 0))
      out.push_back({i, weight_of(logits[i], scale, largest)});
  return out;
}

// Those that are as likely as (1 - top_p) / n or more, by index: all others together are not missed
// in the nucleus. sum: of all weights.
std::vector<Outcome> likely(const float* logits, std::int64_t n, float scale, float largest,
                            double top_p, double sum) {
  constexpr double kSlack = 1e-2;  // nats: for rounding
  const auto least =
      static_cast<float>(largest + (std::log((1 - top_p) * sum / static_cast<double>(n)) - kSlack) /
                                       static_cast<double>(scale));
  std::vector<Outcome> out;
  for (std::int64_t i = 0; i < n; ++i)
    if (logits[i] >= least) out.push_back({i, weight_of(logits[i], scale, largest)});
  return out;
}

// The last outcome of the nucleus, whose weights reach `needed`: the likelier half of what is left
// is set aside where it does not, and the other half where it does, until one is left.
Outcome last_of_nucleus(std::vector<Outcome> outcomes, double needed) {
  auto begin = outcomes.begin(), end = outcomes.end();
  while (end - begin > 1) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, is_before);
    const double likelier = total_weight({begin, middle});
    if (likelier >= needed) {
      end = middle;
    } else {
      needed -= likelier;
      begin = middle;
    }
  }
  return *begin;
}

// all: the sum of all weights.
Draw draw_truncated(std::span<const float> of, float scale, float largest, double all, double u,
                    const Truncation& truncation) {
  const float* logits = of.data();
  const auto n = std::ssize(of);
  base::check(std::isfinite(all), "draw: logits that are no numbers");
  const bool cuts = truncation.top_k > 0 && truncation.top_k < n;
  std::vector<Outcome> kept = cuts ? likeliest(logits, n, scale, largest, truncation.top_k)
                                   : likely(logits, n, scale, largest, truncation.top_p, all);
  if (truncation.top_p < 1) {
    constexpr double kRounding = 1e-6;  // of the sum, and of sums in different orders
    const double needed = (1 - kRounding) * truncation.top_p * (cuts ? total_weight(kept) : all);
    const Outcome last = last_of_nucleus(kept, needed);
    std::erase_if(kept, [&](const Outcome& outcome) { return is_before(last, outcome); });
  }
  const double sum = total_weight(kept);
  double left = u * sum;
  const Outcome* drawn = nullptr;
  for (const Outcome& outcome : kept) {
    if (outcome.weight > 0) drawn = &outcome;  // rounding may use up what is left: the last one
    left -= outcome.weight;
    if (left < 0) break;
  }
  return {drawn->index, std::log(drawn->weight / sum)};
}

}  // namespace

Draw draw(const float* logits, std::int64_t n, double temperature, double u,
          const Truncation& truncation) {
  base::check(n > 0 && temperature >= 0 && u >= 0 && u < 1, "draw: ", n, " outcomes, temperature ",
              temperature, ", u ", u);
  base::check(truncation.top_k >= 0 && truncation.top_p > 0 && truncation.top_p <= 1,
              "draw: top_k ", truncation.top_k, ", top_p ", truncation.top_p);
  if (temperature < kLeastTemperature) temperature = 0;
  constexpr std::int64_t kBlock = 512;  // summed in fp32; the blocks in double
  const auto scale = static_cast<float>(temperature > 0 ? 1 / temperature : 1);
  const float largest = loops::largest(logits, n);
  const auto sum_of = [&](std::int64_t begin) {
    return static_cast<double>(
        loops::sum_exp(logits + begin, std::min(kBlock, n - begin), scale, largest));
  };
  std::vector<double> blocks;
  for (std::int64_t begin = 0; begin < n; begin += kBlock) blocks.push_back(sum_of(begin));
  const double sum = std::accumulate(blocks.begin(), blocks.end(), 0.);
  const auto log_prob = [&](std::int64_t index) {
    return static_cast<double>((logits[index] - largest) * scale) - std::log(sum);
  };
  if (temperature == 0) {
    const std::int64_t best = std::find(logits, logits + n, largest) - logits;
    base::check(best < n, "draw: the logits are not numbers");
    return {best, log_prob(best)};
  }
  if (truncation.any())
    return draw_truncated({logits, static_cast<std::size_t>(n)}, scale, largest, sum, u,
                          truncation);
  double left = u * sum;
  for (std::int64_t begin = 0; begin < n; begin += kBlock) {
    const double block = blocks[static_cast<std::size_t>(begin / kBlock)];
    if (left >= block) {
      left -= block;
      continue;
    }
    for (std::int64_t i = begin; i < std::min(n, begin + kBlock); ++i) {
      left -= std::exp(static_cast<double>((logits[i] - largest) * scale));
      if (left < 0) return {i, log_prob(i)};
    }
  }
  // Rounding used up what was left: the last outcome that can be drawn.
  std::int64_t last = n - 1;
  while (last > 0 && (logits[last] - largest) * scale < -80) --last;
  return {last, log_prob(last)};
}

}  // namespace kernels
