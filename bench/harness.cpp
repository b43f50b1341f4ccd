#include "harness.h"

#include <algorithm>
#include <chrono>

#include "kernels/compute.h"
#include "kernels/probe.h"

namespace bench {
namespace {

struct Round {
  double ours = 0, plain = 0, peak = 0, one_thread = 0, memory = 0;
  double ratio() const { return plain / ours; }
  bool quiet() const { return peak > 1.6 * one_thread; }
};

Round run_round(bool ours_first, const std::function<double()>& ours,
                const std::function<double()>& plain) {
  Round round;
  const kernels::Probe before = kernels::probe(compute_type());
  if (ours_first) round.ours = ours();
  round.plain = plain();
  if (!ours_first) round.ours = ours();
  const kernels::Probe after = kernels::probe(compute_type());
  round.peak = std::min(before.peak, after.peak);
  round.one_thread = std::max(before.one_thread, after.one_thread);
  round.memory = std::min(before.memory, after.memory);
  return round;
}

}  // namespace

torch::Dtype compute_type(torch::Device device) { return kernels::compute_dtype("auto", device); }

double rounding(double in_bf16) {
  return compute_type() == torch::kBFloat16 ? in_bf16 : in_bf16 / 100;
}

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + .5)];
}

Comparison compare(int rounds, const std::function<void()>& ours,
                   const std::function<void()>& plain) {
  return compare_timed(
      rounds, [&] { return seconds(ours); }, [&] { return seconds(plain); });
}

Comparison compare_timed(int rounds, const std::function<double()>& ours,
                         const std::function<double()>& plain) {
  ours();  // both touch their memory before the first round
  plain();
  std::vector<Round> all;
  for (int i = 0; i < rounds; ++i) all.push_back(run_round(i % 2 == 0, ours, plain));
  std::vector<Round> quiet;
  for (const Round& round : all)
    if (round.quiet()) quiet.push_back(round);
  const std::vector<Round>& counted = quiet.size() >= 3 ? quiet : all;
  const auto collect = [&](auto&& value) {
    std::vector<double> values;
    for (const Round& round : counted) values.push_back(value(round));
    return values;
  };
  const auto ratios = collect([](const Round& r) { return r.ratio(); });
  Comparison out;
  out.rounds = rounds;
  out.quiet_rounds = static_cast<int>(quiet.size());
  out.ours = median(collect([](const Round& r) { return r.ours; }));
  out.plain = median(collect([](const Round& r) { return r.plain; }));
  out.ratio = median(ratios);
  out.low = quantile(ratios, .25);
  out.high = quantile(ratios, .75);
  out.peak = median(collect([](const Round& r) { return r.peak; }));
  out.memory = median(collect([](const Round& r) { return r.memory; }));
  return out;
}

base::Json to_json(const Comparison& c) {
  return {{"rounds", c.rounds},      {"quiet_rounds", c.quiet_rounds},
          {"ours_seconds", c.ours},  {"plain_seconds", c.plain},
          {"ratio", c.ratio},        {"ratio_quartiles", {c.low, c.high}},
          {"probed_gflops", c.peak}, {"probed_memory_gb_per_s", c.memory}};
}

}  // namespace bench
