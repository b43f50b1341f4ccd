#include "serve/visitors.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "base/time.h"
#include "base/uuid.h"
#include "simulate/user.h"

namespace serve {
namespace {

constexpr double kFastestWords = 15;  // a second: nobody reads faster (docs/feedback.md)

// Of one person's visit.
class Visitor {
 public:
  Visitor(const simulate::World& world, const VisitOptions& options, std::uint64_t number)
      : world_(world),
        options_(options),
        client_(options.server),
        random_({.seed = options.seed, .stage = "visitors", .stream = number}),
        person_(base::random_key({options.seed, "visitors/person", number})),
        user_(world, person_, base::random_key({options.seed, "visitors/episode", number})),
        page_(base::new_uuid_v4()) {}

  Visit go() {
    Visit visit;
    visit.person = person_;
    try {
      arrive();
      dialogue::Turn said = user_.begin();
      for (int turn = 0; turn < options_.max_turns; ++turn) {
        const dialogue::Turn reply = hear(said.text);
        ++visit.turns;
        dialogue::Reaction reaction = user_.react(reply);
        report(reply, reaction);
        wait(reply, reaction);
        if (reaction.leaves || !reaction.turn) break;
        said = std::move(*reaction.turn);
      }
    } catch (const std::exception& error) {
      visit.error = error.what();
    }
    visit.satisfaction = user_.satisfaction();
    visit.events = events_;
    return visit;
  }

 private:
  base::Json ask(const std::string& path, const base::Json& body) {
    HttpResponse answer;
    for (int tries = 0;; ++tries) {
      answer = client_.ask("POST", path, body.dump(), {{"Cookie", cookie_}});
      if ((answer.status != 503 && answer.status != 429) || tries == 20) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(100 << std::min(tries, 4)));
    }
    if (answer.status != 200)
      throw base::ResourceError(path, " answered ", answer.status, ": ", answer.body);
    for (const auto& [name, value] : answer.headers)
      if (name == "Set-Cookie") cookie_ = value.substr(0, value.find(';'));
    return base::parse_json(answer.body, path);
  }

  void arrive() {
    base::Json key = base::Json::object();
    if (!options_.key.empty()) key["key"] = options_.key;
    ask("/v1/session", key);
    ask("/v1/consent", {{"analytics", true},
                        {"training", random_.chance(options_.training)},
                        {"policy_version", "1"}});
  }

  // Says something; the reply as a turn.
  dialogue::Turn hear(const std::string& words) {
    base::Json own = {{"items", world_.settings().slate}};
    if (!conversation_.empty()) {
      own["conversation_id"] = conversation_;
      own["parent_id"] = parent_;
    }
    const base::Json answer =
        ask("/v1/chat/completions",
            {{"messages", base::Json::array({{{"role", "user"}, {"content", words}}})},
             {"attune", own}});
    own_ = answer.at("attune");
    conversation_ = own_.at("conversation_id").get<std::string>();
    parent_ = own_.at("turn_id").get<std::string>();
    dialogue::Turn turn;
    turn.id = parent_;
    turn.role = dialogue::Role::recommender;
    turn.text = answer.at("choices")[0].at("message").at("content").get<std::string>();
    for (const base::Json& shown : own_.at("recommendations")) {
      const auto item = world_.catalogue().find(shown.at("item_id").get<std::string>());
      if (!item)
        throw base::UsageError("the server recommends \"", shown.at("title").get<std::string>(),
                               "\", which this world does not have");
      const std::size_t at = turn.text.find(world_.catalogue()[*item].title);
      if (at != std::string::npos)
        turn.mentions.push_back({*item, at, at + world_.catalogue()[*item].title.size()});
    }
    std::sort(turn.mentions.begin(), turn.mentions.end(),
              [](const auto& a, const auto& b) { return a.begin < b.begin; });
    turn.time = clock_;
    return turn;
  }

