#include "serve/metrics.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace serve {
namespace {

constexpr std::size_t kMinutes = 120, kLatest = 1000;
constexpr std::array<double, 14> kBounds = {.001, .0025, .005, .01, .025, .05, .1,
                                            .25,  .5,    1,    2.5, 5,    10,  30};

struct Described {
  const char* name;
  const char* help;
};
constexpr Described kCounters[] = {
    {"requests_total", "Requests by route and status."},
    {"replies_total", "Replies by the reason that they ended for."},
    {"prompt_tokens_total", "Tokens read."},
    {"generated_tokens_total", "Tokens written."},
    {"rejected_total", "Requests turned away, by reason."},
    {"feedback_events_total", "Feedback events by type and fate."},
};
constexpr Described kHistograms[] = {
    {"queue_seconds", "Time until a reply's first step."},
    {"time_to_first_token_seconds", "Time until a reply's first words."},
    {"inter_token_seconds", "Time between the words of a reply."},
    {"reply_seconds", "Time until a reply's end."},
    {"event_lag_seconds", "Time between what somebody did and its report."},
    {"store_commit_seconds", "Time until what was to be stored was safe."},
};

std::string escaped(const std::string& value) {
  std::string out;
  for (char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string label(const std::string& name, const std::string& value) {
  return name + "=\"" + escaped(value) + "\"";
}

std::string braces(const std::string& labels) { return labels.empty() ? "" : "{" + labels + "}"; }

// The q-quantile, by nearest rank; null where there is nothing.
base::Json quantile(std::vector<double> values, double q) {
  if (values.empty()) return nullptr;
  const auto rank = static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + .5);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank),
                   values.end());
  return std::round(values[rank] * 100) / 100;
}

}  // namespace

void Metrics::count(const std::string& name, const std::string& labels, double n) {
  counters_[name][labels] += n;
}

void Metrics::observe(const std::string& name, double seconds) {
  Histogram& histogram = histograms_[name];
  histogram.counts.resize(kBounds.size() + 1);
  const auto at = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
  histogram.counts[static_cast<std::size_t>(at)] += 1;
  histogram.sum += seconds;
  histogram.count += 1;
}

Metrics::Minute& Metrics::minute(std::int64_t now) {
  const std::int64_t at = now / 60000;
  if (minutes_.empty() || minutes_.back().at < at)
    minutes_.push_back({.at = at, .first_token = {}});
  if (minutes_.size() > kMinutes) minutes_.pop_front();
  return minutes_.back();
}

void Metrics::request(const std::string& route, int status) {
  const std::lock_guard lock(mutex_);
  count("requests_total", label("route", route) + "," + label("status", std::to_string(status)));
}

void Metrics::reply(const ReplyTimes& times, std::int64_t prompt_tokens, std::int64_t tokens,
                    const std::string& finish_reason, std::int64_t now) {
  const std::lock_guard lock(mutex_);
  count("replies_total", label("reason", finish_reason));
  count("prompt_tokens_total", "", static_cast<double>(prompt_tokens));
  count("generated_tokens_total", "", static_cast<double>(tokens));
  observe("queue_seconds", times.queue);
  if (times.first_token) observe("time_to_first_token_seconds", *times.first_token);
  observe("reply_seconds", times.total);
  const auto keep = [&](const char* name, double seconds) {
    std::deque<double>& values = latest_[name];
    values.push_back(1000 * seconds);
    if (values.size() > kLatest) values.pop_front();
  };
  if (times.first_token) keep("ttft_ms", *times.first_token);
  keep("total_ms", times.total);
  for (double seconds : times.between) {
    observe("inter_token_seconds", seconds);
    keep("inter_token_ms", seconds);
  }
  Minute& here = minute(now);
  here.replies += 1;
  if (times.first_token && here.first_token.size() < kLatest)
    here.first_token.push_back(1000 * *times.first_token);
}

void Metrics::rejected(const std::string& reason, std::int64_t now) {
  const std::lock_guard lock(mutex_);
  count("rejected_total", label("reason", reason));
  errors_[reason] += 1;
  minute(now).errors += 1;
}

void Metrics::event(const std::string& type, const std::string& fate, std::int64_t now) {
  const std::lock_guard lock(mutex_);
  count("feedback_events_total", label("type", type) + "," + label("fate", fate));
  minute(now).events += 1;
}

void Metrics::event_lag(double seconds) {
  const std::lock_guard lock(mutex_);
  observe("event_lag_seconds", seconds);
}

void Metrics::store_commit(double seconds) {
  const std::lock_guard lock(mutex_);
  observe("store_commit_seconds", seconds);
}

std::string Metrics::prometheus(const std::vector<Gauge>& gauges) const {
  std::ostringstream out;
  out.precision(15);
  const auto head = [&](const std::string& name, const std::string& help, const char* type) {
    out << "# HELP attune_" << name << " " << help << "\n# TYPE attune_" << name << " " << type
        << "\n";
  };
  std::string last;
  for (const Gauge& gauge : gauges) {
    if (gauge.name != last) head(gauge.name, gauge.help, gauge.type);
    last = gauge.name;
    std::string labels;
    for (const auto& [name, value] : gauge.labels)
      labels += (labels.empty() ? "" : ",") + label(name, value);
    out << "attune_" << gauge.name << braces(labels) << " " << gauge.value << "\n";
  }
  const std::lock_guard lock(mutex_);
  for (const Described& one : kCounters) {
    const auto at = counters_.find(one.name);
    if (at == counters_.end()) continue;
    head(one.name, one.help, "counter");
    for (const auto& [labels, value] : at->second)
      out << "attune_" << one.name << braces(labels) << " " << value << "\n";
  }
  for (const Described& one : kHistograms) {
    const auto at = histograms_.find(one.name);
    if (at == histograms_.end()) continue;
    head(one.name, one.help, "histogram");
    std::int64_t below = 0;
    for (std::size_t i = 0; i < kBounds.size(); ++i)
      out << "attune_" << one.name << "_bucket{le=\"" << kBounds[i] << "\"} "
          << (below += at->second.counts[i]) << "\n";
    out << "attune_" << one.name << "_bucket{le=\"+Inf\"} " << at->second.count << "\nattune_"
        << one.name << "_sum " << at->second.sum << "\nattune_" << one.name << "_count "
        << at->second.count << "\n";
  }
  return out.str();
}

base::Json Metrics::recent(std::int64_t now) const {
  const std::lock_guard lock(mutex_);
  base::Json minutes = base::Json::array();
  for (const Minute& one : minutes_) {
    if (one.at <= now / 60000 - static_cast<std::int64_t>(kMinutes)) continue;
    minutes.push_back({{"at", one.at * 60},
                       {"replies", one.replies},
                       {"events", one.events},
                       {"errors", one.errors},
                       {"ttft_ms_p50", quantile(one.first_token, .5)},
                       {"ttft_ms_p95", quantile(one.first_token, .95)}});
  }
  base::Json latency = base::Json::object();
  for (const char* name : {"ttft_ms", "inter_token_ms", "total_ms"}) {
    std::vector<double> values;
    if (const auto at = latest_.find(name); at != latest_.end())
      values.assign(at->second.begin(), at->second.end());
    latency[name] = {{"p50", quantile(values, .5)},
                     {"p95", quantile(values, .95)},
                     {"p99", quantile(values, .99)}};
  }
  base::Json errors = base::Json::object();
  for (const auto& [reason, n] : errors_) errors[reason] = n;
  return {{"traffic", {{"minutes", minutes}}}, {"latency", latency}, {"errors", errors}};
}

}  // namespace serve
