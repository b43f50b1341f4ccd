#include <cmath>
#include <filesystem>

#include "base/files.h"
#include "base/json.h"
#include "base/time.h"
#include "feedback/health.h"
#include "serve/api_error.h"
#include "serve/handlers.h"

namespace serve {
namespace {

constexpr int kDays = 30;
constexpr const char* kStages[] = {"data", "tokenizer", "sft", "signals", "reward", "policy"};
// A report is one file with its own script and styles; it may reach nothing else.
constexpr const char* kReportPolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: "
    "blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts "
    "allow-downloads";

base::Json lineage(const std::filesystem::path& run) {
  base::Json out = base::Json::array();
  for (const char* stage : kStages) {
    const std::filesystem::path file = run / stage / "manifest.json";
    if (run.empty() || !std::filesystem::exists(file)) continue;
    const base::Json about = base::read_json(file).value("about", base::Json::object());
    out.push_back({{"stage", stage},
                   {"key", about.value("key", "")},
                   {"at", base::format_rfc3339(written_at(file))},
                   {"seconds", about.contains("seconds") ? about.at("seconds") : base::Json()}});
  }
  return out;
}

base::Json model_json(const ServedModel& model) {
  return {{"id", model.id},
          {"sha256", model.sha256},
          {"kind", model.kind},
          {"active", true},
          {"created_at", base::format_rfc3339(model.created_at)}};
}

base::Json days_json(const feedback::Store& store) {
  base::Json out = base::Json::array();
  for (const feedback::StoreDay& day : store.days(kDays))
    out.push_back({{"day", day.day},
                   {"replies", day.replies},
                   {"events", day.events},
                   {"ratings_up", day.ratings_up},
                   {"ratings_down", day.ratings_down}});
  return out;
}

const char* health(const Context& context) {
  return context.draining ? "draining" : context.store.read_only() ? "read_only" : "ok";
}

}  // namespace

base::Json signals_json(const feedback::Store& store, const dialogue::SentimentFunction& sentiment,
                        std::int64_t now) {
  const auto number = [](const std::optional<double>& value) {
    return value && std::isfinite(*value) ? base::Json(*value) : base::Json();
  };
  base::Json out = base::Json::array();
  for (const feedback::SignalHealth& one :
       feedback::signal_health(store, sentiment, {.now = now})) {
    const auto& auc = one.validity.auc;
    out.push_back({{"name", one.name},
                   {"n", one.n},
                   {"rate", one.rate},
                   {"mean", one.n > 0 ? base::Json(one.mean) : base::Json()},
                   {"mean_before", number(one.mean_before)},
                   {"drift", number(one.drift)},
                   {"auc", auc ? base::Json(auc->estimate) : base::Json()},
                   {"low", auc ? base::Json(auc->low) : base::Json()},
                   {"high", auc ? base::Json(auc->high) : base::Json()},
                   {"labelled", one.validity.liked + one.validity.disliked}});
  }
  return out;
}

Answer list_models(Context& context, Call&) {
  base::Json one = {{"id", context.model.id},
                    {"object", "model"},
                    {"created", context.model.created_at / 1000},
                    {"owned_by", "attune"},
                    {"attune",
                     {{"sha256", context.model.sha256},
                      {"items", context.model.catalogue->size()},
                      {"context", context.model.context}}}};
  return json_response({{"object", "list"}, {"data", base::Json::array({std::move(one)})}});
}

Answer show_health(Context& context, Call&) {
  return json_response({{"status", health(context)}}, context.draining ? 503 : 200);
}

Answer show_metrics(Context& context, Call&) {
  const EngineCounts engine = context.engine.counts();
  const HttpCounts http = context.connections();
  const auto number = [](std::int64_t n) { return static_cast<double>(n); };
  HttpResponse out;
  out.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"},
                 {"Cache-Control", "no-store"}};
  out.body = context.metrics.prometheus(
      {{"model_info",
        {{"id", context.model.id}, {"sha256", context.model.sha256}},
        "The model that answers.",
        1},
       {"requests_running", {}, "Replies that steps are shared by.", number(engine.open)},
       {"requests_waiting", {}, "Replies that wait for a place.", number(engine.waiting)},
       {"store_writes_waiting",
        {},
        "Writes that wait for the disk.",
        number(context.store.queued())},
       {"store_bytes", {}, "Size of the store.", number(context.store.bytes())},
       {"store_read_only", {}, "1 after a failed sync.", context.store.read_only() ? 1. : 0.},
       {"start_time_seconds",
        {},
        "When the server started, since 1970.",
        number(context.started_at) / 1000},
       {"connections", {}, "Clients that are connected.", number(http.connections)},
       {"connections_refused_total",
        {},
        "Clients beyond the limit.",
        number(http.refused),
        "counter"},
       {"connections_timed_out_total",
        {},
        "Clients dropped for being slow.",
        number(http.timed_out),
        "counter"},
       {"malformed_requests_total",
        {},
        "What was no request that one can read in one way only.",
        number(http.malformed),
        "counter"}});
  return out;
}

Answer show_loop(Context& context, Call&) {
  const feedback::StoreCounts stored = context.store.counts();
  base::Json out = {{"title", context.model.id},
                    {"started_at", base::format_rfc3339(context.started_at)},
                    {"models", base::Json::array({model_json(context.model)})},
                    {"lineage", lineage(context.run)}};
  out.update(context.metrics.recent(context.now()));
  out["feedback"] = {{"conversations", stored.conversations},
                     {"turns", stored.turns},
                     {"replies", stored.decisions},
                     {"events", stored.events},
                     {"people", stored.people},
                     {"training_consent", stored.training},
                     {"by_type", stored.by_type},
                     {"days", days_json(context.store)}};
  const base::Json signals = context.signals.latest();
  out["signals"] = signals.is_null() ? base::Json::array() : signals;
  const bool reported =
      !context.run.empty() && std::filesystem::exists(context.run / "report.html");
  out["report"] = reported ? base::Json("/report") : base::Json();
  return json_response(out);
}

Answer show_report(Context& context, Call&) {
  const std::filesystem::path file = context.run / "report.html";
  if (context.run.empty() || !std::filesystem::exists(file))
    throw ApiError(404, "no_report", "this run has no report yet");
  HttpResponse out;
  out.headers = {{"Content-Type", "text/html; charset=utf-8"},
                 {"Cache-Control", "no-cache"},
                 {"Content-Security-Policy", kReportPolicy},
                 {"X-Content-Type-Options", "nosniff"}};
  out.body = base::read_file(file);
  return out;
}

}  // namespace serve