  base::Json event(const std::string& type, const base::Json& more) {
    base::Json out = {{"schema", "attune.event/1"},
                      {"event_id", base::new_uuid_v7()},
                      {"type", type},
                      {"occurred_at", base::format_rfc3339(base::now_ms())},
                      {"page_id", page_},
                      {"seq", seq_++},
                      {"rec_token", own_.at("rec_token")}};
    out.update(more);
    return out;
  }

  // What they did, as a page would tell it.
  void report(const dialogue::Turn& reply, const dialogue::Reaction& reaction) {
    base::Json events = base::Json::array();
    for (const dialogue::Event& done : reaction.events) {
      base::Json about = base::Json::object();
      if (!done.item.empty() && done.type != "dwell") about["item_id"] = done.item;
      if (done.type == "impression") {
        events.push_back(event("viewable", about));
      } else if (done.type == "dwell") {
        // Two snapshots, the second of all of it.
        const double ms = 1000 * done.value.value_or(0);
        for (const double part : {.4, 1.})
          events.push_back(event("dwell", {{"props",
                                            {{"visible_ms", part * ms},
                                             {"streaming_ms", 0},
                                             {"after_ms", part * ms},
                                             {"max_ratio", 1},
                                             {"activations", 1},
                                             {"final", part == 1.}}}}));
      } else if (done.type == "accept") {
        events.push_back(event("item_open", about));
      } else if (done.type == "rating") {
        about["props"] = {{"value", static_cast<int>(done.value.value_or(0))}};
        events.push_back(event("rating", about));
      } else if (done.type == "session_end") {
        events.push_back(event("session_end", base::Json::object()));
      }
    }
    if (reaction.turn)
      events.push_back(event(
          "reply", {{"props",
                     {{"latency_ms", 1000 * std::max(0., reaction.turn->time.value_or(clock_) -
                                                             reply.time.value_or(clock_))},
                      {"chars", reaction.turn->text.size()}}}}));
    if (reaction.turn && reaction.turn->time) clock_ = *reaction.turn->time;
    send(events);
  }

  // A report that was lost is sent again with what comes next; one that only seemed lost arrives
  // twice.
  void send(const base::Json& events) {
    for (const base::Json& one : events) unsent_.push_back(one);
    if (random_.chance(options_.lost)) return;
    const base::Json answer =
        ask("/v1/events", {{"sent_at", base::format_rfc3339(base::now_ms())}, {"events", unsent_}});
    events_ += answer.at("accepted").get<std::int64_t>();
    if (!random_.chance(options_.lost)) unsent_ = base::Json::array();
  }

  // As long as a person would take, divided by the pace; never less than it takes to read.
  void wait(const dialogue::Turn& reply, const dialogue::Reaction& reaction) {
    if (options_.pace <= 0 || !reaction.turn) return;
    const auto words =
        static_cast<double>(1 + std::count(reply.text.begin(), reply.text.end(), ' '));
    const double taken = clock_ - reply.time.value_or(clock_);
    const double seconds = std::max(taken / options_.pace, 1.2 * words / kFastestWords);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  }

  const simulate::World& world_;
  const VisitOptions& options_;
  HttpClient client_;
  base::Random random_;
  const std::uint64_t person_;
  simulate::SimulatedUser user_;
  std::string cookie_, conversation_, parent_;
  const std::string page_;
  base::Json own_, unsent_ = base::Json::array();
  std::int64_t seq_ = 0, events_ = 0;
  double clock_ = 0;  // seconds of the person's own time
};

}  // namespace

std::vector<Visit> send_visitors(const simulate::World& world, const VisitOptions& options,
                                 const std::function<void()>& progress) {
  std::vector<Visit> visits(static_cast<std::size_t>(options.conversations));
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < std::min(options.at_once, options.conversations); ++i)
    threads.emplace_back([&] {
      for (std::size_t number = next++; number < visits.size(); number = next++) {
        visits[number] = Visitor(world, options, number).go();
        progress();
      }
    });
  for (std::thread& thread : threads) thread.join();
  return visits;
}

}  // namespace serve
