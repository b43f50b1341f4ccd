#include "kernels/log_prob_head.h"

#include <torch/csrc/autograd/custom_function.h>

#include "base/error.h"
#include "kernels/logit_rows.h"

namespace kernels {
namespace {

// Tokens worked on at a time, of `tokens` in all: equal parts whose logits stay far below [T, V].
// Larger parts add up the weight's gradient, one pass over [V, C] a part, less often.
std::int64_t chunk_size(std::int64_t tokens, const torch::Tensor& weight) {
  const std::int64_t logit_bytes = weight.is_cuda() ? 512 << 20 : 64 << 20;
  const std::int64_t most =
      std::max<std::int64_t>(64, logit_bytes / (weight.size(0) * weight.element_size()));
  const std::int64_t parts = std::max<std::int64_t>(1, (tokens + most - 1) / most);
  return std::max<std::int64_t>(1, (tokens + parts - 1) / parts);
}

// What the gradient of a chunk's logits [t, W] adds to those of its hidden states [t, C] (written
// to `hidden_gradient`) and of the padded weight [W, C] (added to `weight_gradient`, which the
// first chunk makes). On the processor the weight's goes by tiles of the vocabulary, which stay in
// the cache.
void add_gradients(const torch::Tensor& by_logits, const torch::Tensor& chunk,
                   const torch::Tensor& weight, torch::Tensor hidden_gradient,
                   torch::Tensor& weight_gradient) {
  const std::int64_t tile = weight.is_cuda() ? weight.size(0) : 4096;
  at::mm_out(hidden_gradient, by_logits, weight);
  const bool first = !weight_gradient.defined();
  if (first) weight_gradient = torch::empty_like(weight);
  for (std::int64_t begin = 0; begin < weight.size(0); begin += tile) {
    const std::int64_t size = std::min(tile, weight.size(0) - begin);
    const torch::Tensor by_tile = by_logits.narrow(1, begin, size).t();  // [size, t]
    torch::Tensor rows = weight_gradient.narrow(0, begin, size);
    if (first)
      at::mm_out(rows, by_tile, chunk);
    else
      rows.addmm_(by_tile, chunk);
  }
}

struct ChunkedHead : torch::autograd::Function<ChunkedHead> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const torch::Tensor& hidden,
                                                const torch::Tensor& weight,
                                                const torch::Tensor& targets, double temperature) {
    const std::int64_t tokens = hidden.size(0);
    const RowResults results = empty_results(tokens, hidden.device());
    const RowShape shape{weight.size(0), static_cast<float>(1 / temperature)};
    const torch::Tensor padded = padded_rows(weight);
    const std::int64_t chunk_tokens = chunk_size(tokens, weight);
    torch::Tensor logits;
    for (std::int64_t begin = 0; begin < tokens; begin += chunk_tokens) {
      const std::int64_t size = std::min(chunk_tokens, tokens - begin);
      logits = at::linear(hidden.narrow(0, begin, size), padded);  // [chunk, W]
      summarise_rows(logits, targets.narrow(0, begin, size), shape, results.narrow(begin, size));
    }
    context->save_for_backward(
        {hidden, weight, targets, results.log_normalisers, results.entropies, results.log_probs});
    context->saved_data["temperature"] = temperature;
    if (logits.defined())
      context->saved_data["last_logits"] = logits;  // spares computing them anew
    return {results.log_probs, results.log_normalisers, results.entropies};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &hidden = saved[0], &weight = saved[1], &targets = saved[2];
    const RowResults results{saved[3], saved[4], saved[5]};
    const RowShape shape{weight.size(0),
                         static_cast<float>(1 / context->saved_data["temperature"].toDouble())};
    const torch::Tensor padded = padded_rows(weight);
    const torch::Tensor by_log_prob = gradients[0].contiguous(),
                        by_normaliser = gradients[1].contiguous(),
                        by_entropy = gradients[2].contiguous();
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
      const auto part = [&](const torch::Tensor& x) { return x.narrow(0, begin, size); };
      // [chunk, W], overwritten by its own gradient
      torch::Tensor logits = last_logits.defined() && begin + size == tokens
                                 ? std::move(last_logits)
                                 : at::linear(part(hidden), padded);
      rows_backward(logits, part(targets), shape, results.narrow(begin, size),
                    {part(by_log_prob), part(by_normaliser), part(by_entropy)});
      add_gradients(logits, part(hidden), padded, part(hidden_gradient), weight_gradient);
    }
    if (!weight_gradient.defined()) weight_gradient = torch::zeros_like(weight);  // no tokens
    return {hidden_gradient, weight_gradient.narrow(0, 0, weight.size(0)), torch::Tensor(),
            torch::Tensor()};
  }
};

struct WeightedHead : torch::autograd::Function<WeightedHead> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& hidden, const torch::Tensor& weight,
                               const torch::Tensor& targets, const torch::Tensor& weights,
                               double temperature, bool wants_gradient) {
    const std::int64_t tokens = hidden.size(0);
    const RowShape shape{weight.size(0), static_cast<float>(1 / temperature)};
    const torch::Tensor padded = padded_rows(weight);
    const RowResults results = empty_results(tokens, hidden.device());
    torch::Tensor hidden_gradient = wants_gradient ? torch::empty_like(hidden) : torch::Tensor();
    torch::Tensor weight_gradient;
    const std::int64_t chunk_tokens = chunk_size(tokens, weight);
    for (std::int64_t begin = 0; begin < tokens; begin += chunk_tokens) {
      const std::int64_t size = std::min(chunk_tokens, tokens - begin);
      const auto part = [&](const torch::Tensor& x) { return x.narrow(0, begin, size); };
      torch::Tensor logits = at::linear(part(hidden), padded);  // [chunk, W], then its own gradient
      if (!wants_gradient) {
        summarise_rows(logits, part(targets), shape, results.narrow(begin, size));
        continue;
      }
      learn_rows(logits, part(targets), shape, results.narrow(begin, size), part(weights));
      add_gradients(logits, part(hidden), padded, part(hidden_gradient), weight_gradient);
    }
    if (wants_gradient) {
      if (!weight_gradient.defined()) weight_gradient = torch::zeros_like(weight);  // no tokens
      context->save_for_backward({hidden_gradient, weight_gradient.narrow(0, 0, weight.size(0))});
    }
    return (results.log_probs * weights).sum();
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
  // On a GPU nobody waits to look at the targets.
  const bool within =
      targets.is_cuda() || targets.numel() == 0 || targets.max().item<std::int64_t>() < rows;
  base::check(rows <= weight.size(0) && within, "log_prob_head: a target outside the first ", rows,
              " of ", weight.size(0), " tokens");
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
