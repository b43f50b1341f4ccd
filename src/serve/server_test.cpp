#include "serve/server.h"

#include <filesystem>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/time.h"
#include "base/uuid.h"
#include "serve/stub_recommender.h"
#include "serve/test_client.h"

namespace serve {
namespace {

using dialogue::Role;

// A server over a stub, with a store in a folder of its own.
class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    catalogue_ = dialogue::Catalogue(
        {{.id = "7",
          .title = "Heat (1995)",
          .domain = "",
          .year = 1995,
          .attributes = {{"genre", {"crime"}}}},
         {.id = "8", .title = "Alien", .domain = "", .year = std::nullopt, .attributes = {}}});
    model_.id = "stub-run";
    model_.kind = "stub";
    model_.sha256 = base::sha256("stub");
    model_.context = 1024;
    model_.catalogue = &catalogue_;
    model_.rank = [this](dialogue::Recommender& recommender, const RankQuery& query) {
      if (!query.names.empty()) throw base::UsageError("nothing is called so");
      seen_ = query;
      const auto row = recommender.rank({query.state}).front();
      return std::vector<RankedItem>{{1, row[1], {}}};
    };
    options_.http.port = 0;
    options_.access.hosts = {"localhost"};
    start();
  }
  void start() {
    server_.reset();
    store_.reset();
    recommender_ = std::make_unique<StubRecommender>(catalogue_, step_);
    store_ = std::make_unique<feedback::Store>(folder_.path() / "feedback.db");
    server_ = std::make_unique<Server>(*recommender_, model_, *store_, options_);
  }
  TestAnswer get(const std::string& path, const TestHeaders& headers = {}) {
    return ask(server_->port(), "GET", path, "", headers);
  }
  TestAnswer post(const std::string& path, const base::Json& body,
                  const TestHeaders& headers = {}) {
    return ask(server_->port(), "POST", path, body.dump(), headers);
  }
  TestAnswer chat(const base::Json& more = base::Json::object(), const TestHeaders& headers = {}) {
    base::Json body = {{"messages", {{{"role", "user"}, {"content", "I liked Alien."}}}},
                       {"max_tokens", 3}};
    if (!more.is_null()) body.update(more);
    return post("/v1/chat/completions", body, headers);
  }
  // The cookie of a new session.
  std::string session(const TestHeaders& headers = {}) {
    const TestAnswer made = post("/v1/session", base::Json::object(), headers);
    const std::string cookie = made.headers.at("Set-Cookie");
    return cookie.substr(0, cookie.find(';'));
  }
  base::Json event(const std::string& type, const base::Json& own, const base::Json& more) {
    base::Json out = {{"schema", "attune.event/1"},
                      {"event_id", base::new_uuid_v7()},
                      {"type", type},
                      {"occurred_at", base::format_rfc3339(base::now_ms())},
                      {"rec_token", own.at("rec_token")}};
    if (!more.is_null()) out.update(more);
    return out;
  }
  base::Json send(const std::vector<base::Json>& events, const TestHeaders& headers = {}) {
    return post("/v1/events",
                {{"sent_at", base::format_rfc3339(base::now_ms())}, {"events", events}}, headers)
        .json();
  }

  base::TemporaryFolder folder_;
  dialogue::Catalogue catalogue_;
  ServedModel model_;
  RankQuery seen_;
  std::chrono::microseconds step_{0};
  ServerOptions options_;
  std::unique_ptr<StubRecommender> recommender_;
  std::unique_ptr<feedback::Store> store_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersAsOpenAisApiDoes) {
  const TestAnswer answer = chat();
  ASSERT_EQ(answer.status, 200) << answer.body;
  const base::Json json = answer.json();
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["model"], "stub-run");
  EXPECT_EQ(json["choices"][0]["message"]["content"], "Heat (1995) word word");
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(json["usage"]["completion_tokens"], 3);
  const base::Json card = json["attune"]["recommendations"][0];
  EXPECT_EQ(card["item_id"], "7");
  EXPECT_EQ(card["year"], 1995);
  EXPECT_EQ(card["propensity"], .5);
  EXPECT_EQ(card["attributes"]["genre"][0], "crime");
  EXPECT_EQ(card["reasons"][0]["text"], "the word “anything”");
}

