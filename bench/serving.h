#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "recommend/trained_recommender.h"
#include "serve/server.h"

namespace bench {

// A server at a free port, with its store in a folder that goes with it.
class LoadedServer {
 public:
  LoadedServer(dialogue::Recommender& recommender, serve::ServedModel model,
               const serve::EngineOptions& engine = {});

  int port() const { return server_->port(); }
  feedback::Store& store() { return *store_; }

 private:
  const serve::ServedModel model_;
  base::TemporaryFolder folder_;
  std::unique_ptr<feedback::Store> store_;
  std::unique_ptr<serve::Server> server_;
};

// Two items, and what a server says of a stub over them.
dialogue::Catalogue stub_catalogue();
serve::ServedModel stub_model(const dialogue::Catalogue& catalogue);
// What `attune serve` would serve, without a sentiment model. Keeps a reference.
serve::ServedModel served(const recommend::TrainedModel& model);

// Its recommender, begun as `attune serve` begins its own: on a thread that ends with it.
// Keeps a reference.
std::unique_ptr<recommend::TrainedRecommender> served_recommender(
    const recommend::TrainedModel& model, std::int64_t slots);

// Keys "NAME_p50_ms" and "NAME_p99_ms" of times in seconds.
void add_times(base::Json& figures, const std::string& name, const std::vector<double>& seconds);

// Megabytes (2^20) that this process holds now, and the most since the last forget_peak_memory().
double memory_now();
double peak_memory();
void forget_peak_memory();

}  // namespace bench
