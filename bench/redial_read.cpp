#include "corpus/read.h"
#include "harness.h"

namespace bench {
namespace {

base::Json run(const Options& options) {
  const std::filesystem::path folder = std::filesystem::path(options.data) / "redial";
  if (!std::filesystem::exists(folder)) return nullptr;
  std::vector<double> times;
  std::size_t dialogues = 0;
  for (int i = 0; i < options.rounds; ++i)
    times.push_back(seconds([&] { dialogues = corpus::read_corpus(folder).dialogues.size(); }));
  return {{"dialogues", dialogues}, {"seconds", median(times)}};
}

}  // namespace

Benchmark redial_read_benchmark() {
  return {"redial-read", "read ReDial's dialogues and movies", run};
}

}  // namespace bench
