#include "experiment/toy.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <exception>
#include <mutex>
#include <thread>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "base/files.h"
#include "base/format.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/settings.h"
#include "model/language_model.h"
#include "model/layout.h"
#include "rl/best_of_n.h"
#include "rl/plain_tokens.h"
#include "rl/words_trainer.h"

namespace experiment {
namespace {

constexpr int kVersion = 1;
constexpr int kBatch = 256;
constexpr double kTolerance = .015;
constexpr int kBestReplies = 65'536;

// The reference: a GPT-2 that draws every token alike, for its output layer is 0. The token after
// the outcomes begins a reply.
model::LanguageModel make_model(const Toy& toy, std::uint64_t seed) {
  model::ModelConfig config = model::gpt2_config(2, 2, 32, toy.length + 1, toy.outcomes + 1);
  config.tied = false;
  model::LanguageModel model = model::random_model(config, seed);
  torch::NoGradGuard no_grad;
  torch::Tensor head = model.parameters.at(model::outer_names(config.family).head);
  head.zero_();
  return model;
}

model::Weights without_gradient(const model::LanguageModel& model) {
  torch::NoGradGuard no_grad;
  return model::cast(model, torch::kFloat32);
}

std::vector<std::vector<int>> beginnings(const Toy& toy, int replies) {
  return std::vector<std::vector<int>>(static_cast<std::size_t>(replies), {toy.outcomes});
}

std::vector<double> score(const std::vector<rl::Episode>& episodes) {
  std::vector<double> scores;
  for (const rl::Episode& episode : episodes)
    scores.push_back(
        static_cast<double>(std::count(episode.tokens.begin(), episode.tokens.end(), 0)));
  return scores;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

rl::RlSettings common(const std::string& algorithm) {
  rl::RlSettings settings;
  settings.algorithm = algorithm;
  settings.learn_mode = true;  // the first token is one like the others
  settings.score_scaling = "none";
  settings.missing_end_penalty = 0;
  settings.max_approx_kl = 0;
  settings.batch = settings.minibatch = kBatch;
  settings.lambda = 1;
  settings.kl_target = 0;
  settings.learning_rate = 1e-3;
  return settings;
}

ToyTask rloo_task(const Toy& toy, double beta) {
  ToyTask task{"rloo, beta " + base::fixed(beta, 1), common("rloo"), false, toy_optimum(toy, beta)};
  task.settings.beta = beta;
  task.settings.group_size = 8;
  task.settings.iterations = 1600;
  task.settings.epochs = 1;
  return task;
}

ToyTask dpo_task(const Toy& toy, double beta) {
  ToyTask task{"dpo, beta " + base::fixed(beta, 1), common("dpo"), true, toy_optimum(toy, beta)};
  task.settings.preference_beta = beta;
  // Judges who err leave noise in the weights, and with it KL, in proportion to the step.
  task.settings.learning_rate = 5e-4;
  task.settings.group_size = 2;
  task.settings.iterations = 1600;
  task.settings.epochs = 1;
  return task;
}

ToyTask grpo_task(const Toy& toy, double beta) {
  ToyTask task{"grpo / deviation, beta " + base::fixed(beta, 1), common("grpo"), false,
               toy_fixed_point(toy, beta)};
  task.settings.beta = beta;
  task.settings.group_size = kBatch;
  task.settings.kl_place = "loss";
  task.settings.kl_loss = "k2";
  task.settings.beta_unit = "advantage";
  task.settings.iterations = 1600;
  task.settings.epochs = 1;
  return task;
}

ToyTask adaptive_task(const Toy& toy, double target, double start) {
  ToyTask task = ppo_task(toy, start);
  task.name = base::concatenate("ppo, KL target ", target, " from beta ", start);
  task.settings.kl_target = target;
  task.settings.kl_horizon = 10'000;
  task.settings.iterations = 800;
  task.expected_beta = toy_beta_of(toy, target);
  task.expected = toy_optimum(toy, task.expected_beta);
  return task;
}

// ---- the table ----

std::string beside(double found, double expected, int digits) {
  return base::concatenate("| ", base::fixed(found, digits), " | ", base::fixed(expected, digits),
                           " | ", base::signed_fixed(100 * (found / expected - 1), 1), " % ");
}

bool lands(double found, double expected) { return std::abs(found / expected - 1) <= kTolerance; }

std::string row_of(const ToyTask& task, const ToyResult& result) {
  const bool right = lands(result.score, task.expected.score) &&
                     lands(result.kl, task.expected.kl) &&
                     (task.expected_beta == 0 || lands(result.beta, task.expected_beta));
  return "| " + task.name + " " + beside(result.score, task.expected.score, 3) +
         beside(result.kl, task.expected.kl, 3) +
         (task.expected_beta == 0 ? "| "
                                  : "| " + base::fixed(result.beta, 4) + " (" +
                                        base::fixed(task.expected_beta, 4) + ") ") +
         "| " + (right ? "yes" : "no") + " | " + base::fixed(result.seconds, 0) + " |\n";
}

// A sum of all that decides a task's result but the seed.
std::string sum_of(const Toy& toy, ToyTask task) {
  return base::sha256(base::Json({{"outcomes", toy.outcomes},
                                  {"length", toy.length},
                                  {"noisy", task.noisy},
                                  {"settings", base::to_json(base::list_settings(task.settings))}})
                          .dump());
}

std::string row_of(const ToyBest& best) {
  return base::concatenate("| ", best.n, " | ", base::fixed(best.score, 3), " | ",
                           base::fixed(best.expected, 5), " | ",
                           base::signed_fixed((best.score - best.expected) / best.error, 1), " | ",
                           base::fixed(best.kl_bound, 3), " |\n");
}

// The results of all tasks, two at a time; those that the folder has are read.
std::vector<ToyResult> learn_all(const Toy& toy, const std::vector<ToyTask>& tasks,
                                 const std::filesystem::path& folder, std::uint64_t seed,
                                 base::Console& console) {
  std::vector<ToyResult> results(tasks.size());
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  const auto learn = [&](std::size_t i) {
    const std::filesystem::path file =
        folder / base::concatenate("task-", i + 1, "-seed-", seed, ".json");
    if (const auto result = read_toy_result(file, toy, tasks[i])) {
      results[i] = *result;
      return;
    }
    results[i] = learn_toy(toy, tasks[i], seed);
    write_toy_result(file, toy, tasks[i], results[i]);
    const std::scoped_lock lock(mutex);
    console.line("toy  " + tasks[i].name + ": score " + base::fixed(results[i].score, 3) + " (" +
                 base::fixed(tasks[i].expected.score, 3) + "), KL " +
                 base::fixed(results[i].kl, 3) + " (" + base::fixed(tasks[i].expected.kl, 3) +
                 "), " + base::format_duration(results[i].seconds));
  };
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < tasks.size(); i = next++) learn(i);
    } catch (...) {
      const std::scoped_lock lock(mutex);
      failure = std::current_exception();
      next = tasks.size();
    }
  };
  // The model is tiny: a core each for two tasks is faster than two cores for one.
  at::set_num_threads(1);
  std::thread other(work);
  work();
  other.join();
  if (failure) std::rethrow_exception(failure);
  return results;
}

}  // namespace

