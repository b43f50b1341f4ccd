#include "experiment/small_tasks.h"

#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/format.h"
#include "experiment/cart_pole.h"
#include "experiment/random_walks.h"
#include "experiment/results.h"
#include "experiment/toy.h"

namespace experiment {
namespace {

constexpr int kSeeds = 5;
constexpr int kCartSteps = 500'000;

std::string text_of(const std::vector<double>& values, int digits) {
  const Cell cell = summarise(values);
  return base::fixed(cell.mean, digits) + " [" + base::fixed(*cell.low, digits) + ", " +
         base::fixed(*cell.high, digits) + "]";
}

}  // namespace

std::string run_small_tasks(const std::filesystem::path& folder, base::Console& console) {
  base::create_folder(folder);
  const Toy one_token{.length = 1};
  std::vector<double> token, chance, imitated, aligned, cart, seconds(3, 0);
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const auto number = static_cast<std::uint64_t>(seed);
    ToyTask task = ppo_task(one_token, .1);
    task.settings.iterations = 200;
    const ToyResult learned = learn_toy(one_token, task, number);
    token.push_back(learned.score);
    const WalksResult walks = learn_random_walks({}, number);
    chance.push_back(walks.by_chance);
    imitated.push_back(walks.imitated);
    aligned.push_back(walks.aligned);
    const CartPoleResult pole = learn_cart_pole(kCartSteps, number);
    cart.push_back(pole.last);
    seconds[0] += learned.seconds;
    seconds[1] += walks.seconds;
    seconds[2] += pole.seconds;
    console.line(base::concatenate(
        "small tasks  seed ", seed, ": one token ", base::fixed(token.back(), 3), ", walks ",
        base::fixed(imitated.back(), 3), " to ", base::fixed(aligned.back(), 3), ", CartPole ",
        base::fixed(cart.back(), 1)));
  }
  const auto row = [&](const std::string& what, const std::string& found, const std::string& other,
                       double spent) {
    return "| " + what + " | " + found + " | " + other + " | " +
           (spent < 0 ? "" : base::fixed(spent / kSeeds, 0)) + " |\n";
  };
  const std::string text =
      "# Small tasks\n\nFive seeds each; means with 95 % intervals by Student's t over seeds.\n\n"
      "```sh\nattune experiment small-tasks\n```\n\n"
      "| task | found | to be expected | seconds a seed |\n| --- | --- | --- | --- |\n" +
      row("one token of 16, beta .1: probability of the right one", text_of(token, 4),
          "closed form " + base::fixed(toy_optimum(one_token, .1).score, 4), seconds[0]) +
      row("random walks by chance: optimality", text_of(chance, 3), "", -1) +
      row("the same, a model that imitates 1,000 of them", text_of(imitated, 3), "as by chance",
          -1) +
      row(base::concatenate("the same after ", WalksOptions().iterations, " iterations of PPO"),
          text_of(aligned, 3), "towards 1 (trlx)", seconds[1]) +
      row("CartPole, 500,000 steps: last 100 returns", text_of(cart, 1),
          "490 ± 6 (CleanRL; 3 seeds)", seconds[2]);
  base::write_file(folder / "results.md", text);
  return text;
}

}  // namespace experiment
