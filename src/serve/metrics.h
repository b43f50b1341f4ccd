#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace serve {

// What a reply took, in seconds.
struct ReplyTimes {
  double queue = 0, total = 0;
  std::optional<double> first_token;  // nothing: it had no words
  std::vector<double> between;        // tokens, from the second on
};

// A value that is read when it is asked for.
struct Gauge {
  std::string name;                                         // without "attune_"
  std::vector<std::pair<std::string, std::string>> labels;  // names, values
  std::string help;
  double value = 0;
  const char* type = "gauge";  // or "counter": its name ends in "_total"
};

// Counters and histograms of a server, and what the Loop page shows of the last two hours. All
// functions may be called from any thread. Times are milliseconds since 1970.
class Metrics {
 public:
  void request(const std::string& route, int status);
  void reply(const ReplyTimes& times, std::int64_t prompt_tokens, std::int64_t tokens,
             const std::string& finish_reason, std::int64_t now);
  void rejected(const std::string& reason, std::int64_t now);
  void event(const std::string& type, const std::string& fate, std::int64_t now);  // accepted, …
  void event_lag(double seconds);
  void store_commit(double seconds);

  // The Prometheus text format, version 0.0.4, the gauges with it.
  std::string prometheus(const std::vector<Gauge>& gauges) const;
  // "traffic", "latency" and "errors" of GET /v1/loop.
  base::Json recent(std::int64_t now) const;

 private:
  struct Histogram {
    std::vector<std::int64_t> counts;  // one a bound, and one beyond
    double sum = 0;
    std::int64_t count = 0;
  };
  struct Minute {
    std::int64_t at = 0;  // minutes since 1970
    std::int64_t replies = 0, events = 0, errors = 0;
    std::vector<double> first_token;  // ms
  };
  void count(const std::string& name, const std::string& labels, double n = 1);
  void observe(const std::string& name, double seconds);
  Minute& minute(std::int64_t now);

  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, double>> counters_;  // name, labels
  std::map<std::string, Histogram> histograms_;
  std::deque<Minute> minutes_;
  std::map<std::string, std::deque<double>> latest_;  // ms, the newest thousand of each
  std::map<std::string, std::int64_t> errors_;
};

}  // namespace serve
