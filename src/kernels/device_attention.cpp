#include "kernels/device_attention.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/cuda.h"

namespace kernels {

std::shared_ptr<const Segments::OnDevice> on_device(const Segments& segments,
                                                    torch::Device device) {
  auto out = std::make_shared<Segments::OnDevice>();
  std::vector<int> query_ends = {0}, key_ends = {0};
  std::vector<std::int64_t> seen;
  const auto see = [&](std::int64_t segment) {
    const std::int64_t begin = segments.bounds[static_cast<std::size_t>(segment)];
    for (std::int64_t row = begin; row < begin + segments.length(segment); ++row)
      seen.push_back(row);
  };
  for (std::int64_t i = 0; i + 1 < static_cast<std::int64_t>(segments.bounds.size()); ++i) {
    const std::int64_t own = segments.length(i), before = own > 0 ? segments.before(i) : 0;
    query_ends.push_back(query_ends.back() + static_cast<int>(own));
    key_ends.push_back(key_ends.back() + static_cast<int>(before + own));
    out->most_queries = std::max(out->most_queries, own);
    out->most_keys = std::max(out->most_keys, before + own);
    if (before > 0) see(segments.prefix[static_cast<std::size_t>(i)]);
    see(i);
  }
  const auto options = torch::TensorOptions().device(device);
  out->query_ends = torch::tensor(query_ends, options.dtype(torch::kInt32));
  out->key_ends = torch::tensor(key_ends, options.dtype(torch::kInt32));
  if (!segments.prefix.empty()) out->seen = torch::tensor(seen, options.dtype(torch::kInt64));
  return out;
}

bool can_fuse(const torch::Tensor& qkv, std::int64_t width) {
  return qkv.dtype() == torch::kBFloat16 && width % 8 == 0 && width <= 256 && qkv.size(0) > 0;
}

torch::Tensor fused_attention(const torch::Tensor& qkv, const Segments& segments,
                              const Heads& heads) {
  const auto placed = segments.on_device ? segments.on_device : on_device(segments, qkv.device());
  // One split, whose gradient is one concatenation.
  const std::vector<torch::Tensor> parts =
      qkv.view({qkv.size(0), heads.queries + 2 * heads.keys, -1})
          .split_with_sizes({heads.queries, heads.keys, heads.keys}, 1);  // [T, heads, D]
  const auto seen = [&](const torch::Tensor& x) {
    return placed->seen.defined() ? x.index_select(0, placed->seen) : x;
  };
  // With fewer queries than keys its causal mask is aligned at the last of both: a segment's tokens
  // see the prefix.
  const torch::Tensor out = std::get<0>(at::_flash_attention_forward(
      parts[0], seen(parts[1]), seen(parts[2]), placed->query_ends, placed->key_ends,
      placed->most_queries, placed->most_keys, /*dropout_p=*/0, /*is_causal=*/true,
      /*return_debug_mask=*/false, heads.scale));
  return out.reshape({qkv.size(0), -1});
}

torch::Tensor device_cached_attention(const torch::Tensor& qkv, torch::Tensor keys,
                                      torch::Tensor values, const CacheRows& rows,
                                      const Heads& heads) {
  const std::int64_t batch = qkv.size(0), width = keys.size(3), room = keys.size(1);
  base::check(width % 8 == 0 && width <= 256, "attention: heads of width ", width,
              " cannot be cached on a GPU; 8 must divide it");
  // Where there are enough blocks for the whole card, small ones fill it more evenly.
  const unsigned threads = batch * heads.queries > 512 ? 128 : 256;
  const auto shared = static_cast<unsigned>(threads / 32 * (width + 2) * sizeof(float));
  const char* name = width <= 64 ? "attend1" : width <= 128 ? "attend2" : "attend4";
  const torch::Tensor in = qkv.contiguous();
  torch::Tensor out = torch::empty({batch, heads.queries * width}, qkv.options());
  cuda::launch(name, qkv.scalar_type(),
               {static_cast<unsigned>(heads.queries), static_cast<unsigned>(batch), threads, shared,
                /*early=*/true},
               cuda::pointer(in), cuda::pointer(keys), cuda::pointer(values),
               cuda::pointer(rows.slots), cuda::pointer(rows.positions), cuda::pointer(rows.active),
               cuda::pointer(out), static_cast<int>(heads.queries), static_cast<int>(heads.keys),
               static_cast<int>(width), static_cast<int>(room), static_cast<float>(heads.scale));
  return out;
}

}  // namespace kernels
