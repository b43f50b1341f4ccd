#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dialogue/markup.h"
#include "recommend/words.h"
#include "reward/response_scorer.h"
#include "reward/train_predictor.h"

namespace reward {

struct RewardSettings {
  BlendSettings blend;
  PredictorSettings predictor;
  double useful_weight = 0;   // of logit P(liked and unseen) in the item's reward, beside the blend
  double liked_weight = 0;    // of logit P(liked)
  double pessimism = .5;      // lambda in mean - lambda * deviation over the members
  double reader_weight = .3;  // of a reader's estimate beside a form's label
  double faithfulness =
      1;  // added to a reply that names exactly the chosen item, taken off one that does not
  std::string target = "blend";  // what rl.gate looks at: blend, liked or useful

  template <class F>
  void fields(F&& field) {
    blend.fields(field);
    field("useful_weight", useful_weight,
          "of logit P(liked and not seen before) in the item's reward");
    field("liked_weight", liked_weight, "of logit P(liked) in the item's reward");
    field("predictor", predictor, "R_phi: predicts from state and action");
    field("pessimism", pessimism, "lambda in mean - lambda * deviation over the predictors");
    field("reader_weight", reader_weight, "of a reader's estimate beside a label from a form");
    field("faithfulness", faithfulness, "reward of words that name exactly the chosen item");
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

  // [B, N]: the calibrated reward of recommending each item: mean - pessimism * deviation over the
  // members of blend + useful_weight * logit useful + liked_weight * logit liked.
  torch::Tensor item_scores(const std::vector<recommend::RankContext>& states) const;

  // The calibrated reward of a reply's words: their score, plus or minus `faithfulness` where an
  // item was chosen.
  double response_score(const dialogue::Action& action) const;

  void set_item_calibration(const Calibration& calibration) { item_calibration_ = calibration; }
  void set_response_calibration(const Calibration& calibration) {
    response_calibration_ = calibration;
  }

  // reward.json and reward.safetensors in a folder. read throws base::DataError.
  void write(const std::filesystem::path& folder) const;
  static RewardModel read(const std::filesystem::path& folder);

 private:
  RewardSettings settings_;
  recommend::WordTable words_;
  Predictor predictor_;
  ResponseScorer response_;
  Calibration item_calibration_, response_calibration_;
};

}  // namespace reward
