#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/error.h"
#include "base/files.h"
#include "base/format.h"
#include "base/hash.h"
#include "base/profile.h"
#include "base/run_log.h"
#include "corpus/read.h"
#include "evaluate/checks.h"
#include "evaluate/comparison.h"
#include "evaluate/context_use.h"
#include "evaluate/examples.h"
#include "evaluate/interactive.h"
#include "evaluate/ranking.h"
#include "evaluate/report.h"
#include "evaluate/text_metrics.h"
#include "evaluate/trec.h"
#include "evaluate/world.h"
#include "pipeline/baselines.h"
#include "pipeline/run_report.h"
#include "pipeline/stages.h"
#include "recommend/model_folder.h"
#include "recommend/trained_recommender.h"
#include "reward/reward_model.h"
#include "rl/best_of_recommender.h"
#include "train/sft.h"

namespace pipeline {
namespace fs = std::filesystem;
namespace {

// The stages that an evaluation reads.
const std::vector<std::string> kNeeds = {"data", "sft", "signals", "reward", "policy"};

// Of a turn's text without the items it names.
std::int64_t bytes_of_words(const dialogue::Turn& turn) {
  auto bytes = static_cast<std::int64_t>(turn.text.size());
  for (const dialogue::Mention& mention : turn.mentions)
    bytes -= static_cast<std::int64_t>(mention.end - mention.begin);
  return bytes;
}

evaluate::Likelihood likelihood_of(const recommend::TrainedModel& model,
                                   const std::vector<dialogue::Dialogue>& dialogues,
                                   torch::Dtype type) {
  std::vector<train::Sequence> sequences;
  std::int64_t bytes = 0;
  for (const dialogue::Dialogue& dialogue : dialogues) {
    for (const dialogue::Turn& turn : dialogue.turns)
      if (turn.role == dialogue::Role::recommender) bytes += bytes_of_words(turn);
    for (train::Sequence& sequence :
         train::windows(dialogue, model.tokens,
                        {.max_tokens = static_cast<int>(model.language.config.context),
                        .seeker_weight = 0,
                        .state = model.state}))
      sequences.push_back(std::move(sequence));
  }
  const train::SftLosses losses = train::evaluate_losses(model.language, sequences, type);
  return {-losses.words * static_cast<double>(losses.word_tokens), losses.word_tokens, bytes};
}

// Evaluates all models on some dialogues and fills the parts of the report that come of it.
class Evaluation {
 public:
  Evaluation(Run& run, const std::vector<dialogue::Dialogue>& dialogues, fs::path out,
             base::Profile& profile)
      : run_(run),
        profile_(profile),
        settings_(run.recipe().evaluation),
        dialogues_(dialogues),
        out_(std::move(out)),
        sft_(recommend::read_trained(run.folder() / "sft")),
        policy_(recommend::read_trained(run.folder() / "policy")),
        sft_states_(sft_.language, sft_.tokens, run.type()),
        policy_states_(policy_.language, policy_.tokens, run.type()) {
    base::create_folder(out_);
  }

  std::string work() {
    const std::vector<evaluate::Declared> comparisons =
        evaluate::read_declared(settings_.primary, settings_.secondary);
    examples_ = evaluate::make_examples(pointers(dialogues_),
                                        {.state = sft_.state,
                                         .frequencies = evaluate::recommender_mentions(
                                             pointers(run_.data().train), sft_.catalogue.size()),
                                         .seed = run_.seed()});
    if (examples_.own.empty())
      throw base::Error(
          base::ErrorKind::data,
          "no dialogue to evaluate on has a recommender's message that names an item");
    evaluate::write_qrels(out_, examples_, sft_.catalogue);
    for (const std::string& warning : evaluate::check_instances(examples_.own, sft_.catalogue))
      data_.warnings.push_back(warning);
    recommend::TrainedRecommender sft("sft", sft_,
                                      {.type = run_.type(), .hash = "", .states = &sft_states_}),
        ppo("ppo", policy_, {.type = run_.type(), .hash = "", .states = &policy_states_});
    recommend::LanguageTermRecommender sft_lm(
        "sft-lm", sft_, {.type = run_.type(), .hash = "language term", .states = &sft_states_});
    fit_baselines();
    for (const auto& baseline : baselines_) rank(*baseline);
    rank(sft_lm);
    rank(sft);
    rank(ppo);
    if (settings_.ablations) rank_without_terms();
    answer(sft, sft_);
    answer(ppo, policy_);
    for (dialogue::Recommender* recommender : {&sft, &ppo}) {
      const auto timer = profile_.time("use of the context");
      scores_of(recommender->name()).context = evaluate::context_use(*recommender, examples_.own);
    }
    data_.comparisons = profile_.during("comparisons", [&] {
      return evaluate::compare(rankings_, examples_.own, comparisons, bootstrap());
    });
    if (run_.recipe().in_world()) play(sft, ppo);
    if (settings_.form_turns > 0) play_with_forms(sft, ppo);
    evaluate::correct_for_number(data_.comparisons);
    // Ranked in this order: baselines, sft-lm, sft, ppo; the last two answered.
    data_.samples = evaluate::make_samples(responses_, {rankings_.end() - 2, rankings_.end()},
                                           examples_.own, sft_.catalogue, 6);
    data_.models = models_;
    add_run_parts(run_, data_);
    std::vector<evaluate::ModelScores> whole =
        data_.models;  // a ranker without a term may well be poor
    std::erase_if(whole, [](const evaluate::ModelScores& scores) {
      return scores.name.starts_with("sft-without-");
    });
    for (const std::string& warning : evaluate::check_scores(whole))
      data_.warnings.push_back(warning);
    for (const evaluate::Comparison& comparison : data_.comparisons)
      if (comparison.primary) run_.console().line("evaluation  " + evaluate::finding(comparison));
    return base::concatenate(examples_.own.size(), " messages");
  }

