#include "kernels/log_prob_head.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "base/error.h"
#include "kernels/loops.h"

namespace kernels {
namespace {

// Tokens worked on at a time, of `tokens` in all: equal parts whose logits stay far below [T, V].
// Larger parts add up the weight's gradient, one pass over [V, C] a part, less often.
std::int64_t chunk_size(std::int64_t tokens, const torch::Tensor& weight) {
  constexpr std::int64_t kLogitBytes = 64 << 20;
  const std::int64_t most =
      std::max<std::int64_t>(64, kLogitBytes / (weight.size(0) * weight.element_size()));
  const std::int64_t parts = std::max<std::int64_t>(1, (tokens + most - 1) / most);
  return std::max<std::int64_t>(1, (tokens + parts - 1) / parts);
}

// The logit of a row's target.
float at_target(const float* row, std::int64_t target) { return row[target]; }
float at_target(const loops::bf16* row, std::int64_t target) {
  return static_cast<float>(reinterpret_cast<const at::BFloat16*>(row)[target]);
}

// What the gradient of a chunk's logits [t, V] adds to those of its hidden states [t, C] (written
// to `hidden_gradient`) and of the weight [V, C] (added to `weight_gradient`, which the first chunk
// makes). The weight's goes by tiles of the vocabulary, which stay in the cache.
void add_gradients(const torch::Tensor& by_logits, const torch::Tensor& chunk,
                   const torch::Tensor& weight, torch::Tensor hidden_gradient,
                   torch::Tensor& weight_gradient) {
  constexpr std::int64_t kTile = 4096;
  at::mm_out(hidden_gradient, by_logits, weight);
  const bool first = !weight_gradient.defined();
  if (first) weight_gradient = torch::empty_like(weight);
  for (std::int64_t begin = 0; begin < weight.size(0); begin += kTile) {
    const std::int64_t size = std::min(kTile, weight.size(0) - begin);
    const torch::Tensor by_tile = by_logits.narrow(1, begin, size).t();  // [size, t]
    torch::Tensor rows = weight_gradient.narrow(0, begin, size);
    if (first)
      at::mm_out(rows, by_tile, chunk);
    else
      rows.addmm_(by_tile, chunk);
  }
}

template <class T, class F>
void over_rows(torch::Tensor& logits, const F& loop) {
  T* data = reinterpret_cast<T*>(logits.data_ptr());
  at::parallel_for(0, logits.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) loop(data + row * logits.size(1), row);
  });
}

template <class F>
void over_rows_of_any_type(torch::Tensor& logits, const F& loop) {
  if (logits.dtype() == torch::kFloat32)
    over_rows<float>(logits, loop);
  else
    over_rows<loops::bf16>(logits, loop);
}

