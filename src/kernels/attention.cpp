#include "kernels/attention.h"

#include <cmath>

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

// The group's rows of `count` heads from head `first` on: x [T, heads*D] as [S*count, t, D],
// contiguous.
torch::Tensor take_heads(const torch::Tensor& x, const Group& group, std::int64_t width,
                         std::int64_t first, std::int64_t count) {
  return x.narrow(0, group.begin, group.segments * group.length)
      .view({group.segments, group.length, -1, width})
      .narrow(2, first, count)
      .permute({0, 2, 1, 3})  // [S, count, t, D]
      .contiguous()
      .view({group.segments * count, group.length, width});
}

// The inverse: writes part [S*count, t, D] into the group's rows of x [T, heads*D].
void put_heads(torch::Tensor& x, const Group& group, std::int64_t first,
               const torch::Tensor& part) {
  const std::int64_t count = part.size(0) / group.segments, width = part.size(2);
  x.narrow(0, group.begin, group.segments * group.length)
      .view({group.segments, group.length, -1, width})
      .narrow(2, first, count)
      .copy_(part.view({group.segments, count, group.length, width}).permute({0, 2, 1, 3}));
}

// Queries, keys and values of a group. The H / G query heads that share a head of keys stand below
// one another: query is [S*G, H/G * t, D] where key and value are [S*G, t, D], so that one product
// serves all of them and the gradient of keys and values sums over them by itself.
struct Parts {
  torch::Tensor query, key, value;
};
Parts split(const torch::Tensor& qkv, const Group& group, const Heads& heads) {
  const std::int64_t width = qkv.size(1) / (heads.queries + 2 * heads.keys);
  return {take_heads(qkv, group, width, 0, heads.queries)
              .view({group.segments * heads.keys, -1, width}),
          take_heads(qkv, group, width, heads.queries, heads.keys),
          take_heads(qkv, group, width, heads.queries + heads.keys, heads.keys)};
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

// [S*G, H/G * t, x] as [S*H, t, x], and back.
torch::Tensor by_query_head(const torch::Tensor& x, const Group& group) {
  return x.view({-1, group.length, x.size(2)});
}
torch::Tensor by_key_head(const torch::Tensor& x, const Group& group, const Heads& heads) {
  return x.view({group.segments * heads.keys, -1, x.size(2)});
}

struct PackedAttention : torch::autograd::Function<PackedAttention> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& qkv,
                               const std::vector<std::int64_t>& bounds, const Heads& heads) {
    const std::int64_t width = qkv.size(1) / (heads.queries + 2 * heads.keys);
    torch::Tensor out = torch::empty({qkv.size(0), heads.queries * width}, qkv.options());
    std::vector<torch::Tensor> saved = {qkv};
    for (const Group& group : equal_groups(bounds)) {
      const Parts parts = split(qkv, group, heads);
      torch::Tensor scores =
          by_query_head(at::bmm(parts.query, parts.key.transpose(1, 2)), group);  // [S*H, t, t]
      causal_softmax_(scores, static_cast<float>(heads.scale));
      put_heads(out, group, 0,
                by_query_head(at::bmm(by_key_head(scores, group, heads), parts.value), group));
      saved.push_back(scores);
    }
    context->save_for_backward(saved);
    context->saved_data["bounds"] = bounds;
    context->saved_data["queries"] = heads.queries;
    context->saved_data["keys"] = heads.keys;
    context->saved_data["scale"] = heads.scale;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto bounds = context->saved_data["bounds"].toIntVector();
    const Heads heads{context->saved_data["queries"].toInt(), context->saved_data["keys"].toInt(),
                      context->saved_data["scale"].toDouble()};
    const torch::Tensor &qkv = saved[0], gradient = gradients[0].contiguous();
    const std::int64_t width = qkv.size(1) / (heads.queries + 2 * heads.keys);
    torch::Tensor out = torch::empty_like(qkv);
    std::size_t next = 1;
    for (const Group& group : equal_groups(bounds)) {
      const torch::Tensor& probabilities = saved[next++];  // [S*H, t, t]
      const Parts parts = split(qkv, group, heads);
      const torch::Tensor upstream =
          by_key_head(take_heads(gradient, group, width, 0, heads.queries), group, heads);
      torch::Tensor scores =
          by_query_head(at::bmm(upstream, parts.value.transpose(1, 2)), group);  // [S*H, t, t]
      causal_softmax_backward_(probabilities, scores, static_cast<float>(heads.scale));
      const torch::Tensor shared = by_key_head(scores, group, heads);  // [S*G, H/G * t, t]
      put_heads(out, group, 0, by_query_head(at::bmm(shared, parts.key), group));
      put_heads(out, group, heads.queries, at::bmm(shared.transpose(1, 2), parts.query));
      put_heads(out, group, heads.queries + heads.keys,
                at::bmm(by_key_head(probabilities, group, heads).transpose(1, 2), upstream));
    }
    return {out, torch::Tensor(), torch::Tensor()};
  }
};