  evaluate::ReportData& report() { return data_; }
  // Of what was evaluated, for the registry.
  std::string model_hash() const { return base::sha256(sft_.hash() + policy_.hash()); }
  const std::vector<evaluate::ModelScores>& models() const { return models_; }

 private:
  metrics::BootstrapOptions bootstrap() const {
    return {.resamples = settings_.resamples,
            .place = {.seed = run_.seed(), .stage = "evaluation"}};
  }

  evaluate::ModelScores& scores_of(const std::string& name) {
    for (evaluate::ModelScores& scores : models_)
      if (scores.name == name) return scores;
    models_.emplace_back().name = name;
    return models_.back();
  }

  void fit_baselines() {
    const auto timer = profile_.time("fitting baselines");
    training_ = pointers(run_.data().train);
    const recommend::BaselineInput input{sft_.ranker.tables(), training_};
    for (TunedBaseline& baseline :
         tune_baselines(settings_.baselines, input, pointers(run_.data().validation), sft_.state,
                        sft_.catalogue, run_.console())) {
      if (!baseline.setting.empty())
        data_.notes.push_back("Baseline " + baseline.name + ": " + baseline.setting +
                              ", chosen on validation dialogues.");
      baselines_.push_back(std::make_unique<recommend::BaselineRecommender>(
          baseline.name, std::move(baseline.weights), sft_.catalogue));
    }
  }

  void rank(dialogue::Recommender& recommender) {
    base::stop_if_interrupted();
    evaluate::ExampleRankings rankings = profile_.during("ranking", [&] {
      return evaluate::rank_examples(recommender, examples_, sft_.catalogue, run_.console());
    });
    const auto timer = profile_.time("scores of rankings");
    models_.push_back(evaluate::score_examples(rankings, examples_, bootstrap()));
    evaluate::write_run(out_, rankings, examples_, sft_.catalogue);
    rankings_.push_back(std::move(rankings.own));
  }

  // The SFT ranker with each of its terms switched off: what each is worth.
  void rank_without_terms() {
    if (sft_.ranker.settings().terms.size() < 2) return;
    for (const std::string& term : sft_.ranker.settings().terms) {
      base::stop_if_interrupted();
      const auto timer = profile_.time("ranking without a term");
      const recommend::TrainedModel without{sft_.catalogue, sft_.state, sft_.tokens, sft_.language,
                                            sft_.ranker.without_term(term)};
      recommend::TrainedRecommender recommender(
          "sft-without-" + term, without,
          {.type = run_.type(), .hash = "ablation", .states = &sft_states_});
      const auto ranking =
          evaluate::rank_instances(recommender, examples_.own, sft_.catalogue, run_.console());
      models_.push_back(evaluate::score_ranking(ranking, examples_.own));
    }
  }

