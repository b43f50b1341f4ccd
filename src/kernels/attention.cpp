#include "kernels/attention.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "base/error.h"
#include "kernels/attention_products.h"
#include "kernels/device_attention.h"
#include "kernels/loops.h"
#include "kernels/row_parts.h"
#include "kernels/tiled_attention.h"

namespace kernels {
namespace {

// Sequences that share a prefix, together; the others by themselves.
std::vector<tiled_attention::Family> families(const Segments& segments) {
  std::vector<tiled_attention::Family> families;
  const auto count = static_cast<std::int64_t>(segments.bounds.size()) - 1;
  const auto range = [&](std::int64_t segment) {
    return tiled_attention::Range{segments.bounds[static_cast<std::size_t>(segment)],
                                  segments.length(segment)};
  };
  std::vector<std::int64_t> family_of(static_cast<std::size_t>(count), -1);  // of a prefix
  for (std::int64_t i = 0; i < count; ++i) {
    if (segments.before(i) == 0) continue;
    const std::int64_t prefix = segments.prefix[static_cast<std::size_t>(i)];
    std::int64_t& family = family_of[static_cast<std::size_t>(prefix)];
    if (family < 0) {
      family = static_cast<std::int64_t>(families.size());
      families.push_back({range(prefix), {}});
    }
    families[static_cast<std::size_t>(family)].members.push_back(range(i));
  }
  for (std::int64_t i = 0; i < count; ++i)
    if (segments.before(i) == 0 && family_of[static_cast<std::size_t>(i)] < 0 &&
        segments.length(i) > 0)
      families.push_back({{}, {range(i)}});
  return families;
}

// Calls work(family, head of keys, workspace) for each of them, on all threads, the next one to
// whoever is free.
template <class F>
void for_each_family(const std::vector<tiled_attention::Family>& families, std::int64_t heads,
                     const F& work) {
  const std::int64_t tasks = static_cast<std::int64_t>(families.size()) * heads;
  std::atomic<std::int64_t> next = 0;
  const std::int64_t threads = std::min<std::int64_t>(at::get_num_threads(), tasks);
  at::parallel_for(0, threads, 1, [&](std::int64_t, std::int64_t) {
    tiles::Workspace workspace;
    for (std::int64_t task = next++; task < tasks; task = next++)
      work(families[static_cast<std::size_t>(task / heads)], task % heads, workspace);
  });
}

tiled_attention::Shape shape_of(const torch::Tensor& qkv, const Heads& heads) {
  return {qkv.size(0), heads.queries, heads.keys, qkv.size(1) / (heads.queries + 2 * heads.keys),
          static_cast<float>(heads.scale)};
}

AttentionPass tiled_forward(const torch::Tensor& qkv, const Segments& segments,
                            const Heads& heads) {
  const tiled_attention::Shape shape = shape_of(qkv, heads);
  torch::Tensor out = torch::empty({shape.tokens, shape.queries * shape.width}, qkv.options());
  torch::Tensor log_sums = torch::empty({shape.queries, shape.tokens}, torch::kFloat32);
  rows::with_type(qkv, [&](auto type) {
    for_each_family(families(segments), shape.keys,
                    [&](const auto& family, std::int64_t g, tiles::Workspace& workspace) {
                      tiled_attention::forward(rows::data_of(qkv, type), shape, family, g,
                                               rows::data_of(out, type), log_sums.data_ptr<float>(),
                                               workspace);
                    });
  });
  return {out, {log_sums}};
}

torch::Tensor tiled_backward(const torch::Tensor& by_out, const torch::Tensor& qkv,
                             const torch::Tensor& log_sums, const Segments& segments,
                             const Heads& heads) {
  torch::Tensor by_qkv = torch::empty_like(qkv);
  rows::with_type(qkv, [&](auto type) {
    for_each_family(families(segments), heads.keys,
                    [&](const auto& family, std::int64_t g, tiles::Workspace& workspace) {
                      tiled_attention::backward(rows::data_of(qkv, type),
                                                log_sums.data_ptr<float>(),
                                                rows::data_of(by_out, type), shape_of(qkv, heads),
                                                family, g, rows::data_of(by_qkv, type), workspace);
                    });
  });
  return by_qkv;
}

bool has_tiles(const torch::Tensor& qkv, const Heads& heads) {
  const std::int64_t width = qkv.size(1) / (heads.queries + 2 * heads.keys);
  if (qkv.scalar_type() == torch::kBFloat16)
    return tiled_attention::available(loops::bf16{}, width);
  return qkv.scalar_type() == torch::kFloat32 && tiled_attention::available(float{}, width);
}

struct Attention : torch::autograd::Function<Attention> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& qkv,
                               const Segments& segments, const Heads& heads) {
    AttentionPass pass = attention_forward(qkv, segments, heads);
    pass.saved.push_back(qkv);
    context->save_for_backward(pass.saved);
    context->saved_data["bounds"] = segments.bounds;
    context->saved_data["prefix"] = segments.prefix;
    context->saved_data["queries"] = heads.queries;
    context->saved_data["keys"] = heads.keys;
    context->saved_data["scale"] = heads.scale;
    return pass.out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    auto saved = context->get_saved_variables();
    const torch::Tensor qkv = saved.back();
    saved.pop_back();
    const Segments segments{context->saved_data["bounds"].toIntVector(),
                            context->saved_data["prefix"].toIntVector()};
    const Heads heads{context->saved_data["queries"].toInt(), context->saved_data["keys"].toInt(),
                      context->saved_data["scale"].toDouble()};
    return {attention_backward(gradients[0].contiguous(), qkv, saved, segments, heads),
            torch::Tensor(), torch::Tensor()};
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

// The heads with nothing left to a default. Throws where the shapes do not fit.
Heads completed(const torch::Tensor& qkv, const Segments& segments, Heads heads) {
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
  heads.scale = heads.scale_at(qkv.size(1) / all);
  return heads;
}

}  // namespace

double Heads::scale_at(std::int64_t width) const {
  return scale > 0 ? scale : 1 / std::sqrt(static_cast<double>(width));
}

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

AttentionPass attention_forward(const torch::Tensor& qkv, const Segments& segments,
                                const Heads& given) {
  const Heads heads = completed(qkv, segments, given);
  return has_tiles(qkv, heads) ? tiled_forward(qkv, segments, heads)
                               : attention_products::forward(qkv, segments, heads);
}

torch::Tensor attention_backward(const torch::Tensor& by_out, const torch::Tensor& qkv,
                                 const std::vector<torch::Tensor>& saved, const Segments& segments,
                                 const Heads& given) {
  const Heads heads = completed(qkv, segments, given);
  return has_tiles(qkv, heads) ? tiled_backward(by_out, qkv, saved.at(0), segments, heads)
                               : attention_products::backward(by_out, qkv, saved, segments, heads);
}

torch::Tensor attention(const torch::Tensor& qkv, const Segments& segments, const Heads& heads,
                        Backend backend) {
  if (qkv.is_cpu() && backend == Backend::native)
    return Attention::apply(qkv.contiguous(), segments, heads);
  const Heads complete = completed(qkv, segments, heads);
  const bool fuses = qkv.is_cuda() && backend == Backend::native &&
                     can_fuse(qkv, qkv.size(1) / (complete.queries + 2 * complete.keys));
  return fuses ? fused_attention(qkv, segments, complete)
               : reference_attention(qkv, segments, complete);
}

}  // namespace kernels
