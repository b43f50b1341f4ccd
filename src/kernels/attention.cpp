#include "kernels/attention.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "base/error.h"
#include "kernels/loops.h"

namespace kernels {
namespace {

// Segments that follow one another and have one length, taken together: [S, t, …].
struct Group {
  std::int64_t begin, segments, length;
};

std::vector<Group> equal_groups(const std::vector<std::int64_t>& bounds) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
    const std::int64_t length = bounds[i + 1] - bounds[i];
    if (length == 0) continue;
    if (!groups.empty() && groups.back().length == length)
      groups.back().segments += 1;
    else
      groups.push_back({bounds[i], 1, length});
  }
  return groups;
}

// The group's rows of x [T, parts*C] as [parts][S*H, t, D], contiguous.
std::vector<torch::Tensor> split_heads(const torch::Tensor& x, const Group& group,
                                       std::int64_t parts, std::int64_t heads) {
  const std::int64_t width = x.size(1) / parts / heads;
  const torch::Tensor all = x.narrow(0, group.begin, group.segments * group.length)
                                .view({group.segments, group.length, parts, heads, width})
                                .permute({2, 0, 3, 1, 4})  // [parts, S, H, t, D]
                                .contiguous()
                                .view({parts, group.segments * heads, group.length, width});
  return all.unbind(0);
}

// The inverse, for one or more parts: writes [S*H, t, D] each into the group's rows of x [T,
// parts*C].
void join_heads(torch::Tensor& x, const Group& group, std::int64_t heads,
                const std::vector<torch::Tensor>& parts) {
  const std::int64_t count = static_cast<std::int64_t>(parts.size()), width = parts[0].size(2);
  torch::Tensor rows = x.narrow(0, group.begin, group.segments * group.length)
                           .view({group.segments, group.length, count, heads, width});
  for (std::int64_t part = 0; part < count; ++part)
    rows.select(2, part).copy_(parts[static_cast<std::size_t>(part)]
                                   .view({group.segments, heads, group.length, width})
                                   .permute({0, 2, 1, 3}));
}

template <class F>
void for_each_head(const torch::Tensor& scores, const F& loop) {
  at::parallel_for(0, scores.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t h = begin; h < end; ++h) loop(h * scores.size(1) * scores.size(2));
  });
}

float* floats(const torch::Tensor& x) { return x.data_ptr<float>(); }
loops::bf16* halves(const torch::Tensor& x) {
  return reinterpret_cast<loops::bf16*>(x.data_ptr<at::BFloat16>());
}

void causal_softmax_(torch::Tensor& scores, float scale) {
  const std::int64_t t = scores.size(1);
  for_each_head(scores, [&](std::int64_t offset) {
    if (scores.dtype() == torch::kFloat32)
      loops::causal_softmax(floats(scores) + offset, t, scale);
    else
      loops::causal_softmax(halves(scores) + offset, t, scale);
  });
}

void causal_softmax_backward_(const torch::Tensor& probabilities, torch::Tensor& gradient,
                              float scale) {
  const std::int64_t t = gradient.size(1);
  for_each_head(gradient, [&](std::int64_t offset) {
    if (gradient.dtype() == torch::kFloat32)
      loops::causal_softmax_backward(floats(probabilities) + offset, floats(gradient) + offset, t,
                                     scale);
    else
      loops::causal_softmax_backward(halves(probabilities) + offset, halves(gradient) + offset, t,
                                     scale);
  });
}

