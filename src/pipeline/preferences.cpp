#include "pipeline/preferences.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "corpus/preferences.h"
#include "feedback/clicks.h"
#include "pipeline/signal_data.h"
#include "recommend/trained_recommender.h"
#include "reward/reward_model.h"
#include "rl/episode.h"
#include "rl/places.h"

namespace pipeline {
namespace {

using Turns = std::vector<dialogue::Turn>;

// The states after prompts, with what their seekers feel.
std::vector<dialogue::State> states_after(std::vector<Turns> prompts, Run& run,
                                          const recommend::TrainedModel& model) {
  dialogue::Corpus corpus{model.catalogue, {}};
  for (Turns& prompt : prompts) {
    corpus.dialogues.emplace_back();
    corpus.dialogues.back().turns = std::move(prompt);
  }
  corpus = feedback::with_sentiment(std::move(corpus), run.data().sentiment());
  std::vector<dialogue::State> states;
  for (const dialogue::Dialogue& dialogue : corpus.dialogues)
    states.push_back(dialogue::state_before(dialogue, dialogue.turns.size(), model.state));
  return states;
}

dialogue::Preferences judge_logs(Run& run) {
  const SignalData signals = measure_run_signals(run.data());
  const std::size_t acceptance = signals.table.column("acceptance");
  dialogue::Preferences out;
  for (const feedback::SignalRow& row : signals.table.rows) {
    const dialogue::Dialogue& dialogue =
        signals.corpus.dialogues[static_cast<std::size_t>(row.dialogue)];
    const auto turn = static_cast<std::size_t>(row.turn);
    if (!row.item || !row.values[acceptance] || turn == 0 || dialogue.turns[turn].text.empty())
      continue;
    out.judgements.push_back({{dialogue.turns.begin(), dialogue.turns.begin() + row.turn},
                              dialogue.turns[turn],
                              *row.values[acceptance] >= feedback::kTaken});
  }
  return out;
}

dialogue::Turn turn_of(const dialogue::Action& action) {
  dialogue::Turn turn;
  turn.role = dialogue::Role::recommender;
  turn.text = action.text;
  turn.mentions = action.mentions;
  return turn;
}

// Replies that are compared, with their scores.
struct Group {
  std::vector<dialogue::Turn> replies;
  std::vector<double> scores;
};

// What the replies of one group come to.
void add_group(const Turns& prompt, const Group& group, PreferenceKind kind,
               dialogue::Preferences& out) {
  const std::vector<double>& scores = group.scores;
  if (scores.empty()) return;
  const auto [worst, best] = std::minmax_element(scores.begin(), scores.end());
  if (*worst == *best) return;
  const auto reply = [&](auto at) {
    return group.replies[static_cast<std::size_t>(at - scores.begin())];
  };
  if (kind == PreferenceKind::pairs) {
    out.pairs.push_back({prompt, reply(best), reply(worst)});
    return;
  }
  const double mean =
      std::accumulate(scores.begin(), scores.end(), 0.) / static_cast<double>(scores.size());
  for (auto score = scores.begin(); score != scores.end(); ++score)
    out.judgements.push_back({prompt, reply(score), *score > mean});
}

dialogue::Preferences judge_by_reward(Run& run, const PreferenceOptions& options) {
  run.require("sft");
  run.require("reward");
  const recommend::TrainedModel model = recommend::read_trained(run.folder() / "sft");
  const reward::RewardModel reward = reward::RewardModel::read(run.folder() / "reward", run.type());
  recommend::TrainedRecommender recommender("sft", model, {.type = run.type(), .hash = "-"});
  const auto training = pointers(run.data().train);
  const std::vector<rl::Place> places = rl::draw_places(
      rl::find_places(training).all, options.states, {run.seed(), "preferences/states"});
  const std::vector<dialogue::State> states = rl::states_before(places, model.state);
  dialogue::Preferences out;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::vector<dialogue::State> same(static_cast<std::size_t>(options.replies), states[i]);
    dialogue::Sampling sampling;
    sampling.temperature = run.recipe().rl.temperature;
    sampling.max_tokens = run.recipe().rl.max_tokens;
    sampling.seed = base::random_key({run.seed(), "preferences/replies", i});
    const std::vector<rl::Episode> episodes = rl::roll_out(
        recommender, model.tokens, same, sampling, static_cast<int>(model.language.config.context));
    std::vector<reward::ScoredReply> replies;
    for (const rl::Episode& episode : episodes) {
      std::vector<int> ids = episode.prompt;
      ids.insert(ids.end(), episode.tokens.begin(), episode.tokens.end());
      replies.push_back({episode.action, std::move(ids)});
    }
    const std::vector<double> scores = reward.response_scores(replies);
    Group groups[2];  // by mode, where that is not learned
    for (std::size_t r = 0; r < replies.size(); ++r) {
      const dialogue::Action& action = replies[r].action;
      Group& group = groups[run.recipe().rl.learn_mode || action.recommends];
      group.replies.push_back(turn_of(action));
      group.scores.push_back(scores[r]);
    }
    const Turns& turns = places[i].dialogue->turns;
    const Turns prompt(turns.begin(), turns.begin() + static_cast<std::ptrdiff_t>(places[i].turn));
    for (const Group& group : groups) add_group(prompt, group, options.kind, out);
  }
  return out;
}

}  // namespace

std::vector<std::vector<rl::JudgedReply>> read_judged(Run& run,
                                                      const recommend::TrainedModel& model) {
  const std::string& file = run.recipe().rl.preferences;
  const dialogue::Preferences read = corpus::read_preferences(file, model.catalogue);
  for (const dialogue::Dropped& dropped : read.dropped)
    run.console().line(
        base::concatenate("rl  ", file, ": left out ", dropped.count, " ", dropped.what));
  const bool pairs = run.recipe().rl.algorithm == "dpo";
  std::vector<Turns> prompts;
  for (const dialogue::Preference& pair : read.pairs) prompts.push_back(pair.prompt);
  for (const dialogue::Judgement& judgement : read.judgements) prompts.push_back(judgement.prompt);
  const std::vector<dialogue::State> states = states_after(std::move(prompts), run, model);
  std::vector<std::vector<rl::JudgedReply>> judged;
  for (std::size_t i = 0; i < read.pairs.size(); ++i) {
    const rl::JudgedReply chosen{states[i], read.pairs[i].chosen, 1},
        rejected{states[i], read.pairs[i].rejected, -1};
    if (pairs) {
      judged.push_back({chosen, rejected});
    } else {
      judged.push_back({chosen});
      judged.push_back({rejected});
    }
  }
  if (!pairs)
    for (std::size_t i = 0; i < read.judgements.size(); ++i)
      judged.push_back({{states[read.pairs.size() + i], read.judgements[i].completion,
                         read.judgements[i].label ? 1. : -1.}});
  if (judged.empty())
    throw base::DataError(file, ": holds no ", pairs ? "pairs for dpo" : "judgements for kto");
  return judged;
}

dialogue::Preferences make_preferences(Run& run, const PreferenceOptions& options) {
  if (options.states < 1 || options.replies < 2)
    throw base::UsageError("preferences need at least 1 state and 2 replies to it");
  if (!options.from_logs) return judge_by_reward(run, options);
  if (options.kind == PreferenceKind::pairs)
    throw base::UsageError(
        "logs have one reply to a state, so there are no pairs in them; take judgements, or pairs "
        "from the reward model");
  run.require("data");
  return judge_logs(run);
}

}  // namespace pipeline
