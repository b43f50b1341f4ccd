#include <algorithm>
#include <cmath>
#include <iostream>
#include <mutex>
#include <optional>

#include "base/format.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "metrics/student.h"
#include "pipeline/recipe.h"
#include "serve/visitors.h"

namespace cli {
namespace {

// A mean with its 95 % interval, which takes two values at the least.
struct Mean {
  int n = 0;
  double value = 0;
  std::optional<double> reach;  // to either side
};

Mean mean_of(const std::vector<double>& values) {
  Mean out;
  out.n = static_cast<int>(values.size());
  const double n = out.n;
  double squares = 0;
  for (double value : values) out.value += value / n;
  for (double value : values) squares += (value - out.value) * (value - out.value);
  if (out.n > 1)
    out.reach = metrics::student_quantile(.975, n - 1) * std::sqrt(squares / (n - 1) / n);
  return out;
}

struct Summary {
  int broken = 0;
  std::int64_t turns = 0, events = 0;
  Mean satisfaction;
};

Summary summarise(const std::vector<serve::Visit>& visits) {
  Summary out;
  std::vector<double> satisfactions;
  for (const serve::Visit& visit : visits) {
    out.turns += visit.turns;
    out.events += visit.events;
    if (visit.error.empty())
      satisfactions.push_back(visit.satisfaction);
    else
      ++out.broken;
  }
  out.satisfaction = mean_of(satisfactions);
  return out;
}

// By how much the same people are better off here than where `file` was written. Throws
// base::DataError where they are others.
Mean gain_over(const std::string& file, const std::vector<serve::Visit>& visits) {
  const base::Json before = base::require<base::Json>(base::read_json(file), "each", file);
  std::vector<double> gains;
  for (std::size_t i = 0; i < std::min(visits.size(), before.size()); ++i) {
    if (base::require<std::uint64_t>(before[i], "person", file) != visits[i].person)
      throw base::DataError(file, ": other people came there; the seeds or worlds differ");
    if (visits[i].error.empty() && base::require<std::string>(before[i], "error", file).empty())
      gains.push_back(visits[i].satisfaction -
                      base::require<double>(before[i], "satisfaction", file));
  }
  return mean_of(gains);
}

std::string with_interval(const Mean& mean) {
  if (!mean.reach) return base::fixed(mean.value, 3) + " (too few for an interval)";
  return base::fixed(mean.value, 3) + " [" + base::fixed(mean.value - *mean.reach, 3) + ", " +
         base::fixed(mean.value + *mean.reach, 3) + "]";
}

base::Json to_json(const std::vector<serve::Visit>& visits, const Summary& summary) {
  base::Json each = base::Json::array();
  for (const serve::Visit& visit : visits)
    each.push_back({{"person", visit.person},
                    {"turns", visit.turns},
                    {"events", visit.events},
                    {"satisfaction", visit.satisfaction},
                    {"error", visit.error}});
  const Mean& mean = summary.satisfaction;
  const auto bound = [&](int side) {
    return mean.reach ? base::Json(mean.value + side * *mean.reach) : base::Json();
  };
  return {{"visits", mean.n},
          {"broken", summary.broken},
          {"turns", summary.turns},
          {"events", summary.events},
          {"satisfaction", {{"mean", mean.value}, {"low", bound(-1)}, {"high", bound(1)}}},
          {"each", each}};
}

int simulate_users(const Command& self, const std::vector<std::string>& given) {
  std::string url, run, beside, pace = "20", training = "1", lost = "0";
  int seed = 1;
  bool json = false;
  serve::VisitOptions options;
  simulate::WorldSettings settings;
  Arguments arguments(self);
  arguments.option("--against", url, "address of the server: http://HOST:PORT",
                   Arguments::Need::required);
  arguments.option("--run", run,
                   "a run in a simulated world, whose world they are of; without it "
                   "the settings below");
  arguments.option("--key", options.key, "an API key of the server");
  arguments.option("--conversations", options.conversations, "how many come, one each");
  arguments.option("--at-once", options.at_once, "how many talk at the same time");
  arguments.option("--turns", options.max_turns, "replies after which they leave at the latest");
  arguments.option("--pace", pace,
                   "how many times faster than people they are; 0: without waiting");
  arguments.option("--training", training, "share of them who agree to training");
  arguments.option("--lost", lost, "share of their reports that are lost and sent again");
  arguments.option("--seed", seed, "decides who comes and what they do");
  arguments.option(
      "--beside", beside,
      "what --json printed of the same people elsewhere: how much better off are they?");
  arguments.flag("--json", json, "print one JSON object");
  arguments.settings(base::list_settings(settings));
  arguments.parse(given);
  options.server = serve::ServerAddress::parse(url);
  options.pace = number_argument("--pace", pace, 0, 1e6);
  options.training = number_argument("--training", training, 0, 1);
  options.lost = number_argument("--lost", lost, 0, .9);
  options.seed = static_cast<std::uint64_t>(seed);
  if (options.conversations < 1 || options.at_once < 1 || options.max_turns < 1)
    throw base::UsageError("--conversations, --at-once and --turns are at least 1");
  if (!run.empty()) {
    const pipeline::Recipe recipe = pipeline::read_recipe(run, {});
    if (!recipe.in_world())
      throw base::UsageError(run,
                             " is not of a simulated world; name the world's settings instead");
    settings = recipe.world;
  }

  const simulate::World world(settings);
  base::Progress progress(base::terminal_console(), "users", options.conversations);
  std::mutex mutex;
  const std::vector<serve::Visit> visits = serve::send_visitors(world, options, [&] {
    const std::lock_guard lock(mutex);
    progress.advance();
  });
  progress.finish();
  const Summary summary = summarise(visits);
  if (json) {
    std::cout << to_json(visits, summary).dump() << "\n";
  } else {
    std::cout << summary.satisfaction.n << " conversations, " << summary.turns << " replies, "
              << summary.events << " events\ntrue satisfaction "
              << with_interval(summary.satisfaction) << "\n";
  }
  if (!beside.empty())
    std::cerr << "users  true satisfaction of the same people, minus that of " << beside << ": "
              << with_interval(gain_over(beside, visits)) << "\n";
  for (const serve::Visit& visit : visits)
    if (!visit.error.empty()) {
      std::cerr << "users  " << summary.broken
                << " conversations broke off; one of them: " << visit.error << "\n";
      return 1;
    }
  return 0;
}

}  // namespace

Command simulate_users_command() {
  return {"simulate users",
          "let the people of a simulated world talk with a running server and send it feedback",
          "attune simulate users --against http://127.0.0.1:8080 --run runs/quickstart",
          simulate_users};
}

}  // namespace cli
