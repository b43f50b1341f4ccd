#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dialogue/markup.h"
#include "recommend/words.h"
#include "reward/language_scorer.h"
#include "reward/response_scorer.h"
#include "reward/train_predictor.h"

namespace reward {

struct RewardSettings {
  BlendSettings blend;
  PredictorSettings predictor;
  double blend_weight = 1;              // of the blend in the item's reward
  double useful_weight = 0;             // of P(liked and unseen) there, see `probabilities`
  double liked_weight = 0;              // of P(liked)
  std::string probabilities = "logit";  // how probabilities enter: logit or log
  std::string ensemble = "deviation";   // what the members' scores come to, see pessimistic_score
  double pessimism = .5;                // lambda there
  double reader_weight = .3;            // of a reader's estimate beside a form's label
  double label_noise = 0;  // share of the labels turned round before anything learns from them
  int dialogues = 0;       // that R_phi learns from; 0: all
  double faithfulness =
      1;  // added to a reply that names exactly the chosen item, taken off one that does not
  std::string words = "ngrams";  // what scores the words of a reply: ngrams or language_model
  LanguageScorerSettings language;
  std::string target = "blend";  // what rl.gate looks at: blend, liked or useful

  template <class F>
  void fields(F&& field) {
    blend.fields(field);
    field("blend_weight", blend_weight, "of the blend in the item's reward");
    field("useful_weight", useful_weight, "of P(liked and not seen before) in the item's reward");
    field("liked_weight", liked_weight, "of P(liked) in the item's reward");
    field(
        "probabilities", probabilities,
        "how these two enter the item's reward: logit, or log. With log P(useful) alone at a "
        "price of KL of 1 in its own units the best policy is p(item) P(useful | item), the share "
        "of useful recommendations among what people do recommend");
    field("predictor", predictor, "R_phi: predicts from state and action");
    field("ensemble", ensemble,
          "what the predictors' scores come to: deviation (mean - pessimism * deviation), variance "
          "(mean - pessimism * variance), mean or worst (the least of them)");
    field("pessimism", pessimism, "lambda of deviation and variance");
    field("reader_weight", reader_weight, "of a reader's estimate beside a label from a form");
    field("label_noise", label_noise,
          "share of the forms' labels that are turned round first, to see what bad labels do");
    field("dialogues", dialogues,
          "dialogues that the reward model learns from, to see what few do; 0: all");
    field("faithfulness", faithfulness, "reward of words that name exactly the chosen item");
    field(
        "words", words,
        "what scores the words of a reply: ngrams (a linear model of the reply) or language_model "
        "(the SFT model with a score on top, which reads the state too)");
    field("language", language, "training of that language model");
    field("target", target,
          "what has to be predicted better than by the baselines: liked, useful or blend; see "
          "rl.gate");
  }
};

// An affine map after which scores have mean 0 and deviation 1 on the SFT model's own samples.
struct Calibration {
  double gain = 1, bias = 0;
  double apply(double score) const { return gain * score + bias; }
};
Calibration calibrate(const std::vector<double>& scores);

// [B, N] from [members, B, N]: their mean, the least of them ("worst"; Coste et al. 2024, arXiv
// 2310.02743), or the mean less lambda times their deviation or variance, by n - 1; of one member
// its own score. Throws base::UsageError for another name.
torch::Tensor pessimistic_score(const torch::Tensor& scores, const std::string& ensemble,
                                double lambda);

// A reply to be scored. ids: prompt and reply, for a reward that reads them by a language model.
struct ScoredReply {
  const dialogue::Action& action;
  std::vector<int> ids;
};

// R_phi as reinforcement learning uses it.
class RewardModel {
 public:
  RewardModel(RewardSettings settings, recommend::WordTable words, Predictor predictor,
              ResponseScorer response)
      : settings_(std::move(settings)),
        words_(std::move(words)),
        predictor_(std::move(predictor)),
        response_(std::move(response)) {}

  const recommend::WordTable& words() const { return words_; }
  const Predictor& predictor() const { return predictor_; }
  const RewardSettings& settings() const { return settings_; }

  // [B, N]: the calibrated reward of recommending each item: the pessimistic score of
  // blend_weight * blend + useful_weight * useful + liked_weight * liked over the members, the last
  // two as logits or logs (settings().probabilities).
  torch::Tensor item_scores(const std::vector<recommend::RankContext>& states) const;

  // The calibrated rewards of replies' words: their scores, by the language model where there is
  // one, plus or minus `faithfulness` where an item was chosen.
  std::vector<double> response_scores(const std::vector<ScoredReply>& replies) const;

  void set_language(LanguageScorer language) { language_ = std::move(language); }

  void set_item_calibration(const Calibration& calibration) { item_calibration_ = calibration; }
  void set_response_calibration(const Calibration& calibration) {
    response_calibration_ = calibration;
  }

  // reward.json and reward.safetensors in a folder, and model/ with the language model that scores
  // words, where there is one. `tokenizer` goes into model/. read throws base::DataError; the
  // language model computes in `type`.
  void write(const std::filesystem::path& folder, const text::Tokenizer& tokenizer) const;
  static RewardModel read(const std::filesystem::path& folder, torch::Dtype type);

 private:
  RewardSettings settings_;
  recommend::WordTable words_;
  Predictor predictor_;
  ResponseScorer response_;
  std::optional<LanguageScorer> language_;
  Calibration item_calibration_, response_calibration_;
};

}  // namespace reward
