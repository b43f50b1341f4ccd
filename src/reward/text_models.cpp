#include "reward/text_models.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <unordered_set>

#include "base/error.h"
#include "base/hash.h"
#include "text/tokenizer_folder.h"

namespace reward {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kAtATime = 2048;  // texts between writes to the cache
// Of what is made of a text: a change of it leaves the old values unread.
constexpr const char* kVersion = "1";

// One file a model: named by what it computes and the content of its folder.
fs::path cache_file(const fs::path& cache, const fs::path& folder, const char* what) {
  if (cache.empty()) return {};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".safetensors" || entry.path().extension() == ".json" ||
        entry.path().extension() == ".txt")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::string sums;
  for (const fs::path& file : files) sums += base::sha256_file(file);
  return cache / (what + ("-" + base::sha256(kVersion + sums).substr(0, 24)) + ".bin");
}

// Ids beyond the encoder's rows, or none at all for a text, would stop a run in its middle.
void require_fitting(const text::Tokenizer& tokenizer, const model::EncoderConfig& config,
                     const fs::path& folder) {
  if (tokenizer.size() > config.vocabulary)
    throw base::DataError(folder, ": the model has ", config.vocabulary, " tokens, its tokenizer ",
                          tokenizer.size());
  if (tokenizer.encode_for_model("", static_cast<std::size_t>(config.longest())).empty())
    throw base::DataError(folder,
                          ": its tokenizer puts no special tokens around a text, as BERT's "
                          "and RoBERTa's do");
}

bool says_nothing(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80;
  });
}

// The texts that say something and are not in the cache, once each.
std::vector<std::string> unknown(const std::vector<std::string>& texts, const ContentCache& cache) {
  std::vector<std::string> out;
  std::unordered_set<std::string_view> seen;
  for (const std::string& text : texts)
    if (!says_nothing(text) && seen.insert(text).second && !cache.find(text)) out.push_back(text);
  return out;
}

// Fills the cache with `compute`'s rows for what is unknown.
template <class F>
void fill(ContentCache& cache, const std::vector<std::string>& texts,
          const text::Tokenizer& tokenizer, const model::EncoderConfig& config, const F& compute) {
  const std::vector<std::string> missing = unknown(texts, cache);
  for (std::size_t begin = 0; begin < missing.size(); begin += kAtATime) {
    const std::size_t end = std::min(missing.size(), begin + kAtATime);
    std::vector<std::vector<int>> ids;
    for (std::size_t i = begin; i < end; ++i)
      ids.push_back(
          tokenizer.encode_for_model(missing[i], static_cast<std::size_t>(config.longest())));
    const torch::Tensor rows = compute(ids).contiguous();  // [n, width]
    for (std::size_t i = begin; i < end; ++i)
      cache.add(missing[i], {rows.template data_ptr<float>() +
                                 static_cast<std::int64_t>(i - begin) * rows.size(1),
                             static_cast<std::size_t>(rows.size(1))});
    cache.save();
  }
}

// Where a label stands that says `part`; among nameless ones, at `place`.
std::size_t label_place(const std::vector<std::string>& labels, const std::string& part,
                        std::size_t place, const fs::path& folder) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    std::string name = labels[i];
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (name.find(part) != std::string::npos) return i;
  }
  const bool nameless = std::all_of(labels.begin(), labels.end(), [](const std::string& label) {
    return label.rfind("LABEL_", 0) == 0;
  });
  if (!nameless || (labels.size() != 2 && labels.size() != 3)) {
    std::string all;
    for (const std::string& label : labels) all += (all.empty() ? "" : ", ") + label;
    throw base::DataError(folder, ": none of its labels (", all, ") says \"", part,
                          "\": no sentiment classifier");
  }
  return place;
}

}  // namespace

NeuralSentiment::NeuralSentiment(const fs::path& folder, const fs::path& cache)
    : tokenizer_(text::read_tokenizer(folder)),
      encoder_(folder),
      negative_(label_place(encoder_.config().labels, "neg", 0, folder)),
      positive_(label_place(encoder_.config().labels, "pos", encoder_.config().labels.size() - 1,
                            folder)),
      cache_(cache_file(cache, folder, "sentiment"), encoder_.config().labels.size()) {
  if (negative_ == positive_)
    throw base::DataError(folder,
                          ": one label says both negative and positive: no sentiment "
                          "classifier");
  if (!encoder_.is_classifier())
    throw base::DataError(folder, ": has no classifier's weights: no sentiment classifier");
  require_fitting(tokenizer_, encoder_.config(), folder);
}

void NeuralSentiment::prepare(const std::vector<std::string>& texts) {
  fill(cache_, texts, tokenizer_, encoder_.config(), [&](const std::vector<std::vector<int>>& ids) {
    return at::softmax(encoder_.classify(ids), 1);
  });
}

double NeuralSentiment::score(std::string_view text) {
  if (says_nothing(text)) return 0;
  if (!cache_.find(text)) prepare({std::string(text)});
  const std::span<const float> probabilities = *cache_.find(text);
  return probabilities[positive_] - probabilities[negative_];
}

NeuralRelevance::NeuralRelevance(const fs::path& folder, const fs::path& cache)
    : tokenizer_(text::read_tokenizer(folder)),
      encoder_(folder),
      cache_(cache_file(cache, folder, "embedding"),
             static_cast<std::size_t>(encoder_.config().width)) {
  require_fitting(tokenizer_, encoder_.config(), folder);
}

void NeuralRelevance::prepare(const std::vector<std::string>& texts) {
  fill(cache_, texts, tokenizer_, encoder_.config(), [&](const std::vector<std::vector<int>>& ids) {
    const torch::Tensor rows = encoder_.embed(ids);
    return rows / rows.norm(2, 1, true).clamp_min(1e-9);
  });
}

std::vector<double> NeuralRelevance::mean_of(const feedback::Texts& texts) {
  prepare(texts);
  std::vector<double> mean;
  for (const std::string& text : texts) {
    const auto values = cache_.find(text);
    if (says_nothing(text) || !values) continue;
    mean.resize(values->size());
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += (*values)[i];
  }
  return mean;
}

double NeuralRelevance::relevance(const feedback::Texts& offered, const feedback::Texts& wanted) {
  const std::vector<double> a = mean_of(offered), b = mean_of(wanted);
  if (a.empty() || b.empty()) return 0;
  double product = 0, own = 0, others = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    product += a[i] * b[i];
    own += a[i] * a[i];
    others += b[i] * b[i];
  }
  return own > 0 && others > 0 ? std::max(0., product / std::sqrt(own * others)) : 0;
}

}  // namespace reward
