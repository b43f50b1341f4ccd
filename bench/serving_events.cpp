#include <chrono>

#include "base/time.h"
#include "base/uuid.h"
#include "harness.h"
#include "serve/http_client.h"
#include "serve/stub_recommender.h"
#include "serving.h"
#include "serving_client.h"

namespace bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr int kClients = 8, kBatch = 64;

// Somebody with a session, who agreed to be watched and was given a recommendation.
struct Person {
  std::string cookie, token;
};

Person meet(int port) {
  serve::HttpClient client({"127.0.0.1", port});
  Person out;
  for (const auto& [name, value] : client.ask("POST", "/v1/session", "{}").headers)
    if (name == "Set-Cookie") out.cookie = value.substr(0, value.find(';'));
  client.ask("POST", "/v1/consent", R"({"analytics":true,"training":true,"policy_version":"1"})",
             {{"Cookie", out.cookie}});
  const serve::HttpResponse reply =
      client.ask("POST", "/v1/chat/completions",
                 R"({"messages":[{"role":"user","content":"I liked Alien."}],"max_tokens":3})",
                 {{"Cookie", out.cookie}});
  out.token = base::parse_json(reply.body, "reply").at("attune").at("rec_token");
  return out;
}

// What one card sends, over and over.
std::string batch_of(const Person& person, int& seq) {
  constexpr const char* kKinds[] = {
      R"("impression","item_id":"7")", R"("viewable","item_id":"7")",
      R"("dwell","props":{"visible_ms":5200.5,"after_ms":3100,"activations":2,"final":false})",
      R"("item_click","item_id":"7")"};
  const std::string now = base::format_rfc3339(base::now_ms());
  std::string out = R"({"sent_at":")" + now + R"(","events":[)";
  for (int i = 0; i < kBatch; ++i)
    out += std::string(i ? "," : "") + R"({"schema":"attune.event/1","event_id":")" +
           base::new_uuid_v7() + R"(","occurred_at":")" + now + R"(","seq":)" +
           std::to_string(++seq) + R"(,"rec_token":")" + person.token + R"(","type":)" +
           kKinds[i % 4] + "}";
  return out + "]}";
}

struct Tally {
  std::int64_t accepted = 0;
  int errors = 0;
  std::vector<double> times;
};

asio::awaitable<void> one_client(asio::io_context& context, int port, const Person& person,
                                 Clock::time_point until, Tally& tally) {
  try {
    Client client(context, port);
    co_await client.connect();
    for (int seq = 0; Clock::now() < until;) {
      const std::string body = batch_of(person, seq);
      const Clock::time_point sent = Clock::now();
      const ClientAnswer answer =
          co_await client.ask("/v1/events", body, "Cookie: " + person.cookie + "\r\n");
      tally.times.push_back(std::chrono::duration<double>(Clock::now() - sent).count());
      const std::int64_t accepted =
          answer.status == 200 ? base::parse_json(answer.body, "answer").value("accepted", 0) : 0;
      tally.accepted += accepted;
      if (accepted != kBatch) ++tally.errors;
    }
  } catch (const std::exception&) {
    ++tally.errors;
  }
}

base::Json load(int port, const std::vector<Person>& people, std::chrono::seconds time) {
  asio::io_context context;
  Tally tally;
  const Clock::time_point until = Clock::now() + time;
  for (const Person& person : people)
    asio::co_spawn(context, one_client(context, port, person, until, tally), asio::detached);
  const double took = seconds([&] { context.run(); });
  base::Json out = {{"accepted", tally.accepted},
                    {"errors", tally.errors},
                    {"events_per_s", static_cast<double>(tally.accepted) / took}};
  add_times(out, "batch", tally.times);
  return out;
}

base::Json run(const Options& options) {
  const dialogue::Catalogue catalogue = stub_catalogue();
  serve::StubRecommender stub(catalogue);
  LoadedServer server(stub, stub_model(catalogue));
  std::vector<Person> people;
  for (int i = 0; i < kClients; ++i) people.push_back(meet(server.port()));
  base::Json figures = {{"clients", kClients}, {"events_a_batch", kBatch}};
  figures.update(in_client_process(
      [&] { return load(server.port(), people, std::chrono::seconds(options.load_seconds)); }));
  figures["in_the_store"] = server.store().counts().events;
  return figures;
}

}  // namespace

Benchmark serve_events_benchmark() {
  return {"serve-events", "events over HTTP in batches of 64, each answered when it is on the disk",
          run};
}

}  // namespace bench
