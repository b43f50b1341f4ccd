#include "serve/server.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/secure_random.h"
#include "base/time.h"
#include "base/uuid.h"
#include "serve/api_error.h"
#include "serve/bounded.h"
#include "serve/handlers.h"
#include "serve/pages.h"
#include "serve/worker.h"

namespace serve {
namespace {

constexpr std::size_t kMostSlow = 64;  // requests that wait for the thread of the slow ones

// Who may use a route.
enum class Open {
  everybody,  // health, models: what says nothing of anybody
  visitors,   // who may have no session yet
  callers,    // a key or a session, where the server has keys
};

// Whether a route may take as long as much of the store takes to read: then it is answered on a
// thread of its own, and holds up only others of these.
enum class Takes { moments, seconds };

struct Route {
  const char* method;
  const char* path;  // {id} stands for a UUID
  Open open;
  Answer (*handler)(Context&, Call&);
  Takes takes = Takes::moments;
};

constexpr Route kRoutes[] = {
    {"GET", "/health", Open::everybody, show_health},
    {"GET", "/v1/models", Open::everybody, list_models},
    {"POST", "/v1/session", Open::visitors, make_session},
    {"GET", "/v1/me", Open::visitors, show_me},
    {"GET", "/v1/me/data", Open::callers, show_my_data, Takes::seconds},
    {"DELETE", "/v1/me", Open::callers, erase_me},
    {"POST", "/v1/consent", Open::callers, take_consent},
    {"GET", "/v1/conversations", Open::callers, list_conversations},
    {"GET", "/v1/conversations/{id}", Open::callers, show_conversation},
    {"DELETE", "/v1/conversations/{id}", Open::callers, erase_conversation},
    {"POST", "/v1/chat/completions", Open::callers, complete_chat},
    {"POST", "/v1/recommend", Open::callers, recommend},
    {"POST", "/v1/events", Open::callers, take_events},
    {"GET", "/v1/loop", Open::callers, show_loop, Takes::seconds},
    {"GET", "/metrics", Open::callers, show_metrics},
    {"GET", "/report", Open::callers, show_report},
};

// Whether a path is a route's; what stands for {id} goes to `id`.
bool matches(std::string_view pattern, std::string_view path, std::string& id) {
  const std::size_t mark = pattern.find("{id}");
  if (mark == std::string_view::npos) return pattern == path;
  if (path.size() <= mark || path.substr(0, mark) != pattern.substr(0, mark)) return false;
  const std::string_view rest = path.substr(mark);
  if (!base::is_uuid(rest)) return false;
  id = rest;
  id = lower(id);
  return true;
}

std::string_view method_of(const HttpRequest& request) {
  return request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
}

// Throws 404, or 405 where the path has other methods.
const Route& find_route(const HttpRequest& request, std::string& id) {
  std::string allowed;
  for (const Route& route : kRoutes) {
    if (!matches(route.path, request.path, id)) continue;
    if (method_of(request) == route.method) return route;
    if (!allowed.empty()) allowed += ", ";
    allowed += route.method == std::string_view("GET") ? "GET, HEAD" : route.method;
  }
  if (!allowed.empty()) throw ApiError::wrong_method(allowed);
  throw ApiError(404, "not_found", "there is nothing at this path");
}

// "Application/JSON; charset=utf-8" -> "application/json".
std::string media_type(std::string_view header) {
  std::string out = lower(header.substr(0, header.find(';')));
  out.erase(out.find_last_not_of(" \t") + 1);
  return out;
}

base::Json body_of(const HttpRequest& request) {
  if (request.method != "POST") return base::Json::object();
  const std::string type = media_type(request.header("content-type").value_or(""));
  // Beacons of browsers come as plain text; their Origin was checked.
  const bool beacon = request.path == "/v1/events" && type == "text/plain";
  if (type != "application/json" && !beacon)
    throw ApiError(415, "wrong_type", "the body must be application/json");
  return read_body(request.body);
}

Caller caller_of(const Context& context, const Route& route, const HttpRequest& request) {
  if (route.open == Open::callers) return context.access.caller(request);
  if (route.open == Open::visitors && request.header("authorization"))
    return context.access.caller(request);
  return context.access.caller_or_nobody(request);
}

// Any answer on its way out: it is counted, and says which page of elsewhere may read it.
class Outgoing final : public Responder {
 public:
  Outgoing(std::shared_ptr<Responder> inner, Metrics& metrics)
      : inner_(std::move(inner)), metrics_(metrics) {}
  // Both before anything is sent.
  void set_route(const char* route) { route_ = route; }
  void allow(std::optional<std::string> origin) { origin_ = std::move(origin); }

  void send(HttpResponse response) override { inner_->send(counted(std::move(response))); }
  void begin(HttpResponse head) override { inner_->begin(counted(std::move(head))); }
  void write(std::string piece) override { inner_->write(std::move(piece)); }
  void finish() override { inner_->finish(); }
  void keep_alive(std::string piece, std::chrono::seconds silence) override {
    inner_->keep_alive(std::move(piece), silence);
  }
  void when_gone(std::function<void()> gone) override { inner_->when_gone(std::move(gone)); }

