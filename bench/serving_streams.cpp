#include <chrono>

#include "harness.h"
#include "serve/stub_recommender.h"
#include "serving.h"
#include "serving_client.h"

namespace bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr int kStreams = 1000, kTokens = 100;
constexpr std::chrono::milliseconds kStep(20);

struct Tally {
  int errors = 0;
  std::int64_t tokens = 0;
  std::vector<double> added;  // seconds between two events of words, less the stub's step
};

// Tokens of the stub in an event's words: its first item's title, then "word" each.
int tokens_in(std::string_view words) {
  int tokens = words.find("Heat") != std::string_view::npos ? 1 : 0;
  for (std::size_t at = 0; (at = words.find("word", at)) != std::string_view::npos; at += 4)
    ++tokens;
  return tokens;
}

asio::awaitable<void> one_stream(asio::io_context& context, int port, Tally& tally) {
  constexpr std::string_view kWords = "\"content\":\"";
  int tokens = 0;
  bool done = false;
  try {
    Client client(context, port);
    co_await client.connect();
    Clock::time_point last;
    const std::string body =
        R"({"messages":[{"role":"user","content":"I liked Alien."}],"stream":true,"max_tokens":)" +
        std::to_string(kTokens) + "}";
    co_await client.stream("/v1/chat/completions", body, [&](std::string_view data) {
      done = done || data == "[DONE]";
      const std::size_t at = data.find(kWords);
      if (at == std::string_view::npos || data[at + kWords.size()] == '"') return;
      const Clock::time_point now = Clock::now();
      if (tokens > 0)
        tally.added.push_back(std::chrono::duration<double>(now - last - kStep).count());
      last = now;
      tokens += tokens_in(data.substr(at));
    });
  } catch (const std::exception&) {  // counted below
  }
  tally.tokens += tokens;
  if (!done || tokens != kTokens) ++tally.errors;
}

base::Json load(int port, int streams) {
  asio::io_context context;
  Tally tally;
  for (int i = 0; i < streams; ++i)
    asio::co_spawn(context, one_stream(context, port, tally), asio::detached);
  const double took = seconds([&] { context.run(); });
  base::Json out = {{"errors", tally.errors},
                    {"tokens_per_s", static_cast<double>(tally.tokens) / took}};
  add_times(out, "added_inter_token", tally.added);
  return out;
}

base::Json run(const Options&) {
  const dialogue::Catalogue catalogue = stub_catalogue();
  serve::StubRecommender stub(catalogue, kStep);
  LoadedServer server(stub, stub_model(catalogue), {.max_open = kStreams, .max_waiting = kStreams});
  in_client_process([&] { return load(server.port(), 1); });
  forget_peak_memory();
  const double before = memory_now();
  base::Json figures = {
      {"streams", kStreams}, {"tokens_each", kTokens}, {"step_ms", kStep.count()}};
  figures.update(in_client_process([&] { return load(server.port(), kStreams); }));
  figures["memory_mib"] = peak_memory() - before;
  return figures;
}

}  // namespace

Benchmark serve_streams_benchmark() {
  return {"serve-streams", "1,000 streams at a time over HTTP, a token every 20 ms in each", run};
}

}  // namespace bench
