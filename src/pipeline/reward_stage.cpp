#include <algorithm>

#include "base/error.h"
#include "base/format.h"
#include "base/random.h"
#include "base/run_log.h"
#include "feedback/validity.h"
#include "pipeline/reward_words.h"
#include "pipeline/signal_data.h"
#include "pipeline/stages.h"
#include "recommend/model_folder.h"
#include "reward/reader.h"
#include "reward/reward_model.h"
#include "reward/validation.h"

namespace pipeline {
namespace {

constexpr double kHeldOut = .1;  // of the dialogues, and so of the labels

// most: dialogues that are not held out, at most; 0: any number.
std::vector<bool> hold_out(std::size_t dialogues, int most, std::uint64_t seed) {
  std::vector<bool> held(dialogues);
  base::Random random({.seed = seed, .stage = "reward/hold-out"});
  for (std::size_t i = 0; i < dialogues; ++i) held[i] = random.chance(kHeldOut);
  if (most == 0) return held;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < dialogues; ++i)
    if (!held[i]) others.push_back(i);
  random.shuffle(others);
  for (std::size_t i = static_cast<std::size_t>(most); i < others.size(); ++i)
    held[others[i]] = true;
  return held;
}

// Turns that share of what seekers' forms say of liking round.
void add_label_noise(dialogue::Corpus& corpus, double share, std::uint64_t seed) {
  base::Random random({.seed = seed, .stage = "reward/label noise"});
  for (dialogue::Dialogue& dialogue : corpus.dialogues)
    for (dialogue::Label& label : dialogue.seeker_labels)
      if (label.liked && random.chance(share)) label.liked = !*label.liked;
}

enum class Part { held_out, others };  // of the training dialogues
bool in_part(bool held_out, Part part) { return held_out == (part == Part::held_out); }

// The signals' rows of one part.
feedback::SignalTable rows_where(const feedback::SignalTable& table,
                                 const std::vector<bool>& held_out, Part part) {
  feedback::SignalTable out{table.names, {}};
  for (const feedback::SignalRow& row : table.rows)
    if (in_part(held_out[static_cast<std::size_t>(row.dialogue)], part)) out.rows.push_back(row);
  return out;
}

// The recommender's turns of held-out dialogues, or of the others, with the blend that followed.
std::vector<reward::ResponseOutcome> response_outcomes(const SignalData& signals,
                                                       const reward::Blend& blend,
                                                       const std::vector<bool>& held_out,
                                                       Part part) {
  std::vector<reward::ResponseOutcome> outcomes;
  for (const feedback::SignalRow& row : signals.table.rows) {
    const auto dialogue = static_cast<std::size_t>(row.dialogue);
    if (!in_part(held_out[dialogue], part)) continue;
    if (const auto value = reward::blend_of(blend, signals.table, row))
      outcomes.push_back({&signals.corpus.dialogues[dialogue], row.turn, *value, row.dialogue});
  }
  return outcomes;
}

}  // namespace

