#include "pipeline/scorers.h"

#include <numeric>

namespace pipeline {
namespace {

namespace fs = std::filesystem;

feedback::SentimentScorer read_vader(const fs::path& data) {
  const fs::path lexicon = data / "lexicon.txt", emoji = data / "emoji.txt";
  return fs::exists(emoji) ? feedback::SentimentScorer(lexicon, emoji)
                           : feedback::SentimentScorer(lexicon);
}

}  // namespace

TextScorers::TextScorers(const Recipe& recipe, const fs::path& data) {
  if (recipe.sentiment.model.empty())
    vader_ = std::make_shared<const feedback::SentimentScorer>(read_vader(data));
  else
    sentiment_ =
        std::make_shared<reward::NeuralSentiment>(recipe.sentiment.model, reward::cache_folder());
  if (!recipe.relevance.model.empty())
    relevance_ =
        std::make_shared<reward::NeuralRelevance>(recipe.relevance.model, reward::cache_folder());
}

feedback::SentimentFunction TextScorers::sentiment() const {
  if (sentiment_)
    return [model = sentiment_](std::string_view words) { return model->score(words); };
  return [vader = vader_](std::string_view words) { return vader->score(words).compound; };
}

feedback::RelevanceFunction TextScorers::relevance(const dialogue::Corpus& corpus) const {
  if (relevance_)
    return [model = relevance_](const feedback::Texts& offered, const feedback::Texts& wanted) {
      return model->relevance(offered, wanted);
    };
  std::vector<int> all(corpus.dialogues.size());
  std::iota(all.begin(), all.end(), 0);
  return feedback::word_relevance(feedback::WordWeights(corpus, all));
}

void TextScorers::read_ahead(const Work& work) const {
  if (!sentiment_ && !relevance_) return;
  feedback::Texts felt, compared;
  work(
      [&](const feedback::Texts& offered, const feedback::Texts& wanted) {
        compared.insert(compared.end(), offered.begin(), offered.end());
        compared.insert(compared.end(), wanted.begin(), wanted.end());
        return 0.;
      },
      [&](std::string_view words) {
        felt.emplace_back(words);
        return 0.;
      });
  if (sentiment_) sentiment_->prepare(felt);
  if (relevance_) relevance_->prepare(compared);
}

}  // namespace pipeline