// The chunks of a stream, and the words in them.
std::pair<std::vector<base::Json>, std::string> chunks_of(const TestAnswer& answer) {
  std::pair<std::vector<base::Json>, std::string> out;
  for (std::size_t at = 0, end; (end = answer.body.find("\n\n", at)) != std::string::npos;
       at = end + 2) {
    const std::string data = answer.body.substr(at + 6, end - at - 6);
    if (data == "[DONE]") break;
    out.first.push_back(base::parse_json(data, "chunk"));
    const base::Json& choices = out.first.back()["choices"];
    if (!choices.empty()) out.second += choices[0]["delta"].value("content", "");
  }
  return out;
}

TEST_F(ServerTest, StreamsTheSameWordsInPieces) {
  step_ = std::chrono::milliseconds(30);
  start();
  const TestAnswer answer = chat({{"stream", true}, {"stream_options", {{"include_usage", true}}}});
  EXPECT_EQ(answer.headers.at("Content-Type"), "text/event-stream");
  const auto [chunks, words] = chunks_of(answer);
  EXPECT_EQ(words, "Heat (1995) word word");
  ASSERT_GE(chunks.size(), 6u);  // head, three words, end, usage
  EXPECT_EQ(chunks[0]["choices"][0]["delta"]["role"], "assistant");
  EXPECT_TRUE(chunks[0]["attune"].contains("turn_id"));
  const base::Json& last = chunks[chunks.size() - 2];
  EXPECT_EQ(last["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(last["attune"]["recommendations"].size(), 1u);
  EXPECT_EQ(chunks.back()["usage"]["completion_tokens"], 3);
  EXPECT_NE(answer.body.find("data: [DONE]\n\n"), std::string::npos);
}

TEST_F(ServerTest, WordsThatComeFastAllArrive) {
  const auto [chunks, words] = chunks_of(chat({{"stream", true}, {"max_tokens", 256}}));
  std::string all = "Heat (1995)";
  for (int i = 1; i < 256; ++i) all += " word";
  EXPECT_EQ(words, all);
  ASSERT_GE(chunks.size(), 3u);
  EXPECT_EQ(chunks[1]["choices"][0]["delta"]["content"], "Heat (1995)");  // the first at once
}

TEST_F(ServerTest, StopTextsEndAReply) {
  const base::Json json = chat({{"max_tokens", 100}, {"stop", {"word word"}}}).json();
  EXPECT_EQ(json["choices"][0]["message"]["content"], "Heat (1995) ");
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
}

TEST_F(ServerTest, RecordsWhatWasSaidAndDecidedBeforeTheAnswerEnds) {
  const base::Json own = chat({{"seed", 5}}).json()["attune"];
  const std::string id = own["conversation_id"];
  const auto turns = store_->turns(id);
  ASSERT_EQ(turns.size(), 2u);
  EXPECT_EQ(turns[0].text, "I liked Alien.");
  ASSERT_EQ(turns[0].mentions.size(), 1u);
  EXPECT_EQ(turns[0].mentions[0].item, "8");
  EXPECT_EQ(turns[1].parent, turns[0].id);
  EXPECT_EQ(turns[1].text, "Heat (1995) word word");
  EXPECT_EQ(turns[1].mentions.at(0).item, "7");
  const auto decisions = store_->decisions(id);
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_EQ(decisions[0].turn, turns[1].id);
  EXPECT_EQ(decisions[0].model, model_.sha256);
  EXPECT_EQ(decisions[0].shown.at(0).propensity, .5);
  EXPECT_EQ(decisions[0].candidates.at(0).item, "7");
  EXPECT_EQ(decisions[0].details["tokens"].size(), 3u);
  EXPECT_EQ(decisions[0].details["log_probs"][0], -.1);
  EXPECT_EQ(decisions[0].details["sampling"]["seed"], 5);
}

TEST_F(ServerTest, GoesOnWithAConversationAndBranchesOffIt) {
  const base::Json first = chat().json()["attune"];
  const std::string id = first["conversation_id"];
  const base::Json on = {{"conversation_id", id}, {"parent_id", first["turn_id"]}};
  EXPECT_EQ(chat({{"attune", on}}).status, 200);
  // The same question again, and another reply to the first.
  EXPECT_EQ(chat({{"messages", base::Json::array()},
                  {"attune", {{"conversation_id", id}, {"parent_id", first["user_turn_id"]}}}})
                .status,
            200);
  EXPECT_EQ(chat({{"attune", {{"conversation_id", id}, {"parent_id", nullptr}}}}).status, 200);
  const base::Json turns = get("/v1/conversations/" + id).json()["turns"];
  ASSERT_EQ(turns.size(), 7u);
  std::multiset<std::string> parents;
  for (const base::Json& turn : turns)
    parents.insert(turn["parent_id"].is_null() ? "" : turn["parent_id"].get<std::string>());
  EXPECT_EQ(parents.count(""), 2u);                     // two beginnings
  EXPECT_EQ(parents.count(first["user_turn_id"]), 2u);  // two replies to one turn
  EXPECT_EQ(get("/v1/conversations").json()["conversations"].size(), 1u);
  EXPECT_EQ(
      chat({{"attune", {{"conversation_id", id}, {"parent_id", base::new_uuid_v7()}}}}).status,
      404);
  EXPECT_EQ(chat({{"attune", {{"conversation_id", base::new_uuid_v7()}}}}).status, 404);
}

// All of it is read anew for each reply.
TEST_F(ServerTest, AConversationHasItsLength) {
  const base::Json long_one = {{"role", "user"}, {"content", std::string(16 << 10, 'x')}};
  const base::Json fifteen = {{"messages", base::Json::array_t(15, long_one)}};
  base::Json own = chat(fifteen).json()["attune"];
  int status = 200, more = 0;
  for (; status == 200 && more < 5; ++more) {
    const TestAnswer answer = chat(
        {{"messages", {long_one}},
         {"attune", {{"conversation_id", own["conversation_id"]}, {"parent_id", own["turn_id"]}}}});
    status = answer.status;
    if (status == 200)
      own = answer.json()["attune"];
    else
      EXPECT_EQ(answer.json()["error"]["code"], "conversation_too_long");
  }
  EXPECT_EQ(status, 400);
  EXPECT_EQ(post("/v1/recommend", {{"conversation_id", own["conversation_id"]}}).status, 400);
}

TEST_F(ServerTest, KeepsPeopleApart) {
  const std::string ann = session(), bob = session();
  const base::Json own = chat({}, {{"Cookie", ann}}).json()["attune"];
  const std::string id = own["conversation_id"], path = "/v1/conversations/" + id;
  EXPECT_EQ(get(path, {{"Cookie", ann}}).status, 200);
  for (const TestHeaders& other : {TestHeaders{{"Cookie", bob}}, TestHeaders{}}) {
    EXPECT_EQ(get(path, other).status, 404);
    EXPECT_EQ(ask(server_->port(), "DELETE", path, "", other).status, 404);
    EXPECT_EQ(
        chat({{"attune", {{"conversation_id", id}, {"parent_id", own["turn_id"]}}}}, other).status,
        404);
    EXPECT_EQ(post("/v1/recommend", {{"conversation_id", id}}, other).status, 404);
    EXPECT_EQ(get("/v1/conversations", other).json()["conversations"].size(), 0u);
    EXPECT_EQ(get("/v1/me/data", other).body.find(id), std::string::npos);
    EXPECT_EQ(
        send({event("rating", own, {{"props", {{"value", 1}}}})}, other)["rejected"][0]["code"],
        "not_yours");
  }
}

TEST_F(ServerTest, FeedbackIsStoredOnceShownAndMayBeTakenBack) {
  const std::string cookie = session();
  const TestHeaders me = {{"Cookie", cookie}};
  const base::Json own = chat({}, me).json()["attune"];
  const base::Json liked = event("rating", own, {{"props", {{"value", 1}}}});
  base::Json answer = send({liked, liked}, me);
  EXPECT_EQ(answer["accepted"], 1);
  EXPECT_EQ(answer["duplicates"], 1);
  answer = send({liked}, me);
  EXPECT_EQ(answer["accepted"], 0);
  EXPECT_EQ(answer["duplicates"], 1);
  const std::string path = "/v1/conversations/" + own["conversation_id"].get<std::string>();
  EXPECT_EQ(get(path, me).json()["turns"][1]["rating"], 1);
  send({event("seen", own, {{"item_id", "7"}, {"props", {{"value", true}}}})}, me);
  EXPECT_EQ(get(path, me).json()["turns"][1]["items"]["7"]["seen"], true);
  send({event("rating", own, {{"props", {{"value", 0}}}})}, me);
  EXPECT_EQ(get(path, me).json()["turns"][1]["rating"], nullptr);
  // What is watched needs consent.
  EXPECT_EQ(send({event("dwell", own, {})}, me)["rejected"][0]["code"], "no_consent");
  EXPECT_EQ(
      post("/v1/consent", {{"analytics", true}, {"training", true}, {"policy_version", "1"}}, me)
          .json()["consent"]["training"],
      true);
  EXPECT_EQ(send({event("dwell", own, {})}, me)["accepted"], 1);
  EXPECT_EQ(get("/v1/me", me).json()["consent"]["analytics"], true);
  EXPECT_EQ(get("/v1/me", me).json()["events"], 4);
}

TEST_F(ServerTest, ErasesWhatSomebodyAsksFor) {
  const TestHeaders me = {{"Cookie", session()}};
  const base::Json own =
      chat({{"messages", {{{"role", "user"}, {"content", "xyzzy secret"}}}}}, me).json()["attune"];
  send({event("rating", own, {{"props", {{"value", 1}, {"comment", "plugh secret"}}}})}, me);
  EXPECT_NE(get("/v1/me/data", me).body.find("xyzzy"), std::string::npos);
  const base::Json erased = ask(server_->port(), "DELETE", "/v1/me", "", me).json()["erased"];
  EXPECT_EQ(erased["conversations"], 1);
  EXPECT_EQ(erased["turns"], 2);
  EXPECT_EQ(erased["events"], 1);
  EXPECT_EQ(get("/v1/me/data", me).body.find("xyzzy"), std::string::npos);
  for (const auto& file : std::filesystem::directory_iterator(folder_.path()))
    for (const char* word : {"xyzzy", "plugh"})
      EXPECT_EQ(base::read_file(file.path()).find(word), std::string::npos) << file.path();
}

TEST_F(ServerTest, AnErasureThatTakesLongHoldsUpNobodyElse) {
  options_.http.threads = 1;
  start();
  const TestHeaders me = {{"Cookie", session()}};
  chat({{"messages", {{{"role", "user"}, {"content", "xyzzy secret"}}}}}, me);
  TestClient eraser(server_->port());
  // It waits for who reads an older state, and this one reads until the server has answered.
  store_->each_conversation(INT64_MAX, feedback::Store::Whose::everybody, [&](const auto&) {
    eraser.send(request_text("DELETE", "/v1/me", "", me));
    EXPECT_EQ(get("/health").status, 200);
  });
  EXPECT_EQ(read_answer(eraser.read_all()).json()["erased"]["conversations"], 1);
  for (const auto& file : std::filesystem::directory_iterator(folder_.path()))
    EXPECT_EQ(base::read_file(file.path()).find("xyzzy"), std::string::npos) << file.path();
}

TEST_F(ServerTest, ASessionsEventsAreLimitedByTheMinute) {
  options_.access.events_per_minute = 3;
  start();
  const TestHeaders me = {{"Cookie", session()}};
  const base::Json own = chat({}, me).json()["attune"];
  std::vector<base::Json> events;
  for (int i = 0; i < 4; ++i) events.push_back(event("item_click", own, {{"item_id", "7"}}));
  const base::Json answer = send(events, me);
  EXPECT_EQ(answer["accepted"], 3);
  EXPECT_EQ(answer["rejected"][0]["code"], "rate_limited");
  EXPECT_EQ(answer["rejected"][0]["index"], 3);
}

TEST_F(ServerTest, SessionsAndConversationsSurviveARestart) {
  const TestHeaders me = {{"Cookie", session()}};
  const base::Json own = chat({}, me).json()["attune"];
  start();
  EXPECT_EQ(get("/v1/conversations", me).json()["conversations"].size(), 1u);
  EXPECT_EQ(send({event("rating", own, {{"props", {{"value", -1}}}})}, me)["accepted"], 1);
}

TEST_F(ServerTest, RanksItemsForADialogue) {
  const base::Json body = {{"messages", {{{"role", "user"}, {"content", "I liked Alien."}}}},
                           {"top", 3},
                           {"filters", {{"first_year", 1990}, {"exclude", {"7", "unknown"}}}}};
  const TestAnswer answer = post("/v1/recommend", body);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json()["items"][0]["item_id"], "8");
  EXPECT_NEAR(answer.json()["items"][0]["score"].get<double>(), .25, 1e-6);
  EXPECT_EQ(seen_.top, 3);
  EXPECT_EQ(seen_.first_year, 1990);
  EXPECT_EQ(seen_.never, std::vector<int>{0});
  EXPECT_EQ(seen_.state.items.size(), 1u);
  base::Json wrong = body;
  wrong["filters"]["names"] = {"nobody"};
  EXPECT_EQ(post("/v1/recommend", wrong).status, 400);
  // What is found out later counts as what it was answered with.
  EXPECT_NE(get("/metrics").body.find("{route=\"/v1/recommend\",status=\"400\"} 1\n"),
            std::string::npos);
  for (const char* bad :
       {R"({"top":0})", R"({"top":101})", R"({"diversity":2})", R"({"filters":[]})",
        R"({"filters":{"first_year":1e9}})", R"({"messages":[]})"}) {
    base::Json changed = body;
    changed.update(base::parse_json(bad, "test"));
    EXPECT_EQ(post("/v1/recommend", changed).status, 400) << bad;
  }
}

TEST_F(ServerTest, WithKeysEveryRouteButThePublicOnesNeedsOne) {
  options_.access.keys = {{"shop", base::sha256("the-key"), 0}};
  start();
  const std::string id = base::new_uuid_v7();
  const std::pair<const char*, std::string> closed[] = {{"GET", "/v1/me"},
                                                        {"GET", "/v1/me/data"},
                                                        {"DELETE", "/v1/me"},
                                                        {"POST", "/v1/consent"},
                                                        {"GET", "/v1/conversations"},
                                                        {"GET", "/v1/conversations/" + id},
                                                        {"DELETE", "/v1/conversations/" + id},
                                                        {"POST", "/v1/chat/completions"},
                                                        {"POST", "/v1/recommend"},
                                                        {"POST", "/v1/events"},
                                                        {"GET", "/v1/loop"},
                                                        {"GET", "/metrics"},
                                                        {"GET", "/report"},
                                                        {"POST", "/v1/session"}};
  for (const auto& [method, path] : closed) {
    const std::string body = std::string(method) == "POST" ? "{}" : "";
    EXPECT_EQ(ask(server_->port(), method, path, body).status, 401) << path;
    EXPECT_EQ(ask(server_->port(), method, path, body, {{"Authorization", "Bearer wrong"}}).status,
              401)
        << path;
  }
  for (const char* path : {"/health", "/v1/models"}) EXPECT_EQ(get(path).status, 200) << path;
  EXPECT_EQ(post("/v1/session", base::Json::object()).json()["error"]["code"], "key_needed");
  const TestHeaders key = {{"Authorization", "Bearer the-key"}};
  EXPECT_EQ(chat({}, key).status, 200);
  // A page shows the key once, then has a session.
  const TestAnswer made = post("/v1/session", {{"key", "the-key"}});
  ASSERT_EQ(made.status, 200);
  const std::string cookie = made.headers.at("Set-Cookie");
  EXPECT_NE(cookie.find("HttpOnly; SameSite=Strict"), std::string::npos);
  EXPECT_EQ(chat({}, {{"Cookie", cookie.substr(0, cookie.find(';'))}}).status, 200);
}

TEST_F(ServerTest, RefusesForeignHostsAndOriginsOnEveryRoute) {
  for (const char* path : {"/", "/health", "/v1/models", "/v1/conversations", "/metrics"})
    EXPECT_EQ(get(path, {{"Host", "evil.example"}}).status, 403) << path;
  for (const char* path :
       {"/v1/chat/completions", "/v1/recommend", "/v1/events", "/v1/session", "/v1/consent"})
    EXPECT_EQ(post(path, base::Json::object(), {{"Origin", "http://evil.example"}}).status, 403)
        << path;
  EXPECT_EQ(ask(server_->port(), "DELETE", "/v1/me", "", {{"Sec-Fetch-Site", "cross-site"}}).status,
            403);
  EXPECT_EQ(
      ask(server_->port(), "OPTIONS", "/v1/events", "", {{"Origin", "http://evil.example"}}).status,
      403);
}

TEST_F(ServerTest, WrongPathsMethodsAndTypesAreTold) {
  EXPECT_EQ(get("/v1/nothing").status, 404);
  EXPECT_EQ(get("/v1/conversations/not-a-uuid").status, 404);
  EXPECT_EQ(get("/v1/chat/completions").status, 405);
  EXPECT_EQ(ask(server_->port(), "PUT", "/v1/events", "{}").status, 405);
  EXPECT_EQ(ask(server_->port(), "PUT", "/v1/me").headers.at("Allow"), "GET, HEAD, DELETE");
  EXPECT_EQ(get("/../../etc/passwd").status, 404);
  const auto status_of = [&](const std::string& path, const std::string& type) {
    TestClient client(server_->port());
    client.send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + type +
                "\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    return read_answer(client.read_all()).status;
  };
  for (const char* type :
       {"application/json", "Application/JSON; charset=utf-8", "application/json ;x=y"})
    EXPECT_EQ(status_of("/v1/session", type), 200) << type;
  for (const char* type : {"text/plain", "application/jsonp", "application/json-seq", ""})
    EXPECT_EQ(status_of("/v1/session", type), 415) << type;
  EXPECT_EQ(status_of("/v1/events", "text/plain;charset=UTF-8"), 400);  // its body lacks sent_at
  EXPECT_EQ(status_of("/v1/events", "text/plainer"), 415);
  EXPECT_EQ(chat({{"model", "gpt-4"}}).status, 404);
}

TEST_F(ServerTest, AClientThatGoesAwayStopsItsReplyWithinTwoTokens) {
  step_ = std::chrono::milliseconds(100);
  start();
  const base::Json body = {
      {"messages", {{{"role", "user"}, {"content", "hi"}}}}, {"max_tokens", 256}, {"stream", true}};
  {
    TestClient client(server_->port());
    client.send(request_text("POST", "/v1/chat/completions", body.dump()));
    client.read_until(" word");  // the second token
  }
  // The record of the part that was said is there once the reply has ended.
  std::vector<feedback::StoredConversation> found;
  std::vector<feedback::StoredDecision> decisions;
  for (int i = 0; i < 10'000 && decisions.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    store_->each_conversation(
        INT64_MAX, feedback::Store::Whose::everybody,
        [&](const feedback::ConversationRecord& one) { decisions = one.decisions; });
  }
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_EQ(decisions[0].finish_reason, "cancelled");
  EXPECT_LE(decisions[0].details["tokens"].size(), 4u);
}

