#include "reward/reward_model.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/files.h"
#include "base/settings.h"
#include "model/safetensors.h"

namespace reward {
namespace fs = std::filesystem;
namespace {

constexpr int kVersion = 1;
constexpr const char* kLanguageFolder = "model";

}  // namespace

Calibration calibrate(const std::vector<double>& scores) {
  if (scores.size() < 2) return {};
  double mean = 0, squares = 0;
  for (double score : scores) mean += score / static_cast<double>(scores.size());
  for (double score : scores) squares += (score - mean) * (score - mean);
  const double deviation = std::sqrt(squares / static_cast<double>(scores.size() - 1));
  if (deviation < 1e-9) return {1, -mean};
  return {1 / deviation, -mean / deviation};
}

torch::Tensor pessimistic_score(const torch::Tensor& scores, const std::string& ensemble,
                                double lambda) {
  const torch::Tensor mean = scores.mean(0);
  const bool alone = scores.size(0) < 2;
  if (ensemble == "mean") return mean;
  if (ensemble == "worst") return scores.amin(0);
  if (ensemble == "deviation") return alone ? mean : mean - lambda * scores.std(0);
  if (ensemble == "variance") return alone ? mean : mean - lambda * scores.var(0);
  throw base::UsageError("reward.ensemble is \"", ensemble,
                         "\", expected deviation, variance, mean or worst");
}

torch::Tensor RewardModel::item_scores(const std::vector<recommend::RankContext>& states) const {
  torch::Tensor scores =  // [members, B, N]
      settings_.blend_weight * predictor_.item_scores(states, Head::blend);
  const auto add = [&](Head head, double weight) {
    if (weight == 0) return;
    const torch::Tensor logits = predictor_.item_scores(states, head);
    scores =
        scores + weight * (settings_.probabilities == "log" ? at::log_sigmoid(logits) : logits);
  };
  add(Head::useful, settings_.useful_weight);
  add(Head::liked, settings_.liked_weight);
  return item_calibration_.gain *
             pessimistic_score(scores, settings_.ensemble, settings_.pessimism) +
         item_calibration_.bias;
}

std::vector<double> RewardModel::response_scores(const std::vector<ScoredReply>& replies) const {
  std::vector<double> scores;
  if (language_) {
    std::vector<std::vector<int>> ids;
    for (const ScoredReply& reply : replies) ids.push_back(reply.ids);
    scores = language_->score(ids);
  } else {
    for (const ScoredReply& reply : replies) {
      dialogue::Turn turn;
      turn.text = reply.action.text;
      turn.mentions = reply.action.mentions;
      scores.push_back(response_.score(turn));
    }
  }
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const dialogue::Action& action = replies[i].action;
    if (action.item)
      scores[i] +=
          dialogue::names_exactly(action) ? settings_.faithfulness : -settings_.faithfulness;
    scores[i] = response_calibration_.apply(scores[i]);
  }
  return scores;
}

void RewardModel::write(const fs::path& folder, const text::Tokenizer& tokenizer) const {
  base::create_folder(folder);
  RewardSettings settings = settings_;
  const auto calibration = [](const Calibration& c) {
    return base::Json{{"gain", c.gain}, {"bias", c.bias}};
  };
  base::write_json(folder / "reward.json",
                   {{"schema", base::schema("reward", kVersion)},
                    {"settings", base::to_json(base::list_settings(settings))},
                    {"item_calibration", calibration(item_calibration_)},
                    {"response_calibration", calibration(response_calibration_)},
                    {"words", words_.words()},
                    {"response", response_.to_json()}});
  model::TensorMap tensors;
  predictor_.save(tensors);
  model::write_safetensors(folder / "reward.safetensors", tensors);
  if (language_) language_->write(folder / kLanguageFolder, tokenizer);
}

RewardModel RewardModel::read(const fs::path& folder, torch::Dtype type) {
  const std::string where = (folder / "reward.json").string();
  const base::Json json = base::read_json(folder / "reward.json");
  base::require_schema(json, "reward", kVersion, where);
  const base::Json saved = base::require<base::Json>(json, "settings", where);
  RewardSettings settings;
  settings.useful_weight = base::require<double>(saved, "useful_weight", where);
  settings.liked_weight = base::require<double>(saved, "liked_weight", where);
  settings.blend_weight = base::optional<double>(saved, "blend_weight", where).value_or(1);
  settings.probabilities =
      base::optional<std::string>(saved, "probabilities", where).value_or("logit");
  settings.ensemble = base::require<std::string>(saved, "ensemble", where);
  settings.pessimism = base::require<double>(saved, "pessimism", where);
  settings.faithfulness = base::require<double>(saved, "faithfulness", where);
  settings.target = base::require<std::string>(saved, "target", where);
  RewardModel model(
      settings, recommend::WordTable(base::require<std::vector<std::string>>(json, "words", where)),
      Predictor::load(model::read_safetensors(folder / "reward.safetensors"),
                      (folder / "reward.safetensors").string()),
      ResponseScorer::from_json(base::require<base::Json>(json, "response", where), where));
  const auto calibration = [&](const char* name) {
    const base::Json c = base::require<base::Json>(json, name, where);
    return Calibration{base::require<double>(c, "gain", where),
                       base::require<double>(c, "bias", where)};
  };
  model.item_calibration_ = calibration("item_calibration");
  model.response_calibration_ = calibration("response_calibration");
  if (fs::exists(folder / kLanguageFolder))
    model.language_ = LanguageScorer::read(folder / kLanguageFolder, type);
  return model;
}

}  // namespace reward
