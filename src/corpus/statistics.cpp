#include "corpus/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include <fmt/format.h>

namespace corpus {
namespace {

using dialogue::Dialogue;
using dialogue::Role;
using dialogue::Turn;

std::int64_t count_words(const std::string& text) {
  std::int64_t words = 0;
  bool inside = false;
  for (char c : text) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    words += !space && !inside;
    inside = !space;
  }
  return words;
}

void add_answer(Answers& to, const std::optional<bool>& answer) {
  if (!answer)
    ++to.not_said;
  else
    ++(*answer ? to.yes : to.no);
}

double nearest_rank(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

void add_turns(const Dialogue& dialogue, Statistics& statistics, std::unordered_set<int>& items) {
  const Turn* before = nullptr;
  for (const Turn& turn : dialogue.turns) {
    ++statistics.messages;
    statistics.merged_turns += !before || before->role != turn.role;
    statistics.words += count_words(turn.text);
    (turn.role == Role::seeker ? statistics.seeker_mentions : statistics.recommender_mentions) +=
        static_cast<std::int64_t>(turn.mentions.size());
    for (const dialogue::Mention& mention : turn.mentions) items.insert(mention.item);
    before = &turn;
  }
  for (std::size_t turn = 0; turn < dialogue.turns.size(); ++turn) {
    if (!dialogue.is_target(turn)) continue;
    const auto targets = static_cast<std::int64_t>(dialogue.turns[turn].items().size());
    statistics.target_turns += targets > 0;
    statistics.targets += targets;
  }
}

std::string with_shares(const Answers& answers) {
  return fmt::format("{} / {} / {}", answers.yes, answers.no, answers.not_said);
}

double ratio(std::int64_t a, std::int64_t b) {
  return b ? static_cast<double>(a) / static_cast<double>(b) : 0;
}

base::Json answers_json(const Answers& answers) {
  return {{"yes", answers.yes}, {"no", answers.no}, {"not_said", answers.not_said}};
}

}  // namespace

Statistics measure(const dialogue::Corpus& corpus) {
  std::vector<int> all(corpus.dialogues.size());
  std::iota(all.begin(), all.end(), 0);
  return measure(corpus, all);
}

Statistics measure(const dialogue::Corpus& corpus, const std::vector<int>& dialogues) {
  Statistics statistics;
  std::unordered_set<int> items;
  std::unordered_set<std::string> seekers, recommenders;
  std::vector<double> seconds;
  for (int index : dialogues) {
    const Dialogue& dialogue = corpus.dialogues[static_cast<std::size_t>(index)];
    ++statistics.dialogues;
    add_turns(dialogue, statistics, items);
    if (!dialogue.seeker.empty()) seekers.insert(dialogue.seeker);
    if (!dialogue.recommender.empty()) recommenders.insert(dialogue.recommender);
    statistics.events += static_cast<std::int64_t>(dialogue.events.size());
    for (const dialogue::Label& label : dialogue.seeker_labels) {
      add_answer(statistics.liked, label.liked);
      if (label.suggested == true) add_answer(statistics.liked_suggested, label.liked);
    }
    if (dialogue.turns.empty() || !dialogue.turns.back().time) continue;
    ++statistics.timed;
    seconds.push_back(*dialogue.turns.back().time);
  }
  statistics.distinct_items = static_cast<std::int64_t>(items.size());
  statistics.seekers = static_cast<std::int64_t>(seekers.size());
  statistics.recommenders = static_cast<std::int64_t>(recommenders.size());
  std::sort(seconds.begin(), seconds.end());
  statistics.seconds_median = nearest_rank(seconds, .5);
  statistics.seconds_p95 = nearest_rank(seconds, .95);
  return statistics;
}

base::Json to_json(const Statistics& s) {
  return {{"dialogues", s.dialogues},
          {"messages", s.messages},
          {"merged_turns", s.merged_turns},
          {"words", s.words},
          {"seeker_mentions", s.seeker_mentions},
          {"recommender_mentions", s.recommender_mentions},
          {"target_turns", s.target_turns},
          {"targets", s.targets},
          {"distinct_items", s.distinct_items},
          {"seekers", s.seekers},
          {"recommenders", s.recommenders},
          {"events", s.events},
          {"liked", answers_json(s.liked)},
          {"liked_suggested", answers_json(s.liked_suggested)},
          {"timed", s.timed},
          {"seconds_median", s.seconds_median},
          {"seconds_p95", s.seconds_p95}};
}

std::vector<std::pair<std::string, std::string>> describe(const Statistics& s) {
  std::vector<std::pair<std::string, std::string>> lines = {
      {"dialogues", fmt::format("{}", s.dialogues)},
      {"messages",
       fmt::format("{} ({:.1f} a dialogue)", s.messages, ratio(s.messages, s.dialogues))},
      {"merged turns",
       fmt::format("{} ({:.2f} a dialogue)", s.merged_turns, ratio(s.merged_turns, s.dialogues))},
      {"words", fmt::format("{} ({:.1f} a message)", s.words, ratio(s.words, s.messages))},
      {"mentions",
       fmt::format("{} (seeker {}, recommender {})", s.seeker_mentions + s.recommender_mentions,
                   s.seeker_mentions, s.recommender_mentions)},
      {"turns that recommend", fmt::format("{} ({} items)", s.target_turns, s.targets)},
      {"distinct items", fmt::format("{}", s.distinct_items)},
      {"people", fmt::format("{} seekers, {} recommenders", s.seekers, s.recommenders)},
      {"liked yes / no / not said", with_shares(s.liked)},
      {"of suggested items", with_shares(s.liked_suggested)},
      {"events", fmt::format("{}", s.events)}};
  if (s.timed)
    lines.emplace_back("seconds p50 / p95",
                       fmt::format("{:.0f} / {:.0f}", s.seconds_median, s.seconds_p95));
  return lines;
}

}  // namespace corpus