void reward_stage(Run& run) {
  const Recipe& recipe = run.recipe();
  Run::StagePlan plan{"reward", {"reward", "rl.max_tokens"}, {"data", "sft", "signals"}, {}, {}};
  plan.work = [&](const train::Stage& stage) {
    base::Profile& profile = *stage.profile;
    const Data& data = run.data();
    SignalData signals = profile.during("signals", [&] { return measure_run_signals(data); });
    add_label_noise(signals.corpus, recipe.reward.label_noise, run.seed());
    const std::vector<bool> held_out =
        hold_out(data.train.size(), recipe.reward.dialogues, run.seed());
    const feedback::SignalTable known = rows_where(signals.table, held_out, Part::others);
    const std::vector<feedback::SignalValidity> validity = profile.during("signals", [&] {
      return feedback::validate_signals(signals.corpus, known,
                                        {.resamples = 400, .seed = run.seed()});
    });
    // A fitted blend may use the held-out labels: the predictor is then checked against the blend,
    // not against them.
    const reward::Blend blend = reward::make_blend(
        recipe.reward.blend, signals.corpus, signals.table, validity,
        recipe.reward.blend.blend == "fitted" ? held_out : std::vector<bool>(held_out.size(), true),
        run.seed());
    const reward::Reader reader =
        profile.during("reader", [&] { return reward::Reader(signals.corpus, known, run.seed()); });
    const auto tell_reader = [&](const char* what, const reward::ReaderQuality& quality) {
      if (!quality.auc) return;
      run.console().line(base::concatenate(
          "reward  reader, ", what, ": AUC ", metrics::format_interval(quality.auc),
          ", calibration error ", base::fixed(quality.calibration_error, 3), ", ", quality.labels,
          " labels"));
    };
    tell_reader("liked", reader.liked_quality());
    tell_reader("seen before", reader.seen_quality());

    const std::vector<reward::Outcome> outcomes = reward::collect_outcomes(
        signals.corpus, signals.table, blend, reader, recipe.reward.reader_weight);
    std::vector<const dialogue::Dialogue*> training;
    for (std::size_t i = 0; i < data.train.size(); ++i)
      if (!held_out[i]) training.push_back(&data.train[i]);
    const recommend::WordTable words =
        recommend::word_table(recipe.ranker, training, recommend::Entities(data.catalogue));
    const recommend::Counts counts(training, words, data.catalogue.size());
    std::vector<recommend::RankContext> states;
    for (const reward::Outcome& outcome : outcomes)
      states.push_back(recommend::context_of(
          dialogue::state_before(data.train[static_cast<std::size_t>(outcome.dialogue)],
                                 static_cast<std::size_t>(outcome.turn), recipe.state),
          words));
    const auto item_words = reward::words_of_items(data.catalogue, words);
    const reward::Predictor predictor = profile.during("predictor", [&] {
      return reward::train_predictor(
          recipe.reward.predictor,
          {outcomes, states, counts, item_words, held_out, run.seed(), run.console()});
    });
    const std::vector<reward::TargetQuality> quality = profile.during("validation", [&] {
      return reward::validate_predictor(predictor, outcomes, states, counts, held_out, run.seed());
    });
    for (const std::string& line : reward::describe(quality)) run.console().line(line);

    const recommend::TrainedModel sft = recommend::read_trained(run.folder() / "sft");
    WordsReward reply_words = profile.during("words of replies", [&] {
      return train_words(run, sft, response_outcomes(signals, blend, held_out, Part::others),
                         response_outcomes(signals, blend, held_out, Part::held_out));
    });
    const auto& words_quality = reply_words.quality;
    reward::RewardModel model(recipe.reward, words, predictor, reply_words.scorer);
    if (reply_words.language) model.set_language(std::move(*reply_words.language));
    profile.during("calibration", [&] { calibrate_on_samples(model, sft, run, data.train); });
    model.write(stage.folder, sft.tokens.tokenizer());
    base::write_json(stage.folder / "reader.json", reader.to_json());
    base::Json terms = base::Json::array();
    for (const reward::Blend::Term& term : blend.terms)
      terms.push_back({{"signal", term.signal},
                       {"weight", term.weight},
                       {"low", term.low},
                       {"high", term.high},
                       {"mean", term.mean},
                       {"deviation", term.deviation}});
    base::write_json(stage.folder / "validation.json",
                     {{"schema", base::schema("reward_validation", 1)},
                      {"blend", {{"note", blend.note}, {"terms", terms}}},
                      {"targets", reward::to_json(quality)},
                      {"words", words_quality ? base::Json{{"pearson", words_quality->estimate},
                                                           {"low", words_quality->low},
                                                           {"high", words_quality->high},
                                                           {"n", words_quality->rows}}
                                              : base::Json(nullptr)}});
    base::Metrics metrics;
    for (const reward::TargetQuality& q : quality)
      if (q.pearson) metrics.emplace_back("pearson/" + q.target, q.pearson->estimate);
    base::RunLog(stage.folder).write(1, metrics);
    return base::concatenate(outcomes.size(), " outcomes; blend: ", blend.note);
  };
  run.stage(plan);
}

}  // namespace pipeline
