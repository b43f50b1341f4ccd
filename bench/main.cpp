#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "base/error.h"
#include "base/format.h"
#include "harness.h"
#include "kernels/compute.h"

namespace {

using namespace bench;

const char* const kUsage =
    "Usage: bench NAME… [--rounds R] [--seconds S] [--json]\n\n"
    "Each round runs ours and a plain version of the same work in turns; the ratio is the median "
    "of\n"
    "the rounds' ratios, above 1 where ours is faster. Those of serving load a server for S "
    "seconds\n"
    "(default 20) from a process of their own. NAME is \"all\" or:\n";

std::string usage(const std::vector<Benchmark>& all) {
  std::string text = kUsage;
  for (const Benchmark& benchmark : all)
    text += "  " + benchmark.name + std::string(18 - benchmark.name.size(), ' ') + benchmark.help +
            "\n";
  return text;
}

std::string shown(const base::Json& value) {
  if (value.is_number_float()) return base::fixed(value.get<double>(), value < 10 ? 3 : 1);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

void print(const Benchmark& benchmark, const base::Json& figures) {
  std::cout << benchmark.name << "\n";
  if (figures.is_null()) std::cout << "  skipped: " << benchmark.absent << "\n";
  for (const auto& [key, value] : figures.items())
    std::cout << "  " << key << std::string(key.size() < 28 ? 28 - key.size() : 1, ' ')
              << shown(value) << "\n";
  std::cout << std::flush;
}

int run(const std::vector<std::string>& arguments) {
  std::vector<Benchmark> all = {attention_benchmark(),    head_benchmark(),
                                adamw_benchmark(),        decode_benchmark(),
                                decode_int8_benchmark(),  rollout_benchmark(),
                                memory_benchmark(),       cores_benchmark(),
                                encoder_benchmark(),      bpe_benchmark(),
                                redial_read_benchmark(),  evaluation_benchmark(),
                                rank_benchmark(),         gpu_head_benchmark(),
                                gpu_decode_benchmark(),   gpu_train_benchmark(),
                                gpu_ppo_benchmark(),      serve_streams_benchmark(),
                                serve_tokens_benchmark(), serve_recommend_benchmark(),
                                serve_events_benchmark(), serve_slow_benchmark()};
  for (std::vector<Benchmark> more : {sft_benchmarks(), ppo_benchmarks(), ppo_shared_benchmarks()})
    for (Benchmark& benchmark : more) all.push_back(std::move(benchmark));
  Options options;
  const char* data = std::getenv("ATTUNE_DATA");
  options.data = data ? data : "../shared/data";
  bool json = false;
  std::vector<std::string> names;
  const auto known = [&](const std::string& name) {
    return std::any_of(all.begin(), all.end(), [&](const Benchmark& b) { return b.name == name; });
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--json") {
      json = true;
    } else if (arguments[i] == "--rounds" && i + 1 < arguments.size()) {
      options.rounds = std::atoi(arguments[++i].c_str());
    } else if (arguments[i] == "--seconds" && i + 1 < arguments.size()) {
      options.load_seconds = std::atoi(arguments[++i].c_str());
    } else if (arguments[i] == "all") {
      for (const Benchmark& benchmark : all) names.push_back(benchmark.name);
    } else if (known(arguments[i])) {
      names.push_back(arguments[i]);
    } else {
      names.clear();
      break;
    }
  }
  if (names.empty() || options.rounds < 1 || options.load_seconds < 1) {
    std::cerr << usage(all);
    return 2;
  }
  const base::Json machine = {{"type", compute_type() == torch::kBFloat16 ? "bf16" : "fp32"},
                              {"instruction_set", kernels::instruction_set()},
                              {"threads", kernels::use_threads(0)}};
  if (json)
    std::cout << base::Json{{"machine", machine}}.dump() << std::endl;
  else
    print({"machine", "", {}}, machine);
  for (const Benchmark& benchmark : all) {
    if (std::find(names.begin(), names.end(), benchmark.name) == names.end()) continue;
    const base::Json figures = benchmark.run(options);
    if (json)
      std::cout << base::Json{{"name", benchmark.name}, {"figures", figures}}.dump() << std::endl;
    else
      print(benchmark, figures);
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  kernels::keep_memory();
  try {
    return run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::cerr << "bench: " << error.what() << "\n";
    return 1;
  }
}
