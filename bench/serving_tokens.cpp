#include <chrono>

#include "recommend/trained_recommender.h"
#include "serve/transcript.h"
#include "serving.h"
#include "serving_client.h"
#include "untrained.h"

namespace bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr int kClients = 8, kReplies = 4, kTokens = 64;  // replies: of each client
constexpr std::size_t kPrompt = 64;                      // tokens

// Words of ReDial that make a prompt of kPrompt tokens.
std::string prompt(const dialogue::Corpus& corpus, const recommend::TrainedModel& model,
                   const serve::Transcriber& transcriber) {
  std::string text;
  for (const dialogue::Dialogue& dialogue : corpus.dialogues)
    for (const dialogue::Turn& turn : dialogue.turns) {
      if (!turn.mentions.empty()) continue;
      for (std::size_t at = 0; at < turn.text.size();) {
        const std::size_t end = std::min(turn.text.find(' ', at), turn.text.size());
        text += (text.empty() ? "" : " ") + turn.text.substr(at, end - at);
        at = end + 1;
        const dialogue::State state =
            transcriber.state({transcriber.read(dialogue::Role::seeker, text)});
        if (model.tokens.encode_prompt(state, 10 * kPrompt).size() >= kPrompt) return text;
      }
    }
  return text;
}

struct Tally {
  int errors = 0;
  std::int64_t tokens = 0;
  std::vector<double> first;  // seconds to the first words
};

asio::awaitable<void> one_client(asio::io_context& context, int port, const std::string& text,
                                 int number, Tally& tally) {
  try {
    Client client(context, port);
    co_await client.connect();
    for (int reply = 0; reply < kReplies; ++reply) {
      const std::string body = base::Json{
          {"messages", {{{"role", "user"}, {"content", text}}}},
          {"stream", true},
          {"stream_options", {{"include_usage", true}}},
          {"max_tokens", kTokens},
          {"temperature", 1},
          {"seed", number * kReplies +
                       reply}}.dump();
      const Clock::time_point start = Clock::now();
      bool begun = false, done = false;
      co_await client.stream("/v1/chat/completions", body, [&](std::string_view data) {
        if (!begun && data.find("\"content\":") != std::string_view::npos &&
            data.find("\"content\":\"\"") == std::string_view::npos) {
          begun = true;
          tally.first.push_back(std::chrono::duration<double>(Clock::now() - start).count());
        }
        done = done || data == "[DONE]";
        if (data.find("\"usage\":") != std::string_view::npos)
          tally.tokens +=
              base::parse_json(data, "usage").at("usage").at("completion_tokens").get<int>();
      });
      if (!done) ++tally.errors;
    }
  } catch (const std::exception&) {
    ++tally.errors;
  }
}

struct Round {
  double per_second = 0;
  int errors = 0;
  std::vector<double> first;
};

Round over_http(int port, const std::string& text) {
  const base::Json out = in_client_process([&]() -> base::Json {
    asio::io_context context;
    Tally tally;
    for (int i = 0; i < kClients; ++i)
      asio::co_spawn(context, one_client(context, port, text, i, tally), asio::detached);
    const double took = seconds([&] { context.run(); });
    return {{"per_second", static_cast<double>(tally.tokens) / took},
            {"errors", tally.errors},
            {"first", tally.first}};
  });
  return {out.at("per_second"), out.at("errors"), out.at("first")};
}

// The same replies without a server: eight open, a new one for each that ends.
double bare(dialogue::Recommender& recommender, const dialogue::State& state) {
  std::int64_t tokens = 0;
  std::uint64_t seed = 0;
  int open = 0;
  const auto start = [&] {
    if (seed == kClients * kReplies) return;
    recommender.open(state, {.temperature = 1, .max_tokens = kTokens, .seed = seed++});
    ++open;
  };
  const double took = seconds([&] {
    for (int i = 0; i < kClients; ++i) start();
    while (open > 0)
      for (const dialogue::ReplyStep& step : recommender.step()) {
        if (!step.finished) continue;
        tokens += static_cast<std::int64_t>(recommender.close(step.id).decision.tokens.size());
        --open;
        start();
      }
  });
  return static_cast<double>(tokens) / took;
}

base::Json run(const Options& options) {
  const std::optional<dialogue::Corpus> corpus = redial_with_knowledge(options);
  if (!corpus) return nullptr;
  const recommend::TrainedModel model = untrained(*corpus, {});
  const recommend::ReplyOptions reply{.slots = kClients, .type = torch::kBFloat16, .hash = "-"};
  recommend::TrainedRecommender alone("bench", model, reply), shared("bench", model, reply);
  const serve::ServedModel description = served(model);
  const serve::Transcriber transcriber(description);
  const std::string text = prompt(*corpus, model, transcriber);
  const dialogue::State state = transcriber.state({transcriber.read(dialogue::Role::seeker, text)});
  const LoadedServer server(shared, description, {.max_open = kClients, .max_waiting = kClients});
  bare(alone, state);  // both touch their memory before the first round
  over_http(server.port(), text);
  std::vector<double> ours, plain, ratios, first;
  int errors = 0;
  for (int i = 0; i < options.rounds; ++i) {
    double without = i % 2 ? bare(alone, state) : 0;
    Round round = over_http(server.port(), text);
    if (i % 2 == 0) without = bare(alone, state);
    ours.push_back(round.per_second);
    plain.push_back(without);
    ratios.push_back(round.per_second / without);
    errors += round.errors;
    first.insert(first.end(), round.first.begin(), round.first.end());
  }
  base::Json figures = {{"clients", kClients},
                        {"rounds", options.rounds},
                        {"errors", errors},
                        {"served_tokens_per_s", median(ours)},
                        {"bare_tokens_per_s", median(plain)},
                        {"ratio", median(ratios)},
                        {"ratio_quartiles", {quantile(ratios, .25), quantile(ratios, .75)}}};
  add_times(figures, "first_token", first);
  figures["first_token_p99_over_p50"] = quantile(first, .99) / quantile(first, .5);
  return figures;
}

}  // namespace

Benchmark serve_tokens_benchmark() {
  return {"serve-tokens", "replies over HTTP for 8 clients against the bare model, 6 layers x 384",
          run};
}

}  // namespace bench
