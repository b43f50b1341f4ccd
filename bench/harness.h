#pragma once

#include <functional>
#include <string>
#include <vector>

#include <torch/types.h>

#include "base/json.h"

namespace bench {

struct Options {
  int rounds = 7;
  std::string data;       // folder of public data sets
  int load_seconds = 20;  // that a server is loaded for
};

// A benchmark: prints nothing, returns its figures, or null where what it needs is absent.
struct Benchmark {
  std::string name;
  std::string help;
  std::function<base::Json(const Options&)> run;
  std::string absent = "the data it reads is absent; set ATTUNE_DATA";  // said where it is skipped
};

Benchmark attention_benchmark();
Benchmark head_benchmark();
Benchmark adamw_benchmark();
Benchmark decode_benchmark();
Benchmark decode_int8_benchmark();
Benchmark rollout_benchmark();
std::vector<Benchmark> sft_benchmarks();
Benchmark memory_benchmark();
Benchmark cores_benchmark();
std::vector<Benchmark> ppo_benchmarks();
std::vector<Benchmark> ppo_shared_benchmarks();
Benchmark encoder_benchmark();
Benchmark bpe_benchmark();
Benchmark redial_read_benchmark();
Benchmark evaluation_benchmark();
Benchmark rank_benchmark();
Benchmark gpu_head_benchmark();
Benchmark gpu_decode_benchmark();
Benchmark gpu_train_benchmark();
Benchmark gpu_ppo_benchmark();
Benchmark serve_streams_benchmark();
Benchmark serve_tokens_benchmark();
Benchmark serve_recommend_benchmark();
Benchmark serve_events_benchmark();
Benchmark serve_slow_benchmark();

// The type that the program chooses by itself on a device; both sides of a comparison compute in
// it.
torch::Dtype compute_type(torch::Device device = torch::kCPU);
// How far apart numbers may be that are so far apart in bf16, which keeps 8 bits of fp32's 24.
double rounding(double in_bf16);

// Seconds that it takes.
double seconds(const std::function<void()>& work);

double median(std::vector<double> values);
// share: .99 for the value that 99 % are at or below. 0 where there are none.
double quantile(std::vector<double> values, double share);

// Ours against a plain version of the same work, in turns within each round, the order changing
// from round to round, each round between two probes of what the machine gives at that moment.
// Other programs and the machine's own phases move single numbers by a factor of two; the ratio
// within a round holds.
struct Comparison {
  int rounds = 0;
  int quiet_rounds = 0;  // of them, those in which two threads got two cores
  double ours = 0;       // median seconds
  double plain = 0;
  double ratio = 0;          // median over rounds of plain / ours: above 1, ours is faster
  double low = 0, high = 0;  // its quartiles
  double peak = 0;           // median matrix products, GFLOP/s
  double memory = 0;         // median reading of memory, GB/s
};
// Quiet rounds alone count where there are three of them.
Comparison compare(int rounds, const std::function<void()>& ours,
                   const std::function<void()>& plain);
// The same where what is timed is not all that a turn does: each returns its seconds.
Comparison compare_timed(int rounds, const std::function<double()>& ours,
                         const std::function<double()>& plain);

base::Json to_json(const Comparison& comparison);

}  // namespace bench
