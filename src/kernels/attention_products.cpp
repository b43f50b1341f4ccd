#include "kernels/attention_products.h"

#include <ATen/Parallel.h>

#include "kernels/loops.h"
#include "kernels/row_parts.h"

namespace kernels::attention_products {
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

// scores: [S*H, t, P + t].
void causal_softmax_(torch::Tensor& scores, float scale) {
  const std::int64_t t = scores.size(1), before = scores.size(2) - t;
  for_each_head(scores, [&](std::int64_t offset) {
    rows::with_type(scores, [&](auto type) {
      loops::causal_softmax(rows::data_of(scores, type) + offset, t, before, scale);
    });
  });
}

void causal_softmax_backward_(const torch::Tensor& probabilities, torch::Tensor& gradient,
                              float scale) {
  const std::int64_t t = gradient.size(1), before = gradient.size(2) - t;
  for_each_head(gradient, [&](std::int64_t offset) {
    rows::with_type(gradient, [&](auto type) {
      loops::causal_softmax_backward(rows::data_of(probabilities, type) + offset,
                                     rows::data_of(gradient, type) + offset, t, before, scale);
    });
  });
}

// [S*G, H/G * t, x] as [S*H, t, x], and back.
torch::Tensor by_query_head(const torch::Tensor& x, const Group& group) {
  return x.view({-1, group.length, x.size(2)});
}
torch::Tensor by_key_head(const torch::Tensor& x, const Group& group, const Heads& heads) {
  return x.view({group.segments * heads.keys, -1, x.size(2)});
}

}  // namespace

AttentionPass forward(const torch::Tensor& qkv, const Segments& segments, const Heads& heads) {
  const std::int64_t width = qkv.size(1) / (heads.queries + 2 * heads.keys);
  torch::Tensor out = torch::empty({qkv.size(0), heads.queries * width}, qkv.options());
  std::vector<torch::Tensor> saved;
  for (const Group& group : equal_groups(segments)) {
    const Parts parts = split(qkv, group, heads);
    torch::Tensor scores = by_query_head(at::bmm(parts.query, parts.key.transpose(1, 2)),
                                         group);  // [S*H, t, P + t]
    causal_softmax_(scores, static_cast<float>(heads.scale));
    put_heads(out, group, 0,
              by_query_head(at::bmm(by_key_head(scores, group, heads), parts.value), group));
    saved.push_back(scores);
  }
  return {out, saved};
}

torch::Tensor backward(const torch::Tensor& by_out, const torch::Tensor& qkv,
                       const std::vector<torch::Tensor>& saved, const Segments& segments,
                       const Heads& heads) {
  const std::int64_t width = qkv.size(1) / (heads.queries + 2 * heads.keys);
  torch::Tensor out = torch::empty_like(qkv), shared;
  if (!segments.prefix.empty()) shared = torch::zeros(qkv.sizes(), torch::kFloat32);
  std::size_t next = 0;
  for (const Group& group : equal_groups(segments)) {
    const torch::Tensor& probabilities = saved[next++];  // [S*H, t, P + t]
    const Parts parts = split(qkv, group, heads);
    const torch::Tensor upstream =
        by_key_head(take_heads(by_out, group, width, 0, heads.queries), group, heads);
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
  return out;
}

}  // namespace kernels::attention_products
