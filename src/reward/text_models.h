#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "feedback/relevance.h"
#include "model/encoder.h"
#include "reward/content_cache.h"
#include "text/tokenizer.h"

namespace reward {

// Sentiment by a classifier of BERT's or RoBERTa's kind, in the place of VADER. One thread.
class NeuralSentiment {
 public:
  // Reads a Hugging Face folder with its tokenizer. Its labels must say which is which: names that
  // hold "neg", "neu" and "pos", or LABEL_0 … in that order (two: negative, positive). Throws
  // base::DataError. An empty `cache` folder: values are kept in memory only.
  NeuralSentiment(const std::filesystem::path& folder, const std::filesystem::path& cache);

  // Works out what is not known yet, in batches, and keeps it.
  void prepare(const std::vector<std::string>& texts);

  // P(positive) - P(negative), -1 … 1, where VADER has its compound; 0 for a text without letters
  // or digits.
  double score(std::string_view text);

 private:
  text::Tokenizer tokenizer_;
  model::Encoder encoder_;
  std::size_t negative_, positive_;  // places among the labels
  ContentCache cache_;
};

// Relevance as the cosine of mean sentence embeddings. One thread.
class NeuralRelevance {
 public:
  NeuralRelevance(const std::filesystem::path& folder, const std::filesystem::path& cache);
  void prepare(const std::vector<std::string>& texts);

  // The cosine of the means of both sides' embeddings (each of length 1), negative ones as 0; 0
  // where a side has no text with letters or digits.
  double relevance(const feedback::Texts& offered, const feedback::Texts& wanted);

 private:
  std::vector<double> mean_of(const feedback::Texts& texts);

  text::Tokenizer tokenizer_;
  model::Encoder encoder_;
  ContentCache cache_;
};

}  // namespace reward
