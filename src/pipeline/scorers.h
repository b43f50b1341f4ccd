#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "feedback/sentiment.h"
#include "feedback/signals.h"
#include "pipeline/recipe.h"
#include "reward/text_models.h"

namespace pipeline {

// How a run reads texts: by the models that its recipe names, or by VADER and weighted words. The
// functions that it gives share what it holds and are for one thread.
class TextScorers {
 public:
  // `data`: the run's data stage, which holds the lexicon. Throws base::DataError.
  TextScorers(const Recipe& recipe, const std::filesystem::path& data);

  feedback::SentimentFunction sentiment() const;
  // Words, where they are counted, weigh as in `corpus`.
  feedback::RelevanceFunction relevance(const dialogue::Corpus& corpus) const;

  // Runs `work` with functions that only take note of the texts that they are asked about, and has
  // the models read these in batches. Does nothing where there are no models.
  using Work =
      std::function<void(const feedback::RelevanceFunction&, const feedback::SentimentFunction&)>;
  void read_ahead(const Work& work) const;

 private:
  std::shared_ptr<const feedback::SentimentScorer> vader_;
  std::shared_ptr<reward::NeuralSentiment> sentiment_;
  std::shared_ptr<reward::NeuralRelevance> relevance_;
};

}  // namespace pipeline