ToyTask ppo_task(const Toy& toy, double beta) {
  ToyTask task{"ppo, beta " + base::fixed(beta, 1), common("ppo"), false, toy_optimum(toy, beta)};
  task.settings.beta = beta;
  task.settings.iterations = 400;
  task.settings.epochs = 4;
  return task;
}

std::vector<ToyTask> toy_tasks(const Toy& toy) {
  std::vector<ToyTask> tasks;
  for (const auto make : {ppo_task, rloo_task, dpo_task})
    for (const double beta : {1., .5, .3, .2}) tasks.push_back(make(toy, beta));
  for (const double beta : {1., .5, .3}) tasks.push_back(grpo_task(toy, beta));
  tasks.push_back(adaptive_task(toy, 6, .3));
  return tasks;
}

ToyResult learn_toy(const Toy& toy, const ToyTask& task, std::uint64_t seed) {
  const auto start = std::chrono::steady_clock::now();
  const rl::RlSettings& settings = task.settings;
  model::LanguageModel policy = make_model(toy, seed);
  const model::LanguageModel first = policy.copy();
  const model::Weights reference = without_gradient(first);
  rl::WordsTrainer trainer(policy, reference, rl::plain_scorer(toy.outcomes), settings,
                           torch::kFloat32);
  const int each = settings.algorithm == "ppo" ? 1 : settings.group_size;
  std::vector<int> groups;
  for (int i = 0; i < settings.batch; ++i) groups.push_back(i / each);
  std::vector<double> scores, kls;
  for (int iteration = 1; iteration <= settings.iterations; ++iteration) {
    base::stop_if_interrupted();
    const base::RandomPlace at{seed, "toy/update", static_cast<std::uint64_t>(iteration)};
    std::vector<rl::Episode> episodes =
        rl::sample_plain(without_gradient(policy), beginnings(toy, settings.batch),
                         {.rows = toy.outcomes,
                          .length = toy.length,
                          .seed = base::random_key({seed, "toy/sample", at.step})});
    std::vector<double> judged = score(episodes);
    const double mean_score = mean(judged);
    base::Random noise({seed, "toy/judge", at.step});
    if (task.noisy)
      for (double& one : judged) one -= std::log(-std::log(std::max(noise.uniform(), 1e-300)));
    const rl::Rollout rollout = trainer.prepare(std::move(episodes), std::move(judged), at, groups);
    trainer.update(
        rollout,
        settings.learning_rate * (1 - static_cast<double>(iteration - 1) / settings.iterations),
        at);
    if (4 * iteration <= 3 * settings.iterations) continue;
    scores.push_back(mean_score);
    // To a uniform reference the KL follows from the entropy, which is exact at every token.
    kls.push_back(toy.length * (std::log(toy.outcomes) - rollout.entropy));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return {mean(scores), mean(kls), trainer.beta(), seconds.count()};
}

ToyBest best_of_toy(const Toy& toy, int n, int replies, std::uint64_t seed) {
  const model::LanguageModel model = make_model(toy, seed);
  const model::Weights reference = without_gradient(model);
  std::vector<double> best;
  for (int first = 0; first + n <= replies; first += n) {
    const std::vector<double> scores = score(rl::sample_plain(
        reference, beginnings(toy, n),
        {.rows = toy.outcomes,
         .length = toy.length,
         .seed = base::random_key({seed, "toy/best", static_cast<std::uint64_t>(first)})}));
    best.push_back(scores[rl::select_best(scores, std::vector<int>(scores.size(), 0)).front()]);
  }
  ToyBest out{n, mean(best), 0, 0, rl::best_of_n_kl(n)};
  double squares = 0;
  for (const double score : best) squares += (score - out.score) * (score - out.score);
  const auto groups = static_cast<double>(best.size());
  out.error = std::sqrt(squares / (groups - 1) / groups);
  const ToyScores exact = toy_scores(toy);
  out.expected = rl::best_of_n_score(exact.values, exact.probabilities, n);
  return out;
}

void write_toy_result(const std::filesystem::path& file, const Toy& toy, const ToyTask& task,
                      const ToyResult& result) {
  base::write_json(file, {{"schema", base::schema("toy_result", kVersion)},
                          {"task", sum_of(toy, task)},
                          {"score", result.score},
                          {"kl", result.kl},
                          {"beta", result.beta},
                          {"seconds", result.seconds}});
}

std::optional<ToyResult> read_toy_result(const std::filesystem::path& file, const Toy& toy,
                                         const ToyTask& task) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  const base::Json json = base::read_json(file);
  const std::string where = file.string();
  base::require_schema(json, "toy_result", kVersion, where);
  if (base::optional<std::string>(json, "task", where) != sum_of(toy, task)) return std::nullopt;
  return ToyResult{
      base::require<double>(json, "score", where), base::require<double>(json, "kl", where),
      base::require<double>(json, "beta", where), base::require<double>(json, "seconds", where)};
}