struct PackedAttention : torch::autograd::Function<PackedAttention> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& qkv,
                               const std::vector<std::int64_t>& bounds, std::int64_t heads) {
    const float scale = 1.f / std::sqrt(static_cast<float>(qkv.size(1) / 3 / heads));
    torch::Tensor out = torch::empty({qkv.size(0), qkv.size(1) / 3}, qkv.options());
    std::vector<torch::Tensor> saved = {qkv};
    for (const Group& group : equal_groups(bounds)) {
      const auto parts = split_heads(qkv, group, 3, heads);                // each [S*H, t, D]
      torch::Tensor scores = at::bmm(parts[0], parts[1].transpose(1, 2));  // [S*H, t, t]
      causal_softmax_(scores, scale);
      join_heads(out, group, heads, {at::bmm(scores, parts[2])});
      saved.push_back(scores);
    }
    context->save_for_backward(saved);
    context->saved_data["bounds"] = bounds;
    context->saved_data["heads"] = heads;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto bounds = context->saved_data["bounds"].toIntVector();
    const std::int64_t heads = context->saved_data["heads"].toInt();
    const torch::Tensor &qkv = saved[0], gradient = gradients[0].contiguous();
    const float scale = 1.f / std::sqrt(static_cast<float>(qkv.size(1) / 3 / heads));
    torch::Tensor out = torch::empty_like(qkv);
    std::size_t next = 1;
    for (const Group& group : equal_groups(bounds)) {
      const torch::Tensor& probabilities = saved[next++];
      const auto parts = split_heads(qkv, group, 3, heads);
      const torch::Tensor upstream = split_heads(gradient, group, 1, heads)[0];  // [S*H, t, D]
      torch::Tensor scores = at::bmm(upstream, parts[2].transpose(1, 2));        // [S*H, t, t]
      causal_softmax_backward_(probabilities, scores, scale);
      join_heads(out, group, heads,
                 {at::bmm(scores, parts[1]), at::bmm(scores.transpose(1, 2), parts[0]),
                  at::bmm(probabilities.transpose(1, 2), upstream)});
    }
    return {out, torch::Tensor(), torch::Tensor()};
  }
};

torch::Tensor reference_attention(const torch::Tensor& qkv, const std::vector<std::int64_t>& bounds,
                                  std::int64_t heads) {
  std::vector<torch::Tensor> outs;
  const std::int64_t width = qkv.size(1) / 3;
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
    const std::int64_t t = bounds[i + 1] - bounds[i];
    const torch::Tensor parts = qkv.narrow(0, bounds[i], t)
                                    .view({t, 3, heads, width / heads})
                                    .permute({1, 2, 0, 3});  // [3, H, t, D]
    const torch::Tensor hidden = torch::ones({t, t}, qkv.options().dtype(torch::kBool)).triu(1);
    const torch::Tensor scores = at::matmul(parts[0], parts[1].transpose(1, 2)) /
                                 std::sqrt(static_cast<double>(width / heads));
    const torch::Tensor mixed =
        at::matmul(at::softmax(scores.masked_fill(hidden, -INFINITY), -1), parts[2]);  // [H, t, D]
    outs.push_back(mixed.permute({1, 0, 2}).reshape({t, width}));
  }
  return at::cat(outs);
}

}  // namespace

torch::Tensor attention(const torch::Tensor& qkv, const std::vector<std::int64_t>& bounds,
                        std::int64_t heads, Backend backend) {
  base::check(qkv.dim() == 2 && qkv.size(1) % (3 * heads) == 0, "attention: qkv is ", qkv.sizes(),
              ", expected [T, 3C]");
  base::check(!bounds.empty() && bounds.front() == 0 && bounds.back() == qkv.size(0),
              "attention: bounds end at ", bounds.empty() ? -1 : bounds.back(), " of ", qkv.size(0),
              " tokens");
  if (backend == Backend::reference) return reference_attention(qkv, bounds, heads);
  return PackedAttention::apply(qkv.contiguous(), bounds, heads);
}

torch::Tensor decode_attention(const torch::Tensor& query, const torch::Tensor& keys,
                               const torch::Tensor& values, const std::vector<std::int64_t>& slots,
                               const std::vector<std::int64_t>& lengths) {
  const std::int64_t batch = query.size(0), heads = query.size(1), d = query.size(2),
                     room = keys.size(1);
  base::check(d <= 256, "decode_attention: heads of width ", d, ", at most 256");
  const torch::Tensor out = torch::empty({batch, heads, d}, query.options());
  const torch::Tensor contiguous = query.contiguous();
  const float scale = 1.f / std::sqrt(static_cast<float>(d));
  at::parallel_for(0, batch * heads, 4, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scores(static_cast<std::size_t>(room));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t b = i / heads, h = i % heads, n = lengths[static_cast<std::size_t>(b)];
      const std::int64_t offset = slots[static_cast<std::size_t>(b)] * keys.stride(0) + h * d;
      if (query.dtype() == torch::kFloat32)
        loops::attend(floats(contiguous) + i * d, floats(keys) + offset, floats(values) + offset, n,
                      d, keys.stride(1), scale, scores.data(), floats(out) + i * d);
      else
        loops::attend(halves(contiguous) + i * d, halves(keys) + offset, halves(values) + offset, n,
                      d, keys.stride(1), scale, scores.data(), halves(out) + i * d);
    }
  });
  return out;
}

}  // namespace kernels
