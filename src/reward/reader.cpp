#include "reward/reader.h"

#include <algorithm>
#include <map>

#include "metrics/calibration.h"
#include "metrics/correlation.h"
#include "recommend/words.h"

namespace reward {
namespace {

constexpr int kFolds = 5;
constexpr std::size_t kFewest = 40;

// The words of the seeker's reply to a turn, and their sentiment; nothing where nobody replied.
std::optional<Features> reply_features(const dialogue::Dialogue& dialogue, int turn) {
  std::vector<std::string> words;
  double sentiment = 0, exclamations = 0;
  int messages = 0;
  bool replied = false;
  for (std::size_t t = static_cast<std::size_t>(turn) + 1; t < dialogue.turns.size(); ++t) {
    const dialogue::Turn& reply = dialogue.turns[t];
    if (reply.role == dialogue::Role::recommender) {
      if (replied) break;
      continue;
    }
    replied = true;
    messages += 1;
    for (std::string& word : recommend::words_of(reply)) words.push_back(std::move(word));
    sentiment += reply.sentiment.value_or(0);
    exclamations += static_cast<double>(std::count(reply.text.begin(), reply.text.end(), '!'));
  }
  if (!replied) return std::nullopt;
  Features features = ngram_features(words);
  features.emplace_back("(sentiment)", sentiment / messages);
  features.emplace_back("(exclamations)", std::min(exclamations, 3.) / 3);
  // What the recommender said before: "have you seen", "one of my favourites".
  for (const auto& [name, value] :
       ngram_features(recommend::words_of(dialogue.turns[static_cast<std::size_t>(turn)])))
    features.emplace_back("(said) " + name, .5 * value);
  return features;
}

struct Labelled {
  std::vector<LinearExample> examples;
  std::vector<std::int64_t> dialogues;
};

std::optional<SparseLinear> train_head(const Labelled& data, std::uint64_t seed,
                                       ReaderQuality& quality) {
  double positives = 0;
  for (const LinearExample& example : data.examples) positives += example.target;
  quality.labels = data.examples.size();
  if (data.examples.size() < kFewest || positives < 5 ||
      positives > static_cast<double>(data.examples.size()) - 5)
    return std::nullopt;
  SparseLinear::Options options;
  options.seed = seed;
  std::vector<double> logits(data.examples.size()), outcomes;
  const auto fold_of = [&](std::size_t i) {
    return static_cast<int>((data.dialogues[i] * 2654435761u >> 7) % kFolds);
  };
  for (int fold = 0; fold < kFolds; ++fold) {
    std::vector<LinearExample> others;
    for (std::size_t i = 0; i < data.examples.size(); ++i)
      if (fold_of(i) != fold) others.push_back(data.examples[i]);
    const SparseLinear model(others, options);
    for (std::size_t i = 0; i < data.examples.size(); ++i)
      if (fold_of(i) == fold) logits[i] = model.score(data.examples[i].features);
  }
  std::vector<int> labels;
  for (const LinearExample& example : data.examples) {
    outcomes.push_back(example.target);
    labels.push_back(example.target > .5);
  }
  SparseLinear model(data.examples, options);
  model.calibrate(logits, outcomes);
  quality.auc =
      metrics::bootstrap_statistic(metrics::weighted_auc(logits, labels), data.dialogues,
                                   {.resamples = 1000, .place = {.seed = seed, .stage = "reader"}});
  std::vector<double> probabilities;
  for (double logit : logits) probabilities.push_back(model.calibrated(logit));
  quality.calibration_error = metrics::calibration_error(probabilities, labels);
  return model;
}

base::Json quality_json(const ReaderQuality& quality) {
  base::Json json = {{"labels", quality.labels}, {"calibration_error", quality.calibration_error}};
  if (quality.auc) json["auc"] = {quality.auc->estimate, quality.auc->low, quality.auc->high};
  return json;
}

}  // namespace

Reader::Reader(const dialogue::Corpus& corpus, const feedback::SignalTable& table,
               std::uint64_t seed) {
  Labelled liked, seen;
  for (const feedback::LabelledItem& label : feedback::label_items(corpus, table)) {
    const feedback::SignalRow& row = table.rows[label.row];
    const dialogue::Dialogue& dialogue = corpus.dialogues[static_cast<std::size_t>(row.dialogue)];
    const std::optional<Features> features = reply_features(dialogue, row.turn);
    if (!features) continue;
    const auto add = [&](Labelled& to, std::optional<bool> answer) {
      if (!answer) return;
      to.examples.push_back({*features, *answer ? 1. : 0., 1});
      to.dialogues.push_back(row.dialogue);
    };
    add(liked, label.liked);
    add(seen, label.seen);
  }
  liked_ = train_head(liked, seed, liked_quality_);
  seen_ = train_head(seen, seed, seen_quality_);
}

std::optional<double> Reader::liked(const dialogue::Dialogue& dialogue, int turn) const {
  const std::optional<Features> features = reply_features(dialogue, turn);
  return liked_ && features ? std::optional(liked_->probability(*features)) : std::nullopt;
}

std::optional<double> Reader::seen(const dialogue::Dialogue& dialogue, int turn) const {
  const std::optional<Features> features = reply_features(dialogue, turn);
  return seen_ && features ? std::optional(seen_->probability(*features)) : std::nullopt;
}

base::Json Reader::to_json() const {
  base::Json json = {{"schema", base::schema("reader", 1)},
                     {"liked_quality", quality_json(liked_quality_)},
                     {"seen_quality", quality_json(seen_quality_)}};
  json["liked"] = liked_ ? liked_->to_json() : base::Json(nullptr);
  json["seen"] = seen_ ? seen_->to_json() : base::Json(nullptr);
  return json;
}

}  // namespace reward
