#include <chrono>

#include "kernels/passing_thread.h"
#include "serving.h"
#include "serving_client.h"
#include "untrained.h"

namespace bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr int kEachSecond = 20;

// The first halves of dialogues, as requests.
std::vector<std::string> requests(const dialogue::Corpus& corpus) {
  std::vector<std::string> out;
  for (std::size_t d = 0; out.size() < 200 && d < corpus.dialogues.size(); d += 37) {
    const std::vector<dialogue::Turn>& turns = corpus.dialogues[d].turns;
    base::Json messages = base::Json::array();
    for (std::size_t t = 0; t <= turns.size() / 2 && t < turns.size(); ++t)
      messages.push_back({{"role", turns[t].role == dialogue::Role::seeker ? "user" : "assistant"},
                          {"content", dialogue::written_out(turns[t], corpus.catalogue)}});
    if (!messages.empty()) out.push_back(base::Json{{"messages", messages}}.dump());
  }
  return out;
}

struct Tally {
  int errors = 0;
  std::vector<double> times;
};

// Its time counts from when it was due, whether or not the client was in time.
asio::awaitable<void> one_request(asio::io_context& context, int port, const std::string& body,
                                  Clock::time_point due, Tally& tally) {
  bool good = false;
  try {
    asio::steady_timer timer(context, due);
    co_await timer.async_wait(asio::use_awaitable);
    Client client(context, port);
    co_await client.connect();
    good = (co_await client.ask("/v1/recommend", body)).status == 200;
  } catch (const std::exception&) {  // counted below
  }
  if (!good) ++tally.errors;
  tally.times.push_back(std::chrono::duration<double>(Clock::now() - due).count());
}

// task: {"port", "count"}.
base::Json load(const std::vector<std::string>& bodies, const base::Json& task) {
  asio::io_context context;
  Tally tally;
  const int port = task.at("port"), count = task.at("count");
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < count; ++i)
    asio::co_spawn(context,
                   one_request(context, port, bodies[static_cast<std::size_t>(i) % bodies.size()],
                               start + std::chrono::milliseconds(1000 * i / kEachSecond), tally),
                   asio::detached);
  context.run();
  base::Json out = {{"requests", count}, {"errors", tally.errors}};
  add_times(out, "answer", tally.times);
  return out;
}

base::Json run(const Options& options) {
  const std::optional<dialogue::Corpus> corpus = redial_with_knowledge(options);
  if (!corpus) return nullptr;
  const std::vector<std::string> bodies = requests(*corpus);
  ClientProcess clients([&](const base::Json& task) { return load(bodies, task); });
  const recommend::TrainedModel model =
      kernels::on_passing_thread([&] { return untrained(*corpus, {}); });
  const auto recommender = served_recommender(model, 8);
  const LoadedServer server(*recommender, served(model));
  clients.run({{"port", server.port()}, {"count", kEachSecond}});
  base::Json figures = {{"items", corpus->catalogue.size()}, {"requests_per_s", kEachSecond}};
  figures.update(
      clients.run({{"port", server.port()}, {"count", kEachSecond * options.load_seconds}}));
  return figures;
}

}  // namespace

Benchmark serve_recommend_benchmark() {
  return {"serve-recommend",
          "rankings over HTTP of ReDial's catalogue, 6 layers x 384, 20 a second", run};
}

}  // namespace bench
