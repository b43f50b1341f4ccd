#include <algorithm>
#include <string>

#include "base/error.h"
#include "harness.h"
#include "kernels/decoding_head.h"
#include "model/draw_loop.h"
#include "plain_model.h"
#include "sequences.h"

namespace bench {
namespace {

constexpr int kPrompt = 128, kNew = 64;
constexpr std::int64_t kVocabulary = 50257;

// Of a number as it is computed with.
double number_bytes() { return static_cast<double>(torch::elementSize(compute_type())); }

struct Size {
  const char* name;
  std::int64_t layers, heads, width;
};

// Decoder and draw loop; the prompts' own work is not timed.
class Ours {
 public:
  Ours(const model::Weights& weights, std::vector<std::vector<int>> prompts,
       kernels::MatrixNumbers numbers = kernels::MatrixNumbers::computed)
      : prompts_(std::move(prompts)),
        decoder_(weights, static_cast<std::int64_t>(prompts_.size()), kPrompt + kNew, numbers),
        loop_(decoder_, kVocabulary) {}

  // [B, V]: after the prompts and one token more.
  torch::Tensor logits() {
    const auto slots = decoder_.start(prompts_).slots;
    const torch::Tensor hidden = decoder_.append(slots, std::vector<int>(slots.size(), 1));
    for (std::int64_t slot : slots) decoder_.end(slot);
    return kernels::DecodingHead(decoder_.weights().head, decoder_.numbers()).logits(hidden);
  }

  double run() {
    const auto slots = decoder_.start(prompts_).slots;
    std::vector<model::DrawRequest> requests;
    for (std::int64_t slot : slots)
      requests.push_back({.slot = slot, .token = 1, .uniforms = std::vector<double>(kNew, .37)});
    const double took = seconds([&] { loop_.draw(requests); });
    for (std::int64_t slot : slots) decoder_.end(slot);
    return took;
  }

 private:
  std::vector<std::vector<int>> prompts_;
  model::Decoder decoder_;
  model::DrawLoop loop_;
};

class Plain {
 public:
  Plain(const model::LanguageModel& model, PlainModel::Attention attention, torch::Tensor prompts)
      : model_(model, attention),
        prompts_(std::move(prompts)),
        first_(torch::ones({prompts_.size(0), 1}, torch::kInt64)) {
    model_.cast();
  }

  torch::Tensor logits() const {
    torch::NoGradGuard no_grad;
    PlainModel::Cache cache = begin();
    return at::linear(model_.hidden(first_, &cache).select(1, 0), model_.at("wte.weight"));
  }

  double run() const {
    PlainModel::Cache cache = begin();
    return seconds([&] {
      torch::Tensor next = first_;
      for (int t = 0; t < kNew; ++t) next = model_.draw_next(next, cache);
    });
  }

 private:
  PlainModel::Cache begin() const {
    torch::NoGradGuard no_grad;
    PlainModel::Cache cache = model_.make_cache(prompts_.size(0), kPrompt + kNew);
    model_.hidden(prompts_, &cache);
    return cache;
  }

  PlainModel model_;
  torch::Tensor prompts_, first_;
};

using Prompts = std::vector<std::vector<int>>;

// Calls f(name, model, weights, prompts) for each size and batch; a name ends in "_".
template <class F>
void each_case(const F& f) {
  for (const Size& size : {Size{"30m", 6, 6, 384}, Size{"124m", 12, 12, 768}}) {
    const model::LanguageModel model = model::random_model(
        model::gpt2_config(size.layers, size.heads, size.width, kPrompt + kNew, kVocabulary), 1);
    torch::NoGradGuard no_grad;
    const model::Weights weights = model::cast(model, compute_type());
    for (const int batch : {1, 8, 32})
      f(std::string(size.name) + "_b" + std::to_string(batch) + "_", model, weights,
        random_prompts(batch, kPrompt, kVocabulary));
  }
}

// Of what the probed machine alone would take for a step: the longer of reading weights, of so many
// bytes each, and cache once and of the matrix products.
double share_of_floor(const model::LanguageModel& model, const Prompts& prompts, double bytes,
                      const Comparison& result) {
  const auto batch = static_cast<double>(prompts.size());
  const double weights = static_cast<double>(model.parameters.count() -
                                             model.parameters.at("wpe.weight").numel()),
               cached = 2. * batch * static_cast<double>(model.config.layers * model.config.width) *
                        (kPrompt + kNew / 2.),
               floor = std::max((bytes * weights + number_bytes() * cached) / (result.memory * 1e9),
                                2 * batch * (weights + cached / batch) / (result.peak * 1e9));
  return floor * kNew / result.ours;
}

// Adds the figures of one case; `other`: what ours stands against. bytes: of one of our weights.
void add_figures(base::Json& json, const std::string& name, const std::string& other,
                 const model::LanguageModel& model, const Prompts& prompts, double bytes,
                 const Comparison& result) {
  const double tokens = static_cast<double>(prompts.size()) * kNew;
  json[name + "tokens_per_s"] = tokens / result.ours;
  json[name + other + "_tokens_per_s"] = tokens / result.plain;
  json[name + "ratio"] = result.ratio;
  json[name + "ratio_quartiles"] = {result.low, result.high};
  json[name + "share_of_floor"] = share_of_floor(model, prompts, bytes, result);
}

base::Json run(const Options& options) {
  base::Json json;
  each_case([&](const std::string& name, const model::LanguageModel& model,
                const model::Weights& weights, const Prompts& prompts) {
    Ours ours(weights, prompts);
    const PlainModel::Attention attention = faster_attention([&](PlainModel::Attention candidate) {
      const Plain one(model, candidate, as_rows(prompts));
      one.run();
      return one.run();
    });
    const Plain plain(model, attention, as_rows(prompts));
    const double error = relative_error(ours.logits(), plain.logits());
    base::check(error < rounding(2e-2), "bench decode: the logits are ", error, " apart");
    const Comparison result = compare_timed(
        options.rounds, [&] { return ours.run(); }, [&] { return plain.run(); });
    add_figures(json, name, "plain", model, prompts, number_bytes(), result);
    json[name + "plain_attention"] = name_of(attention);
  });
  return json;
}

// Matrices in 8 bits beside those that are computed with, both ours.
base::Json run_int8(const Options& options) {
  base::Json json;
  each_case([&](const std::string& name, const model::LanguageModel& model,
                const model::Weights& weights, const Prompts& prompts) {
    Ours int8(weights, prompts, kernels::MatrixNumbers::int8), computed(weights, prompts);
    const double error = relative_error(int8.logits(), computed.logits());
    base::check(error < 5e-2, "bench decode-int8: the logits are ", error, " apart");
    const Comparison result = compare_timed(
        options.rounds, [&] { return int8.run(); }, [&] { return computed.run(); });
    add_figures(json, name, "computed", model, prompts, 1, result);
    json[name + "logits_apart"] = error;
  });
  return json;
}

}  // namespace

Benchmark decode_benchmark() {
  return {"decode", "64 tokens drawn after prompts of 128, 30M and 124M, 1, 8 and 32 side by side",
          run};
}

Benchmark decode_int8_benchmark() {
  return {"decode-int8",
          "the same with matrices in 8 bits, against ours of the type that is computed in",
          run_int8};
}

}  // namespace bench