TEST_F(ServerTest, TurnsAwayWhatItCannotHold) {
  options_.engine = {.max_open = 1, .max_waiting = 1};
  step_ = std::chrono::milliseconds(5);
  start();
  std::vector<std::unique_ptr<TestClient>> clients;
  const base::Json body = {{"messages", {{{"role", "user"}, {"content", "hi"}}}},
                           {"max_tokens", 50}};
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<TestClient>(server_->port()));
    clients.back()->send(request_text("POST", "/v1/chat/completions", body.dump()));
  }
  int good = 0, busy = 0;
  for (const auto& client : clients) {
    const TestAnswer answer = read_answer(client->read_all());
    good += answer.status == 200;
    busy += answer.status == 503 && answer.headers.count("Retry-After") == 1;
  }
  EXPECT_EQ(good + busy, 6);
  // Of who was turned away nothing was kept, or at most where two came in the same moment.
  EXPECT_LE(store_->counts().conversations, good + 1);
  EXPECT_GE(good, 1);
  EXPECT_GE(busy, 2);
}

TEST_F(ServerTest, HealthModelsMetricsAndLoopSayWhatTheyShould) {
  chat();
  EXPECT_EQ(get("/health").json()["status"], "ok");
  EXPECT_EQ(get("/v1/models").json()["data"][0]["id"], "stub-run");
  const std::string metrics = get("/metrics").body;
  EXPECT_NE(metrics.find("attune_generated_tokens_total 3\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("attune_replies_total{reason=\"stop\"} 1\n"), std::string::npos);
  EXPECT_NE(metrics.find("{route=\"/v1/chat/completions\",status=\"200\"} 1\n"), std::string::npos);
  EXPECT_NE(metrics.find("\nattune_connections "), std::string::npos);
  const base::Json loop = get("/v1/loop").json();
  EXPECT_EQ(loop["feedback"]["conversations"], 1);
  EXPECT_EQ(loop["traffic"]["minutes"][0]["replies"], 1);
  EXPECT_EQ(loop["report"], nullptr);
  EXPECT_EQ(get("/report").status, 404);
}

TEST_F(ServerTest, ErrorsDoNotRepeatWhatPeopleWrote) {
  const TestAnswer answer =
      post("/v1/chat/completions",
           {{"messages", {{{"role", "user"}, {"content", "canary-7"}}}}, {"temperature", 99}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body.find("canary"), std::string::npos);
  EXPECT_EQ(get("/metrics").body.find("canary"), std::string::npos);
}

}  // namespace
}  // namespace serve
