#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "base/random.h"
#include "harness.h"
#include "model/draw_loop.h"
#include "plain_model.h"
#include "sequences.h"

namespace bench {
namespace {

constexpr int kReplies = 32, kPrompt = 64, kLongest = 64;
constexpr double kMeanReply = 24;
constexpr std::int64_t kVocabulary = 50257;

// Tokens of each reply: geometric, cut off at kLongest.
std::vector<int> reply_lengths() {
  base::Random random({.seed = 1, .stage = "bench/rollout"});
  std::vector<int> lengths;
  for (int i = 0; i < kReplies; ++i) {
    const double length = std::log(1 - random.uniform()) / std::log(1 - 1 / kMeanReply);
    lengths.push_back(std::clamp(1 + static_cast<int>(length), 1, kLongest));
  }
  return lengths;
}

// Replies leave the batch as they end.
void roll_out(const model::Weights& weights, const std::vector<std::vector<int>>& prompts,
              const std::vector<int>& lengths) {
  model::Decoder decoder(weights, kReplies, kPrompt + kLongest);
  const auto slots = decoder.start(prompts).slots;
  std::vector<model::DrawRequest> requests;
  for (std::size_t b = 0; b < slots.size(); ++b)
    requests.push_back(
        {.slot = slots[b],
         .token = 1,
         .uniforms = std::vector<double>(static_cast<std::size_t>(lengths[b]), .37)});
  model::DrawLoop(decoder, kVocabulary).draw(requests);
}

// All rows go on until the last has ended.
void plain_roll_out(const PlainModel& model, const torch::Tensor& prompts, int longest) {
  torch::NoGradGuard no_grad;
  PlainModel::Cache cache = model.make_cache(prompts.size(0), kPrompt + kLongest);
  torch::Tensor next = model.draw_next(prompts, cache);
  for (int t = 1; t < longest; ++t) next = model.draw_next(next, cache);
}

base::Json run(const Options& options) {
  base::Json json;
  const std::vector<int> lengths = reply_lengths();
  const int longest = *std::max_element(lengths.begin(), lengths.end()),
            tokens = std::accumulate(lengths.begin(), lengths.end(), 0);
  const auto prompts = random_prompts(kReplies, kPrompt, kVocabulary);
  const torch::Tensor rows = as_rows(prompts);
  for (const auto& [name, layers, width] :
       {std::tuple{std::string("30m"), 6, 384}, {std::string("124m"), 12, 768}}) {
    const model::LanguageModel model = model::random_model(
        model::gpt2_config(layers, width / 64, width, kPrompt + kLongest, kVocabulary), 1);
    torch::NoGradGuard no_grad;
    const model::Weights weights = model::cast(model, compute_type());
    const auto plain_model = [&](PlainModel::Attention attention) {
      PlainModel plain(model, attention);
      plain.cast();
      return plain;
    };
    const PlainModel::Attention attention = faster_attention([&](PlainModel::Attention candidate) {
      const PlainModel one = plain_model(candidate);
      plain_roll_out(one, rows, 4);
      return seconds([&] { plain_roll_out(one, rows, longest); });
    });
    const PlainModel plain = plain_model(attention);
    const Comparison result = compare(
        options.rounds, [&] { roll_out(weights, prompts, lengths); },
        [&] { plain_roll_out(plain, rows, longest); });
    json[name + "_tokens_per_s"] = tokens / result.ours;
    json[name + "_plain_tokens_per_s"] = tokens / result.plain;
    json[name + "_plain_attention"] = name_of(attention);
    json[name + "_ratio"] = result.ratio;
    json[name + "_ratio_quartiles"] = {result.low, result.high};
  }
  json["tokens"] = tokens;
  json["longest"] = longest;
  return json;
}

}  // namespace

Benchmark rollout_benchmark() {
  return {"rollout",
          "32 replies of geometric lengths, mean 24 and at most 64 tokens, after prompts of 64, "
          "30M and 124M, against a static batch",
          run};
}

}  // namespace bench
