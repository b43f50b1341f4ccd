#include "serving.h"

#include <fstream>

#include "base/hash.h"
#include "harness.h"
#include "kernels/passing_thread.h"
#include "recommend/rank_items.h"

namespace bench {
namespace {

// Megabytes of a line of /proc/self/status, which counts in KiB.
double status_of(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(name, 0) == 0) return std::stod(line.substr(name.size())) / 1024;
  return 0;
}

}  // namespace

LoadedServer::LoadedServer(dialogue::Recommender& recommender, serve::ServedModel model,
                           const serve::EngineOptions& engine)
    : model_(std::move(model)),
      store_(std::make_unique<feedback::Store>(folder_.path() / "feedback.db")) {
  serve::ServerOptions options;
  options.http.port = 0;
  options.access.hosts = {"localhost", "127.0.0.1"};
  options.access.events_per_minute = 0;
  options.engine = engine;
  server_ = std::make_unique<serve::Server>(recommender, model_, *store_, options);
}

dialogue::Catalogue stub_catalogue() {
  return dialogue::Catalogue(
      {{"7", "Heat (1995)", "movie", 1995, {}}, {"8", "Alien (1979)", "movie", 1979, {}}});
}

serve::ServedModel stub_model(const dialogue::Catalogue& catalogue) {
  serve::ServedModel model;
  model.id = model.kind = "stub";
  model.sha256 = base::sha256("stub");
  model.catalogue = &catalogue;
  return model;
}

std::unique_ptr<recommend::TrainedRecommender> served_recommender(
    const recommend::TrainedModel& model, std::int64_t slots) {
  return kernels::on_passing_thread([&] {
    return std::make_unique<recommend::TrainedRecommender>(
        "bench", model,
        recommend::ReplyOptions{.slots = slots, .type = compute_type(), .hash = "-"});
  });
}

serve::ServedModel served(const recommend::TrainedModel& trained) {
  serve::ServedModel model;
  model.id = "bench";
  model.kind = "sft";
  model.sha256 = base::sha256("bench");
  model.context = trained.language.config.positions;
  model.catalogue = &trained.catalogue;
  model.state = trained.state;
  model.rank = [&trained](dialogue::Recommender& recommender, const serve::RankQuery& query) {
    recommend::Constraints constraints;
    constraints.skip_named = !query.repeats;
    std::vector<serve::RankedItem> out;
    for (recommend::RankedItem& one : recommend::rank_items(
             recommender, trained, query.state, constraints, static_cast<std::size_t>(query.top),
             query.diversity,
             query.explain ? recommend::Reasons::given : recommend::Reasons::left_out))
      out.push_back({one.item, one.log_prob, std::move(one.reasons)});
    return out;
  };
  return model;
}

void add_times(base::Json& figures, const std::string& name, const std::vector<double>& seconds) {
  figures[name + "_p50_ms"] = 1e3 * quantile(seconds, .5);
  figures[name + "_p99_ms"] = 1e3 * quantile(seconds, .99);
}

double memory_now() { return status_of("VmRSS:"); }
double peak_memory() { return status_of("VmHWM:"); }
void forget_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace bench