struct ChunkedHead : torch::autograd::Function<ChunkedHead> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const torch::Tensor& hidden,
                                                const torch::Tensor& weight,
                                                const torch::Tensor& targets, double temperature) {
    const std::int64_t tokens = hidden.size(0);
    const auto options = torch::TensorOptions().dtype(torch::kFloat32);
    torch::Tensor log_probs = torch::zeros({tokens}, options),
                  normalisers = torch::empty({tokens}, options),
                  entropies = torch::empty({tokens}, options);
    float *log_prob = log_probs.data_ptr<float>(), *normaliser = normalisers.data_ptr<float>(),
          *entropy = entropies.data_ptr<float>();
    const std::int64_t* target = targets.data_ptr<std::int64_t>();
    const float scale = static_cast<float>(1 / temperature);
    const std::int64_t chunk_tokens = chunk_size(tokens, weight);
    torch::Tensor logits;
    for (std::int64_t begin = 0; begin < tokens; begin += chunk_tokens) {
      const std::int64_t size = std::min(chunk_tokens, tokens - begin);
      logits = at::linear(hidden.narrow(0, begin, size), weight);  // [chunk, V]
      over_rows_of_any_type(logits, [&](auto* row, std::int64_t i) {
        const std::int64_t t = begin + i;
        const loops::RowSummary summary = loops::summarise_row(row, logits.size(1), scale);
        normaliser[t] = summary.log_normaliser;
        entropy[t] = summary.entropy;
        if (target[t] < 0) return;
        log_prob[t] = at_target(row, target[t]) * scale - summary.log_normaliser;
      });
    }
    context->save_for_backward({hidden, weight, targets, normalisers, entropies});
    context->saved_data["temperature"] = temperature;
    if (logits.defined())
      context->saved_data["last_logits"] = logits;  // spares computing them anew
    return {log_probs, normalisers, entropies};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &hidden = saved[0], &weight = saved[1];
    const float scale = static_cast<float>(1 / context->saved_data["temperature"].toDouble());
    const torch::Tensor by_log_prob = gradients[0].contiguous(),
                        by_normaliser = gradients[1].contiguous(),
                        by_entropy = gradients[2].contiguous();
    const auto at = [](const torch::Tensor& x) { return x.data_ptr<float>(); };
    const std::int64_t* target = saved[2].data_ptr<std::int64_t>();
    const std::int64_t tokens = hidden.size(0);
    torch::Tensor hidden_gradient = torch::empty_like(hidden);
    torch::Tensor weight_gradient, last_logits;
    if (const auto kept = context->saved_data.find("last_logits");
        kept != context->saved_data.end()) {
      last_logits = kept->second.toTensor();
      context->saved_data.erase(kept);  // they are overwritten below
    }
    const std::int64_t chunk_tokens = chunk_size(tokens, weight);
    for (std::int64_t begin = 0; begin < tokens; begin += chunk_tokens) {
      const std::int64_t size = std::min(chunk_tokens, tokens - begin);
      const torch::Tensor chunk = hidden.narrow(0, begin, size);
      // [chunk, V], overwritten by its own gradient
      torch::Tensor logits = last_logits.defined() && begin + size == tokens
                                 ? std::move(last_logits)
                                 : at::linear(chunk, weight);
      over_rows_of_any_type(logits, [&](auto* row, std::int64_t i) {
        const std::int64_t t = begin + i;
        loops::row_backward(
            row, logits.size(1), scale, {at(saved[3])[t], at(saved[4])[t]},
            {at(by_log_prob)[t], at(by_normaliser)[t], at(by_entropy)[t], target[t]});
      });
      add_gradients(logits, chunk, weight, hidden_gradient.narrow(0, begin, size), weight_gradient);
    }
    if (!weight_gradient.defined()) weight_gradient = torch::zeros_like(weight);  // no tokens
    return {hidden_gradient, weight_gradient, torch::Tensor(), torch::Tensor()};
  }
};

struct WeightedHead : torch::autograd::Function<WeightedHead> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& hidden, const torch::Tensor& weight,
                               const torch::Tensor& targets, const torch::Tensor& weights,
                               double temperature, bool wants_gradient) {
    const std::int64_t tokens = hidden.size(0);
    const float scale = static_cast<float>(1 / temperature);
    const std::int64_t* target = targets.data_ptr<std::int64_t>();
    const float* counts = weights.data_ptr<float>();
    torch::Tensor log_probs = torch::zeros({tokens}, torch::kFloat32);
    float* log_prob = log_probs.data_ptr<float>();
    torch::Tensor hidden_gradient = wants_gradient ? torch::empty_like(hidden) : torch::Tensor();
    torch::Tensor weight_gradient;
    const std::int64_t chunk_tokens = chunk_size(tokens, weight);
    for (std::int64_t begin = 0; begin < tokens; begin += chunk_tokens) {
      const std::int64_t size = std::min(chunk_tokens, tokens - begin);
      const torch::Tensor chunk = hidden.narrow(0, begin, size);
      torch::Tensor logits = at::linear(chunk, weight);  // [chunk, V], then its own gradient
      over_rows_of_any_type(logits, [&](auto* row, std::int64_t i) {
        const std::int64_t t = begin + i;
        const loops::RowSummary summary = loops::summarise_row(row, logits.size(1), scale);
        if (target[t] >= 0)
          log_prob[t] = at_target(row, target[t]) * scale - summary.log_normaliser;
        if (wants_gradient)
          loops::row_backward(row, logits.size(1), scale, summary, {counts[t], 0, 0, target[t]});
      });
      if (wants_gradient)
        add_gradients(logits, chunk, weight, hidden_gradient.narrow(0, begin, size),
                      weight_gradient);
    }
    if (wants_gradient) {
      if (!weight_gradient.defined()) weight_gradient = torch::zeros_like(weight);  // no tokens
      context->save_for_backward({hidden_gradient, weight_gradient});
    }
    return (log_probs * weights).sum();
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const double upstream = gradients[0].item<double>();
    const auto scaled = [&](const torch::Tensor& x) { return upstream == 1 ? x : x * upstream; };
    return {scaled(saved[0]), scaled(saved[1]), torch::Tensor(),
            torch::Tensor(),  torch::Tensor(),  torch::Tensor()};
  }
};