 private:
  HttpResponse counted(HttpResponse response) {
    metrics_.request(route_, response.status);
    if (origin_) {
      response.headers.emplace_back("Access-Control-Allow-Origin", *origin_);
      response.headers.emplace_back("Vary", "Origin");
    }
    return response;
  }
  const std::shared_ptr<Responder> inner_;
  Metrics& metrics_;
  const char* route_ = "unknown";
  std::optional<std::string> origin_;
};

std::uint64_t random_seed() {
  const std::string bytes = base::secure_random(sizeof(std::uint64_t));
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
}

HttpResponse preflight(const Context& context, const HttpRequest& request) {
  if (!context.access.cross_origin(request))
    throw ApiError(403, "foreign_origin", "pages of other origins may not use this server");
  HttpResponse out;
  out.status = 204;
  out.headers = {{"Access-Control-Allow-Methods", "GET, POST, DELETE"},
                 {"Access-Control-Allow-Headers", "Authorization, Content-Type"},
                 {"Access-Control-Max-Age", "600"}};
  return out;
}

}  // namespace

struct Server::Parts {
  Parts(dialogue::Recommender& recommender, const ServedModel& model, feedback::Store& store,
        const ServerOptions& options)
      : engine(recommender, options.engine),
        access(options.access, store.secret()),
        transcriber(model),
        slow(kMostSlow),
        signals([&model, &store] { return signals_json(store, model.sentiment, base::now_ms()); },
                std::chrono::seconds(20)),
        context{model,
                engine,
                store,
                access,
                metrics,
                transcriber,
                signals,
                store.secret(),
                options.run,
                base::now_ms(),
                base::now_ms,
                random_seed,
                [this] { return http.counts(); }},
        http(options.http, [this](HttpRequest request, std::shared_ptr<Responder> responder) {
          handle(std::move(request), std::move(responder));
        }) {}

  // Nobody may come back to what is gone: first the clients, then the replies, then what the store
  // still has to say.
  ~Parts() {
    http.stop();
    slow.stop();
    engine.stop();
    context.store.wait_for_queued();
  }

  void handle(HttpRequest request, std::shared_ptr<Responder> responder) {
    const auto outgoing = std::make_shared<Outgoing>(std::move(responder), metrics);
    send_answer(outgoing, [&] {
      outgoing->allow(context.access.cross_origin(request));
      context.access.check_origin(request);
      return answer_to(std::move(request), outgoing);
    });
  }

  // The one place where errors become answers.
  template <class F>
  void send_answer(const std::shared_ptr<Outgoing>& outgoing, const F& find) {
    try {
      if (Answer answer = find()) outgoing->send(std::move(*answer));
    } catch (const ApiError& error) {
      // A first visit asks whether it has a session: no is an answer.
      if (error.code() != "no_session") metrics.rejected(error.code(), context.now());
      outgoing->send(error.response());
    } catch (const std::exception&) {  // its text may hold what people wrote
      metrics.rejected("internal", context.now());
      outgoing->send(ApiError(500, "internal", "something went wrong here").response());
    }
  }

  Answer answer_to(HttpRequest request, const std::shared_ptr<Outgoing>& outgoing) {
    if (request.method == "OPTIONS") return preflight(context, request);
    if (const Page* page = find_page(request.path); page && method_of(request) == "GET") {
      outgoing->set_route("page");
      return page_response(*page, request);
    }
    Call call;
    const Route& route = find_route(request, call.id);
    outgoing->set_route(route.path);
    if (context.draining && route.handler != show_health)
      throw ApiError::busy(503, "draining", "the server is about to stop", 5);
    call.caller = caller_of(context, route, request);
    context.access.count_request(call.caller, std::chrono::steady_clock::now());
    call.body = body_of(request);
    // People of one key are told apart by the name that the request gives them.
    if (!call.caller.session && route.open == Open::callers)
      if (const auto user = text_in(call.body, "user", 256))
        call.caller = context.access.caller(request, *user);
    call.request = std::move(request);
    call.responder = outgoing;
    if (route.takes == Takes::moments) return route.handler(context, call);
    const bool taken = slow.run([this, outgoing, handler = route.handler, call]() mutable {
      send_answer(outgoing, [&] { return handler(context, call); });
    });
    if (!taken) throw overloaded();
    return std::nullopt;
  }

  Metrics metrics;
  Engine engine;
  Access access;
  Transcriber transcriber;
  Worker slow;
  Background signals;
  Context context;
  HttpServer http;
};

Server::Server(dialogue::Recommender& recommender, const ServedModel& model, feedback::Store& store,
               const ServerOptions& options)
    : parts_(std::make_unique<Parts>(recommender, model, store, options)) {}

Server::~Server() = default;

int Server::port() const { return parts_->http.port(); }

void Server::drain(std::chrono::milliseconds patience) {
  parts_->context.draining = true;
  parts_->http.drain(patience);
  parts_->engine.stop();
}

}  // namespace serve
