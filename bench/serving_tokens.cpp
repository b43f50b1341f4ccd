#include <chrono>
#include <map>
#include <memory>
#include <utility>

#include "kernels/passing_thread.h"
#include "serve/transcript.h"
#include "serving.h"
#include "serving_client.h"
#include "untrained.h"

namespace bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// Replies: of each client, so many that what a server takes to begin does not show.
constexpr int kClients = 8, kReplies = 24, kTokens = 64;
constexpr std::size_t kPrompt = 64;  // tokens

// The most tokens of a client's n-th reply. The first ones differ, so that clients are at different
// places in their replies from then on, as people are.
int length(int client, int n) { return n > 0 ? kTokens : kTokens * (client + 1) / kClients; }

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
          {"max_tokens", length(number, reply)},
          {"temperature", 1},
          {"seed", number * kReplies +
                       reply}}.dump();
      const Clock::time_point start = Clock::now();
      bool begun = false, done = false;
      co_await client.stream("/v1/chat/completions", body, [&](std::string_view data) {
        // The first replies all begin at once, which is no load that people make.
        if (reply > 0 && !begun && data.find("\"content\":") != std::string_view::npos &&
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

// task: {"port", "text"}.
base::Json over_http(const base::Json& task) {
  asio::io_context context;
  Tally tally;
  const std::string text = task.at("text");
  for (int i = 0; i < kClients; ++i)
    asio::co_spawn(context, one_client(context, task.at("port"), text, i, tally), asio::detached);
  const double took = seconds([&] { context.run(); });
  return {{"per_second", static_cast<double>(tally.tokens) / took},
          {"errors", tally.errors},
          {"first", tally.first}};
}

// The same replies without a server: one of each client open, its next when that ends.
double bare(dialogue::Recommender& recommender, const dialogue::State& state) {
  std::int64_t tokens = 0;
  std::map<std::int64_t, std::pair<int, int>> open;  // by id: client, number of the reply
  const auto start = [&](int client, int reply) {
    if (reply == kReplies) return;
    const std::uint64_t seed = client * kReplies + reply;
    const std::int64_t id = recommender.open(
        state, {.temperature = 1, .max_tokens = length(client, reply), .seed = seed});
    open[id] = {client, reply};
  };
  const double took = seconds([&] {
    for (int client = 0; client < kClients; ++client) start(client, 0);
    while (!open.empty())
      for (const dialogue::ReplyStep& step : recommender.step()) {
        if (!step.finished) continue;
        tokens += static_cast<std::int64_t>(recommender.close(step.id).decision.tokens.size());
        const auto [client, reply] = open.extract(step.id).mapped();
        start(client, reply + 1);
      }
  });
  return static_cast<double>(tokens) / took;
}

// Both in turns on one model, each on a thread that ends with it, as the server's own does: the
// workers of a thread that stayed would slow the other.
class ServedAndBare {
 public:
  explicit ServedAndBare(const dialogue::Corpus& corpus)
      : model_(kernels::on_passing_thread([&] { return untrained(corpus, {}); })),
        description_(served(model_)),
        recommender_(served_recommender(model_, kClients)) {
    const serve::Transcriber transcriber(description_);
    text_ = prompt(corpus, model_, transcriber);
    state_ = transcriber.state({transcriber.read(dialogue::Role::seeker, text_)});
  }

  double without_server() {
    return kernels::on_passing_thread([&] { return bare(*recommender_, state_); });
  }
  Round with_server() {
    const LoadedServer server(*recommender_, description_,
                              {.max_open = kClients, .max_waiting = kClients});
    const base::Json out = clients_.run({{"port", server.port()}, {"text", text_}});
    return {out.at("per_second"), out.at("errors"), out.at("first")};
  }

 private:
  ClientProcess clients_{over_http};  // begins before the model is read
  const recommend::TrainedModel model_;
  const serve::ServedModel description_;
  const std::unique_ptr<recommend::TrainedRecommender> recommender_;
  std::string text_;
  dialogue::State state_;
};

base::Json run(const Options& options) {
  const std::optional<dialogue::Corpus> corpus = redial_with_knowledge(options);
  if (!corpus) return nullptr;
  ServedAndBare both(*corpus);
  both.without_server();  // both touch their memory before the first round
  both.with_server();
  std::vector<double> ours, plain, ratios, first;
  int errors = 0;
  for (int i = 0; i < options.rounds; ++i) {
    double without = i % 2 ? both.without_server() : 0;
    Round round = both.with_server();
    if (i % 2 == 0) without = both.without_server();
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