HeadOutput reference_head(const torch::Tensor& hidden, const torch::Tensor& weight,
                          const torch::Tensor& targets, double temperature) {
  const torch::Tensor logits =
      at::linear(hidden, weight).to(torch::kFloat32) / temperature;  // [T, V]
  const torch::Tensor normalisers = at::logsumexp(logits, {1});
  const torch::Tensor log_p = logits - normalisers.unsqueeze(1);
  const torch::Tensor picked = log_p.gather(1, targets.clamp_min(0).unsqueeze(1)).squeeze(1);
  return {at::where(targets >= 0, picked, torch::zeros_like(picked)), normalisers,
          -(log_p.exp() * log_p).sum(1)};
}

// Checks the shapes; the rows of `weight` that may be drawn.
torch::Tensor candidate_rows(const torch::Tensor& hidden, const torch::Tensor& weight,
                             const torch::Tensor& targets, std::int64_t rows) {
  base::check(hidden.dim() == 2 && weight.dim() == 2 && hidden.size(1) == weight.size(1),
              "log_prob_head: hidden is ", hidden.sizes(), ", weight ", weight.sizes());
  base::check(
      targets.dim() == 1 && targets.size(0) == hidden.size(0) && targets.dtype() == torch::kInt64,
      "log_prob_head: ", targets.sizes(), " targets for hidden ", hidden.sizes());
  if (rows == 0) rows = weight.size(0);
  base::check(
      rows <= weight.size(0) && (targets.numel() == 0 || targets.max().item<std::int64_t>() < rows),
      "log_prob_head: a target outside the first ", rows, " of ", weight.size(0), " tokens");
  return rows == weight.size(0) ? weight : weight.narrow(0, 0, rows);
}

}  // namespace

HeadOutput log_prob_head(const torch::Tensor& hidden, const torch::Tensor& weight,
                         const torch::Tensor& targets, const HeadOptions& options) {
  const torch::Tensor candidates = candidate_rows(hidden, weight, targets, options.rows);
  if (options.backend == Backend::reference)
    return reference_head(hidden, candidates, targets, options.temperature);
  const auto out = ChunkedHead::apply(hidden.contiguous(), candidates, targets.contiguous(),
                                      options.temperature);
  return {out[0], out[1], out[2]};
}

torch::Tensor weighted_log_prob(const torch::Tensor& hidden, const torch::Tensor& weight,
                                const torch::Tensor& targets, const torch::Tensor& weights,
                                const HeadOptions& options) {
  const torch::Tensor candidates = candidate_rows(hidden, weight, targets, options.rows);
  base::check(weights.sizes() == targets.sizes() && weights.dtype() == torch::kFloat32,
              "weighted_log_prob: weights are ", weights.sizes(), " for targets ", targets.sizes());
  if (options.backend == Backend::reference)
    return (reference_head(hidden, candidates, targets, options.temperature).log_probs * weights)
        .sum();
  const bool wants_gradient =
      torch::GradMode::is_enabled() && (hidden.requires_grad() || candidates.requires_grad());
  return WeightedHead::apply(hidden.contiguous(), candidates, targets.contiguous(),
                             weights.contiguous(), options.temperature, wants_gradient);
}

}  // namespace kernels
