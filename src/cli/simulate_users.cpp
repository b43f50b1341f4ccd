#include <cmath>
#include <iostream>
#include <mutex>

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

struct Summary {
  int visits = 0, broken = 0;
  std::int64_t turns = 0, events = 0;
  double mean = 0, low = 0, high = 0;  // of the true satisfaction, 95 %
};

Summary summarise(const std::vector<serve::Visit>& visits) {
  Summary out;
  double sum = 0, squares = 0;
  for (const serve::Visit& visit : visits) {
    out.turns += visit.turns;
    out.events += visit.events;
    if (!visit.error.empty()) {
      ++out.broken;
      continue;
    }
    ++out.visits;
    sum += visit.satisfaction;
    squares += visit.satisfaction * visit.satisfaction;
  }
  if (out.visits < 2) return out;
  const double n = out.visits;
  out.mean = sum / n;
  const double error = std::sqrt(std::max(0., squares / n - out.mean * out.mean) / (n - 1));
  const double reach = metrics::student_quantile(.975, n - 1) * error;
  out.low = out.mean - reach;
  out.high = out.mean + reach;
  return out;
}

base::Json to_json(const std::vector<serve::Visit>& visits, const Summary& summary) {
  base::Json each = base::Json::array();
  for (const serve::Visit& visit : visits)
    each.push_back({{"person", visit.person},
                    {"turns", visit.turns},
                    {"events", visit.events},
                    {"satisfaction", visit.satisfaction},
                    {"error", visit.error}});
  return {{"visits", summary.visits},
          {"broken", summary.broken},
          {"turns", summary.turns},
          {"events", summary.events},
          {"satisfaction", {{"mean", summary.mean}, {"low", summary.low}, {"high", summary.high}}},
          {"each", each}};
}

int simulate_users(const Command& self, const std::vector<std::string>& given) {
  std::string url, run, pace = "20", training = "1", lost = "0";
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
    std::cout << summary.visits << " conversations, " << summary.turns << " replies, "
              << summary.events << " events\ntrue satisfaction " << base::fixed(summary.mean, 3)
              << " [" << base::fixed(summary.low, 3) << ", " << base::fixed(summary.high, 3)
              << "]\n";
  }
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
