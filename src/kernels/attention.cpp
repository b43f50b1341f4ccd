#include "kernels/attention.h"

#include <cmath>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "base/error.h"
#include "kernels/device_attention.h"
#include "kernels/loops.h"

namespace kernels {
namespace {

// Segments that follow one another and have one length and one prefix, taken together: [S, t, …].
struct Group {
  std::int64_t begin, segments, length;
  std::int64_t prefix = 0, before = 0;  // first token of the prefix, and its length P: 0 for none
};

std::vector<Group> equal_groups(const Segments& segments) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i + 1 < segments.bounds.size(); ++i) {
    const auto segment = static_cast<std::int64_t>(i);
    const std::int64_t length = segments.length(segment), before = segments.before(segment);
    if (length == 0) continue;
    const std::int64_t prefix =
        before > 0 ? segments.bounds[static_cast<std::size_t>(segments.prefix[i])] : 0;
    if (!groups.empty() && groups.back().length == length && groups.back().prefix == prefix &&
        groups.back().before == before)
      groups.back().segments += 1;
    else
      groups.push_back({segments.bounds[i], 1, length, prefix, before});
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

// The same of what the group's tokens may see, its prefix and then its own: [S*count, P + t, D].
torch::Tensor take_seen(const torch::Tensor& x, const Group& group, std::int64_t width,
                        std::int64_t first, std::int64_t count) {
  const torch::Tensor own = take_heads(x, group, width, first, count);
  if (group.before == 0) return own;
  const torch::Tensor prefix = take_heads(x, {group.prefix, 1, group.before}, width, first, count);
  return at::cat({prefix.repeat({group.segments, 1, 1}), own}, 1);
}

// The inverse of take_heads: writes part [S*count, t, D] into the group's rows of x [T, heads*D].
void put_heads(torch::Tensor& x, const Group& group, std::int64_t first,
               const torch::Tensor& part) {
  const std::int64_t count = part.size(0) / group.segments, width = part.size(2);
  x.narrow(0, group.begin, group.segments * group.length)
      .view({group.segments, group.length, -1, width})
      .narrow(2, first, count)
      .copy_(part.view({group.segments, count, group.length, width}).permute({0, 2, 1, 3}));
}

// Queries, keys and values of a group. The H / G query heads that share a head of keys stand below
// one another: query is [S*G, H/G * t, D] where key and value are [S*G, P + t, D], so that one
// product serves all of them and the gradient of keys and values sums over them by itself.
struct Parts {
  torch::Tensor query, key, value;
};
Parts split(const torch::Tensor& qkv, const Group& group, const Heads& heads) {
  const std::int64_t width = qkv.size(1) / (heads.queries + 2 * heads.keys);
  return {take_heads(qkv, group, width, 0, heads.queries)
              .view({group.segments * heads.keys, -1, width}),
          take_seen(qkv, group, width, heads.queries, heads.keys),
          take_seen(qkv, group, width, heads.queries + heads.keys, heads.keys)};
}

// The inverse of take_seen for gradients: writes the group's own rows of part [S*G, P + t, D] into
// x and adds those of its prefix, summed over the segments behind it, to `shared` [T, heads*D].
void put_seen(torch::Tensor& x, torch::Tensor& shared, const Group& group, std::int64_t first,
              const torch::Tensor& part) {
  put_heads(x, group, first, part.narrow(1, group.before, group.length));
  if (group.before == 0) return;
  const std::int64_t count = part.size(0) / group.segments, width = part.size(2);
  shared.narrow(0, group.prefix, group.before)
      .view({group.before, -1, width})
      .narrow(1, first, count)
      .add_(part.narrow(1, 0, group.before)
                .view({group.segments, count, group.before, width})
                .sum(0, false, torch::kFloat32)  // [count, P, D]
                .transpose(0, 1));
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

// scores: [S*H, t, P + t].
void causal_softmax_(torch::Tensor& scores, float scale) {
  const std::int64_t t = scores.size(1), before = scores.size(2) - t;
  for_each_head(scores, [&](std::int64_t offset) {
    if (scores.dtype() == torch::kFloat32)
      loops::causal_softmax(floats(scores) + offset, t, before, scale);
    else
      loops::causal_softmax(halves(scores) + offset, t, before, scale);
  });
}

void causal_softmax_backward_(const torch::Tensor& probabilities, torch::Tensor& gradient,
                              float scale) {
  const std::int64_t t = gradient.size(1), before = gradient.size(2) - t;
  for_each_head(gradient, [&](std::int64_t offset) {
    if (gradient.dtype() == torch::kFloat32)
      loops::causal_softmax_backward(floats(probabilities) + offset, floats(gradient) + offset, t,
                                     before, scale);
    else
      loops::causal_softmax_backward(halves(probabilities) + offset, halves(gradient) + offset, t,
                                     before, scale);
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
                               const Segments& segments, const Heads& heads) {
    const std::int64_t width = qkv.size(1) / (heads.queries + 2 * heads.keys);
    torch::Tensor out = torch::empty({qkv.size(0), heads.queries * width}, qkv.options());
    std::vector<torch::Tensor> saved = {qkv};
    for (const Group& group : equal_groups(segments)) {
      const Parts parts = split(qkv, group, heads);
      torch::Tensor scores = by_query_head(at::bmm(parts.query, parts.key.transpose(1, 2)),
                                           group);  // [S*H, t, P + t]
      causal_softmax_(scores, static_cast<float>(heads.scale));
      put_heads(out, group, 0,
                by_query_head(at::bmm(by_key_head(scores, group, heads), parts.value), group));
      saved.push_back(scores);
    }
    context->save_for_backward(saved);
    context->saved_data["bounds"] = segments.bounds;
    context->saved_data["prefix"] = segments.prefix;
    context->saved_data["queries"] = heads.queries;
    context->saved_data["keys"] = heads.keys;
    context->saved_data["scale"] = heads.scale;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Segments segments{context->saved_data["bounds"].toIntVector(),
                            context->saved_data["prefix"].toIntVector()};
    const Heads heads{context->saved_data["queries"].toInt(), context->saved_data["keys"].toInt(),
                      context->saved_data["scale"].toDouble()};
    const torch::Tensor &qkv = saved[0], gradient = gradients[0].contiguous();
    const std::int64_t width = qkv.size(1) / (heads.queries + 2 * heads.keys);
    torch::Tensor out = torch::empty_like(qkv), shared;
    if (!segments.prefix.empty()) shared = torch::zeros(qkv.sizes(), torch::kFloat32);
    std::size_t next = 1;
    for (const Group& group : equal_groups(segments)) {
      const torch::Tensor& probabilities = saved[next++];  // [S*H, t, P + t]
      const Parts parts = split(qkv, group, heads);
      const torch::Tensor upstream =
          by_key_head(take_heads(gradient, group, width, 0, heads.queries), group, heads);
      torch::Tensor scores = by_query_head(at::bmm(upstream, parts.value.transpose(1, 2)),
                                           group);  // [S*H, t, P + t]
      causal_softmax_backward_(probabilities, scores, static_cast<float>(heads.scale));
      const torch::Tensor by_key = by_key_head(scores, group, heads);  // [S*G, H/G * t, P + t]
      put_heads(out, group, 0, by_query_head(at::bmm(by_key, parts.key), group));
      put_seen(out, shared, group, heads.queries, at::bmm(by_key.transpose(1, 2), parts.query));
      put_seen(out, shared, group, heads.queries + heads.keys,
               at::bmm(by_key_head(probabilities, group, heads).transpose(1, 2), upstream));
    }
    if (shared.defined()) out.add_(shared);
    return {out, torch::Tensor(), torch::Tensor()};
  }
};

torch::Tensor reference_attention(const torch::Tensor& qkv, const Segments& segments,
                                  const Heads& heads) {
  std::vector<torch::Tensor> outs;
  const std::int64_t h = heads.queries, g = heads.keys, width = qkv.size(1) / (h + 2 * g);
  const auto own = [&](std::size_t segment) {  // [t, …]
    return qkv.narrow(0, segments.bounds[segment],
                      segments.length(static_cast<std::int64_t>(segment)));
  };
  for (std::size_t i = 0; i + 1 < segments.bounds.size(); ++i) {
    const bool follows = !segments.prefix.empty() && segments.prefix[i] >= 0;
    const torch::Tensor seen =
        follows ? at::cat({own(static_cast<std::size_t>(segments.prefix[i])), own(i)}) : own(i);
    const std::int64_t n = seen.size(0), t = own(i).size(0);
    const torch::Tensor all = seen.view({n, h + 2 * g, width}).transpose(0, 1);  // [H+2G, P + t, D]
    const torch::Tensor query = all.narrow(0, 0, h).narrow(1, n - t, t),
                        key = all.narrow(0, h, g).repeat_interleave(h / g, 0),
                        value = all.narrow(0, h + g, g).repeat_interleave(h / g, 0);
    const torch::Tensor hidden =
        torch::ones({t, n}, qkv.options().dtype(torch::kBool)).triu(n - t + 1);
    const torch::Tensor scores = at::matmul(query, key.transpose(1, 2)) * heads.scale;
    const torch::Tensor mixed =
        at::matmul(at::softmax(scores.masked_fill(hidden, -INFINITY), -1), value);  // [H, t, D]
    outs.push_back(mixed.transpose(0, 1).reshape({t, h * width}));
  }
  return at::cat(outs);
}

void check_prefixes(const Segments& segments) {
  if (segments.prefix.empty()) return;
  const std::size_t count = segments.bounds.size() - 1;
  base::check(segments.prefix.size() == count, "attention: ", segments.prefix.size(),
              " prefixes for ", count, " segments");
  for (const std::int64_t prefix : segments.prefix)
    base::check(prefix < 0 || (prefix < static_cast<std::int64_t>(count) &&
                               segments.prefix[static_cast<std::size_t>(prefix)] < 0),
                "attention: segment ", prefix, " cannot be a prefix: it is no segment, or behind ",
                "another itself");
}

double scale_or_default(double scale, std::int64_t width) {
  return scale > 0 ? scale : 1 / std::sqrt(static_cast<double>(width));
}

}  // namespace

Segments place(Segments segments, torch::Device device) {
  if (device.is_cuda()) segments.on_device = on_device(segments, device);
  return segments;
}

std::int64_t Segments::length(std::int64_t segment) const {
  const auto i = static_cast<std::size_t>(segment);
  return bounds[i + 1] - bounds[i];
}

std::int64_t Segments::before(std::int64_t segment) const {
  if (prefix.empty()) return 0;
  const std::int64_t at = prefix[static_cast<std::size_t>(segment)];
  return at < 0 ? 0 : length(at);
}

torch::Tensor attention(const torch::Tensor& qkv, const std::vector<std::int64_t>& bounds,
                        const Heads& heads, Backend backend) {
  return attention(qkv, Segments{bounds}, heads, backend);
}

torch::Tensor attention(const torch::Tensor& qkv, const Segments& segments, const Heads& given,
                        Backend backend) {
  Heads heads = given;
  const std::vector<std::int64_t>& bounds = segments.bounds;
  if (heads.keys == 0) heads.keys = heads.queries;
  const std::int64_t all = heads.queries + 2 * heads.keys;
  base::check(heads.keys > 0 && heads.queries % heads.keys == 0, "attention: ", heads.queries,
              " query heads cannot share ", heads.keys, " heads of keys");
  base::check(qkv.dim() == 2 && qkv.size(1) % all == 0, "attention: qkv is ", qkv.sizes(),
              ", expected [T, (", heads.queries, " + 2 * ", heads.keys, ") D]");
  base::check(!bounds.empty() && bounds.front() == 0 && bounds.back() == qkv.size(0),
              "attention: bounds end at ", bounds.empty() ? -1 : bounds.back(), " of ", qkv.size(0),
              " tokens");
  check_prefixes(segments);
  heads.scale = scale_or_default(heads.scale, qkv.size(1) / all);
  if (qkv.is_cuda() && backend == Backend::native && can_fuse(qkv, qkv.size(1) / all))
    return fused_attention(qkv, segments, heads);
  if (qkv.is_cuda() || backend == Backend::reference)
    return reference_attention(qkv, segments, heads);
  return PackedAttention::apply(qkv.contiguous(), segments, heads);
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

torch::Tensor cached_attention(const torch::Tensor& qkv, torch::Tensor keys, torch::Tensor values,
                               const CacheRows& rows, const Heads& given) {
  Heads heads = given;
  if (heads.keys == 0) heads.keys = heads.queries;
  const std::int64_t batch = qkv.size(0), width = keys.size(3);
  heads.scale = scale_or_default(heads.scale, width);
  if (qkv.is_cuda()) return device_cached_attention(qkv, keys, values, rows, heads);
  std::vector<std::int64_t> which, slots, lengths;
  for (std::int64_t b = 0; b < batch; ++b) {
    if (rows.active.data_ptr<int>()[b] == 0) continue;
    which.push_back(b);
    slots.push_back(rows.slots.data_ptr<int>()[b]);
    lengths.push_back(rows.positions.data_ptr<int>()[b] + 1);
  }
  const torch::Tensor chosen = torch::tensor(which, torch::kInt64);
  const bool all = static_cast<std::int64_t>(which.size()) == batch;
  const torch::Tensor parts =
      (all ? qkv : qkv.index_select(0, chosen))
          .view({static_cast<std::int64_t>(which.size()), heads.queries + 2 * heads.keys, width});
  const torch::Tensor at = torch::tensor(slots, torch::kInt64),
                      places = torch::tensor(lengths, torch::kInt64) - 1;
  keys.index_put_({at, places}, parts.narrow(1, heads.queries, heads.keys));
  values.index_put_({at, places}, parts.narrow(1, heads.queries + heads.keys, heads.keys));
  const torch::Tensor out =
      decode_attention(parts.narrow(1, 0, heads.queries), keys, values, slots, lengths, heads.scale)
          .view({-1, heads.queries * width});
  return all ? out : torch::zeros({batch, out.size(1)}, out.options()).index_copy_(0, chosen, out);
}

}  // namespace kernels
