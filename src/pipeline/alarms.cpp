#include "pipeline/alarms.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/format.h"
#include "base/run_log.h"

namespace pipeline {
namespace {

// A metric's means over the first and the last quarter of its values, at least one.
struct Course {
  double first = 0, last = 0;
};

std::optional<Course> course_of(const std::filesystem::path& folder, const std::string& metric) {
  const auto values = base::read_metric(folder, metric);
  if (values.empty()) return std::nullopt;
  const std::size_t part = std::max<std::size_t>(values.size() / 4, 1);
  Course course;
  for (std::size_t i = 0; i < part; ++i) {
    course.first += values[i].second / static_cast<double>(part);
    course.last += values[values.size() - 1 - i].second / static_cast<double>(part);
  }
  return course;
}

std::string from_to(const Course& course, int digits) {
  return base::fixed(course.first, digits) + " to " + base::fixed(course.last, digits);
}

class Alarms {
 public:
  Alarms(const std::filesystem::path& policy, const rl::RlSettings& settings)
      : policy_(policy), settings_(settings) {}

  void of_the_log() {
    gold_against("item/reward", "items");
    // Where steps can be taken back, the words' scores are of the start model's replies.
    if (!course("kl/taken_back")) gold_against("objective/scores", "words");
    if (const auto entropy = course("objective/entropy");
        entropy && entropy->last < .5 * entropy->first)
      say("The entropy of the words fell below half of its start: " + from_to(*entropy, 2) +
          " nats a token.");
    if (const auto length = course("length/mean");
        length && length->first > 0 &&
        (length->last > 1.5 * length->first || length->last < length->first / 1.5))
      say("The length of replies drifted by more than half: " + from_to(*length, 1) + " tokens.");
    steps_of("steps_skipped", "kl/taken_back", "words");
    steps_of("item/steps_skipped", "item/taken_back", "item slot");
    kl_of("objective/kl", "words'", settings_.kl_target);
    kl_of("item/kl", "item slot's", settings_.item_kl_target);
    if (const auto kl = course("objective/kl"); kl && kl->last < -.5)
      say("The words' KL is estimated below 0 (" + base::fixed(kl->last, 2) +
          " nats): the policy says much that it would hardly say itself.");
    if (const auto clipped = course("policy/clipfrac_avg"); clipped && clipped->last > .3)
      say("The ratio is clipped at " + base::fixed(100 * clipped->last, 0) +
          " % of the tokens: steps are too large.");
    if (const auto mismatch = course("mismatch/log_prob"); mismatch && mismatch->last > .1)
      say("Sampler and trainer disagree on log-probabilities by " + base::fixed(mismatch->last, 2) +
          " nats a token.");
    if (const auto cheer = course("reward/sentiment_correlation");
        cheer && std::max(cheer->first, cheer->last) > .5)
      say("The score of words goes with how cheerful they are: correlation " + from_to(*cheer, 2) +
          ".");
  }

  void of_the_scores(const evaluate::ModelScores& start, const evaluate::ModelScores& aligned) {
    const auto hits = [](const evaluate::ModelScores& scores) -> std::optional<double> {
      const auto found = scores.protocols.find("v2");
      if (found == scores.protocols.end()) return std::nullopt;
      return found->second.pairs.at(1).hit;  // at 5
    };
    if (start.text && aligned.text && hits(start) && hits(aligned) &&
        *hits(aligned) > *hits(start) && aligned.text->bleu4 < .8 * start.text->bleu4)
      say("Hits rose while BLEU fell by more than a fifth: " +
          from_to({start.text->bleu4, aligned.text->bleu4}, 2) + ".");
    const auto before = start.lists.find("v2"), after = aligned.lists.find("v2");
    if (before != start.lists.end() && after != aligned.lists.end() &&
        after->second.coverage < .5 * before->second.coverage)
      say("Recommendations narrowed: the ten best items cover " +
          from_to({100 * before->second.coverage, 100 * after->second.coverage}, 1) +
          " % of the catalogue.");
    if (!start.context || !aligned.context) return;
    const evaluate::ContextScores &then = *start.context, &now = *aligned.context;
    if (now.weight < .7 * then.weight)
      say("What the seeker said counts for less: weight " + from_to({then.weight, now.weight}, 2) +
          ".");
    if (now.consistency < .7 * then.consistency)
      say("Recommendations change more from message to message: consistency " +
          from_to({then.consistency, now.consistency}, 2) + ".");
  }

  std::vector<std::string> take() { return std::move(found_); }

 private:
  std::optional<Course> course(const std::string& metric) const {
    return course_of(policy_, metric);
  }

  void gold_against(const std::string& score, const std::string& whose) {
    const auto gold = course("gold"), proxy = course(score);
    if (gold && proxy && proxy->last > proxy->first && gold->last < gold->first)
      say("The reward model's score of " + whose + " rose (" + from_to(*proxy, 2) +
          ") while the gold judge fell (" + from_to(*gold, 3) + "): the reward is being gamed.");
  }

  void steps_of(const std::string& skipped, const std::string& taken_back,
                const std::string& whose) {
    double lost = 0;
    for (const auto& [iteration, steps] : base::read_metric(policy_, skipped)) lost += steps;
    if (lost > 0)
      say(base::fixed(lost, 0) + " steps of the " + whose +
          " were skipped, for their gradient was not finite.");
    const auto backs = base::read_metric(policy_, taken_back);
    if (!backs.empty() &&
        std::all_of(backs.begin(), backs.end(), [](const auto& back) { return back.second != 0; }))
      say("Every step of the " + whose +
          " was taken back: each one went over the budget of KL, and nothing was learned.");
  }

  void kl_of(const std::string& metric, const std::string& whose, double budget) {
    const auto kl = course(metric);
    if (kl && budget > 0 && kl->last > 1.5 * budget)
      say("The " + whose + " KL is past its budget: " + base::fixed(kl->last, 2) + " of " +
          base::fixed(budget, 2) + " nats.");
  }

  void say(std::string sentence) { found_.push_back(std::move(sentence)); }

  const std::filesystem::path& policy_;
  const rl::RlSettings& settings_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> find_alarms(const std::filesystem::path& policy,
                                     const rl::RlSettings& settings,
                                     const evaluate::ModelScores& start,
                                     const evaluate::ModelScores& aligned) {
  Alarms alarms(policy, settings);
  alarms.of_the_log();
  alarms.of_the_scores(start, aligned);
  return alarms.take();
}

}  // namespace pipeline