std::string run_toy(const std::filesystem::path& folder, std::uint64_t seed,
                    base::Console& console) {
  const Toy toy;
  const std::vector<ToyTask> tasks = toy_tasks(toy);
  base::create_folder(folder);
  const std::vector<ToyResult> results = learn_all(toy, tasks, folder, seed, console);
  std::string text =
      "# The toy with known answers\n\n"
      "A reply of 8 tokens out of 16, the reference draws all alike, the score is how often token "
      "0 stands in it. Found: means over the last quarter of the updates; expected: closed form "
      "(toy_theory.h). Lands: score, KL and, where it adapts, beta within 1.5 %.\n\n"
      "```sh\nattune experiment toy\n```\n\n"
      "| task | score | expected | off | KL | expected | off | beta (expected) | lands | seconds "
      "|\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
  for (std::size_t i = 0; i < tasks.size(); ++i) text += row_of(tasks[i], results[i]);
  text += base::concatenate("\nBest of n replies of the reference, ", kBestReplies,
                            " replies each:\n\n",
                            "| n | score | exact | standard errors off | KL at most |\n| --- | --- "
                            "| --- | --- | --- |\n");
  for (const int n : {1, 4, 16, 64, 256}) text += row_of(best_of_toy(toy, n, kBestReplies, seed));
  base::write_file(folder / "results.md", text);
  return text;
}

}  // namespace experiment