  void answer(dialogue::Recommender& recommender, const recommend::TrainedModel& model) {
    base::stop_if_interrupted();
    dialogue::Sampling sampling;
    sampling.max_tokens = settings_.max_tokens;
    sampling.temperature = settings_.temperature;
    sampling.seed = run_.seed();
    responses_.push_back(profile_.during("replies", [&] {
      return evaluate::collect_responses(recommender, examples_.own, model.catalogue, sampling,
                                         static_cast<std::size_t>(settings_.responses),
                                         run_.console());
    }));
    evaluate::write_responses(out_, recommender.name(), responses_.back());
    for (const std::string& warning :
         evaluate::check_responses(recommender.name(), responses_.back()))
      data_.warnings.push_back(warning);
    const evaluate::Likelihood likelihood = profile_.during(
        "perplexity", [&] { return likelihood_of(model, dialogues_, run_.type()); });
    const auto timer = profile_.time("scores of replies");
    scores_of(recommender.name()).text = evaluate::score_text(responses_.back(), likelihood);
  }

  void play(dialogue::Recommender& sft, dialogue::Recommender& ppo) {
    const auto timer = profile_.time("dialogues in the world");
    const simulate::World world(run_.recipe().world);
    simulate::PlayOptions options;
    options.episodes = settings_.world_episodes;
    options.max_turns = run_.recipe().world.max_turns;
    options.seed = run_.seed() + 101;  // people whom neither the logs nor the gold judge met
    options.state = sft_.state;
    options.sampling.max_tokens = settings_.max_tokens;
    options.sampling.temperature = settings_.temperature;
    options.sentiment = run_.data().sentiment();
    std::vector<evaluate::WorldGame> games;
    for (const auto& baseline : baselines_)
      if (baseline->name() == "popularity" || baseline->name() == "copy" ||
          baseline->name() == "cooccurrence")
        games.push_back(evaluate::play_world(*baseline, world, options));
    for (dialogue::Recommender* recommender : {&sft, &ppo}) {
      base::stop_if_interrupted();
      run_.console().line("evaluation  " + recommender->name() + " plays " +
                          std::to_string(options.episodes) + " dialogues");
      games.push_back(evaluate::play_world(*recommender, world, options));
    }
    for (const evaluate::WorldGame& game : games)
      scores_of(game.model).world = evaluate::score_world(game, bootstrap());
    play_best_of(world, options);
    evaluate::Comparison comparison =
        evaluate::compare_worlds(games.back(), games[games.size() - 2], bootstrap());
    comparison.primary = true;
    data_.comparisons.insert(data_.comparisons.begin(), comparison);
  }

  // The start model with the best of n replies by the reward model: what needs no training.
  void play_best_of(const simulate::World& world, const simulate::PlayOptions& options) {
    if (settings_.best_of.empty()) return;
    const reward::RewardModel reward =
        reward::RewardModel::read(run_.folder() / "reward", run_.type());
    for (const int n : settings_.best_of) {
      base::stop_if_interrupted();
      rl::BestOfRecommender recommender(base::concatenate("best-of-", n), sft_, reward, n,
                                        {.type = run_.type(), .hash = "-"});
      run_.console().line("evaluation  " + recommender.name() + " plays " +
                          std::to_string(options.episodes) + " dialogues");
      const evaluate::WorldGame game = evaluate::play_world(recommender, world, options);
      evaluate::WorldScores scores = evaluate::score_world(game, bootstrap());
      scores.reward = recommender.mean_score();
      scores_of(game.model).world = scores;
    }
  }

  // People made of the held-out dialogues' real forms.
  void play_with_forms(dialogue::Recommender& sft, dialogue::Recommender& ppo) {
    const auto timer = profile_.time("dialogues with forms");
    std::vector<dialogue::Recommender*> all;
    for (const auto& baseline : baselines_) all.push_back(baseline.get());
    all.push_back(&sft);
    all.push_back(&ppo);
    evaluate::InteractiveOptions options;
    options.max_turns = settings_.form_turns;
    options.state = sft_.state;
    options.sampling.max_tokens = settings_.max_tokens;
    options.sampling.temperature = settings_.temperature;
    options.sampling.seed = run_.seed();
    options.sentiment = run_.data().sentiment();
    std::vector<evaluate::FormGame> games;
    for (dialogue::Recommender* recommender : all) {
      base::stop_if_interrupted();
      games.push_back(
          evaluate::play_forms(*recommender, pointers(dialogues_), sft_.catalogue, options));
      if (games.back().episodes.empty()) return;  // no forms that like anything
      scores_of(recommender->name()).interactive = evaluate::score_forms(games.back(), bootstrap());
    }
    data_.comparisons.push_back(
        evaluate::compare_forms(games.back(), games[games.size() - 2], bootstrap()));
  }