torch::Tensor reference_attention(const torch::Tensor& qkv, const std::vector<std::int64_t>& bounds,
                                  const Heads& heads) {
  std::vector<torch::Tensor> outs;
  const std::int64_t h = heads.queries, g = heads.keys, width = qkv.size(1) / (h + 2 * g);
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
    const std::int64_t t = bounds[i + 1] - bounds[i];
    const torch::Tensor all =
        qkv.narrow(0, bounds[i], t).view({t, h + 2 * g, width}).transpose(0, 1);  // [H+2G, t, D]
    const torch::Tensor query = all.narrow(0, 0, h),
                        key = all.narrow(0, h, g).repeat_interleave(h / g, 0),
                        value = all.narrow(0, h + g, g).repeat_interleave(h / g, 0);
    const torch::Tensor hidden = torch::ones({t, t}, qkv.options().dtype(torch::kBool)).triu(1);
    const torch::Tensor scores = at::matmul(query, key.transpose(1, 2)) * heads.scale;
    const torch::Tensor mixed =
        at::matmul(at::softmax(scores.masked_fill(hidden, -INFINITY), -1), value);  // [H, t, D]
    outs.push_back(mixed.transpose(0, 1).reshape({t, h * width}));
  }
  return at::cat(outs);
}

double scale_or_default(double scale, std::int64_t width) {
  return scale > 0 ? scale : 1 / std::sqrt(static_cast<double>(width));
}

}  // namespace

torch::Tensor attention(const torch::Tensor& qkv, const std::vector<std::int64_t>& bounds,
                        const Heads& given, Backend backend) {
  Heads heads = given;
  if (heads.keys == 0) heads.keys = heads.queries;
  const std::int64_t all = heads.queries + 2 * heads.keys;
  base::check(heads.keys > 0 && heads.queries % heads.keys == 0, "attention: ", heads.queries,
              " query heads cannot share ", heads.keys, " heads of keys");
  base::check(qkv.dim() == 2 && qkv.size(1) % all == 0, "attention: qkv is ", qkv.sizes(),
              ", expected [T, (", heads.queries, " + 2 * ", heads.keys, ") D]");
  base::check(!bounds.empty() && bounds.front() == 0 && bounds.back() == qkv.size(0),
              "attention: bounds end at ", bounds.empty() ? -1 : bounds.back(), " of ", qkv.size(0),
              " tokens");
  heads.scale = scale_or_default(heads.scale, qkv.size(1) / all);
  if (backend == Backend::reference) return reference_attention(qkv, bounds, heads);
  return PackedAttention::apply(qkv.contiguous(), bounds, heads);
}

torch::Tensor decode_attention(const torch::Tensor& query, const torch::Tensor& keys,
                               const torch::Tensor& values, const std::vector<std::int64_t>& slots,
                               const std::vector<std::int64_t>& lengths, double given_scale) {
  const std::int64_t batch = query.size(0), heads = query.size(1), d = query.size(2),
                     room = keys.size(1), share = heads / keys.size(2);
  base::check(d <= 256, "decode_attention: heads of width ", d, ", at most 256");
  const torch::Tensor out = torch::empty({batch, heads, d}, query.options());
  const torch::Tensor contiguous = query.contiguous();
  const auto scale = static_cast<float>(scale_or_default(given_scale, d));
  at::parallel_for(0, batch * heads, 4, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scores(static_cast<std::size_t>(room));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t b = i / heads, h = i % heads, n = lengths[static_cast<std::size_t>(b)];
      const std::int64_t offset =
          slots[static_cast<std::size_t>(b)] * keys.stride(0) + h / share * d;
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