  Run& run_;
  base::Profile& profile_;
  const EvaluationSettings& settings_;
  const std::vector<dialogue::Dialogue>& dialogues_;
  fs::path out_;
  recommend::TrainedModel sft_, policy_;
  recommend::LanguageStates sft_states_, policy_states_;  // for all that rank by these models'
  std::vector<const dialogue::Dialogue*> training_;
  std::vector<std::unique_ptr<recommend::BaselineRecommender>> baselines_;
  evaluate::Examples examples_;
  std::vector<evaluate::ModelRanking> rankings_;
  std::vector<evaluate::ModelScores> models_;
  std::vector<std::vector<evaluate::Response>> responses_;
  evaluate::ReportData data_;
};

std::vector<dialogue::Dialogue> read_elsewhere(Run& run, const fs::path& file) {
  dialogue::Corpus corpus = corpus::read_more(file, run.data().catalogue);
  for (const dialogue::Dropped& dropped : corpus.dropped)
    run.console().line(base::concatenate("evaluation  ", file.filename().string(), ": ",
                                         dropped.count, " ", dropped.what));
  return feedback::with_sentiment(std::move(corpus), run.data().sentiment()).dialogues;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// Puts the evaluation of a test file into the registry beside it; the report shows its hashes.
void register_test(Run& run, Evaluation& evaluation, const fs::path& data, const fs::path& out) {
  const evaluate::Evaluation entry{.data = base::sha256(base::read_file(data)),
                                   .model = evaluation.model_hash(),
                                   .recipe = base::sha256(recipe_text(run.recipe())),
                                   .name = run.recipe().name,
                                   .date = utc_now()};
  const evaluate::Registered registered =
      evaluate::register_evaluation(evaluate::registry_file(data, out), entry);
  evaluation.report().evaluation = registered;
  for (const std::string& warning : evaluate::check_registry(registered)) {
    evaluation.report().warnings.push_back(warning);
    run.console().line("evaluation  " + warning);
  }
}

}  // namespace

void evaluation_stage(Run& run) {
  const Recipe& recipe = run.recipe();
  Run::StagePlan plan{"evaluation", {"evaluation"}, kNeeds, {}, {}};
  if (recipe.in_world()) plan.parts.push_back("world");
  if (!recipe.data.test.empty()) plan.inputs.emplace_back("test", recipe.data.test);
  plan.work = [&](const train::Stage& stage) {
    std::vector<dialogue::Dialogue> test =
        recipe.data.test.empty() ? run.data().test : read_elsewhere(run, recipe.data.test);
    if (test.empty()) {
      run.console().line("evaluation  there is no test split: validation dialogues are used");
      test = run.data().validation;
    }
    Evaluation evaluation(run, test, stage.folder, *stage.profile);
    const std::string result = evaluation.work();
    if (!recipe.data.test.empty())
      register_test(run, evaluation, recipe.data.test, run.folder());
    else if (!run.data().test.empty())
      register_test(run, evaluation, run.folder() / "data" / "test.jsonl", run.folder());
    base::Metrics metrics;
    for (const evaluate::ModelScores& scores : evaluation.models())
      if (const auto value = evaluate::find_score(scores, "v2", "hr@10"))
        metrics.emplace_back("v2/hr@10/" + scores.name, *value);
    base::RunLog(stage.folder).write(1, metrics);
    evaluate::write_report(run.folder(), evaluation.report());
    // The report stands beside the stages; the stage keeps its own copy, so that a damaged one is
    // noticed.
    evaluate::write_report(stage.folder, evaluation.report());
    run.console().line("evaluation  report: " + (run.folder() / "report.html").string());
    return result;
  };
  run.stage(plan);
  for (const char* file : {"report.html", "report.json"})
    if (!fs::exists(run.folder() / file))
      fs::copy_file(run.folder() / "evaluation" / file, run.folder() / file);
}

void evaluate_elsewhere(Run& run, const fs::path& test, const fs::path& out) {
  for (const std::string& stage : kNeeds) run.require(stage);
  const std::vector<dialogue::Dialogue> dialogues = read_elsewhere(run, test);
  if (dialogues.empty()) throw base::DataError(test, ": holds no dialogues");
  base::Profile profile;  // is not shown: this is no stage of the run
  Evaluation evaluation(run, dialogues, out, profile);
  evaluation.work();
  register_test(run, evaluation, test, out);
  evaluate::write_report(out, evaluation.report());
  run.console().line("evaluation  report: " + (out / "report.html").string());
}

}  // namespace pipeline
