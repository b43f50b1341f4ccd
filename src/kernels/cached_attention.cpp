#include "kernels/cached_attention.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <type_traits>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "kernels/bf16_cache.h"
#include "kernels/device_attention.h"
#include "kernels/loops.h"
#include "kernels/row_parts.h"

namespace kernels {
namespace {

// Heads [first, first + count) of a row.
struct Task {
  std::int64_t row, first, count;
};

// Whole rows where there are enough of them for all threads, which read a position's heads in one
// piece; parts of rows otherwise.
std::vector<Task> tasks_of(std::int64_t rows, std::int64_t groups, std::int64_t share) {
  const std::int64_t threads = at::get_num_threads(),
                     parts = rows >= 2 * threads ? 1 : std::min(groups, threads);
  std::vector<Task> tasks;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t part = 0; part < parts; ++part) {
      const std::int64_t begin = part * groups / parts, end = (part + 1) * groups / parts;
      tasks.push_back({row, begin * share, (end - begin) * share});
    }
  return tasks;
}

// What the heads of a row read and write.
template <class T>
struct Places {
  const T *query, *keys, *values;
  T* out;
};

// One head after the other.
template <class T>
void attend_heads(const Places<T>& at, const Task& task, std::int64_t positions,
                  std::int64_t stride, std::int64_t width, std::int64_t share, float scale) {
  std::vector<float> scores(static_cast<std::size_t>(positions));
  for (std::int64_t h = 0; h < task.count; ++h) {
    const std::int64_t group = (task.first + h) / share * width;
    loops::attend(at.query + h * width, at.keys + group, at.values + group, positions, width,
                  stride, scale, scores.data(), at.out + h * width);
  }
}

}  // namespace

torch::Tensor decode_attention(const torch::Tensor& query, const torch::Tensor& keys,
                               const torch::Tensor& values, const std::vector<std::int64_t>& slots,
                               const std::vector<std::int64_t>& lengths, double given_scale) {
  const std::int64_t batch = query.size(0), heads = query.size(1), width = query.size(2),
                     groups = keys.size(2), stride = groups * width;
  base::check(width <= 256, "decode_attention: heads of width ", width, ", at most 256");
  base::check(keys.is_contiguous() && values.sizes() == keys.sizes() && values.is_contiguous() &&
                  keys.dtype() == query.dtype() && values.dtype() == query.dtype(),
              "decode_attention: keys are ", keys.sizes(), ", values ", values.sizes());
  const bool in_rows = query.stride(2) == 1 && query.stride(1) == width;
  const torch::Tensor queries = in_rows ? query : query.contiguous();
  const torch::Tensor out = torch::empty({batch, heads, width}, query.options());
  const auto scale = static_cast<float>(Heads{.scale = given_scale}.scale_at(width));
  const std::vector<Task> tasks = tasks_of(batch, groups, heads / groups);
  std::atomic<std::size_t> next = 0;  // lengths differ: the next one goes to whoever is free
  const auto work = [&](auto type) {
    tiles::Workspace workspace;
    for (std::size_t i = next++; i < tasks.size(); i = next++) {
      const Task& task = tasks[i];
      const auto b = static_cast<std::size_t>(task.row);
      const std::int64_t cache = slots[b] * keys.stride(0);
      const Places at{
          rows::data_of(queries, type) + task.row * queries.stride(0) + task.first * width,
          rows::data_of(keys, type) + cache, rows::data_of(values, type) + cache,
          rows::data_of(out, type) + (task.row * heads + task.first) * width};
      if (lengths[b] == 0) {
        std::fill_n(at.out, task.count * width, 0);
        continue;
      }
      if constexpr (std::is_same_v<decltype(type), loops::bf16>)
        if (bf16_tiles::available() && width % 32 == 0) {
          bf16_cache::attend({at.query, at.keys, at.values, lengths[b], stride, width, task.first,
                              task.count, heads / groups, scale, at.out},
                             workspace);
          continue;
        }
      attend_heads(at, task, lengths[b], stride, width, heads / groups, scale);
    }
  };
  rows::with_type(query, [&](auto type) {
    at::parallel_for(0, std::min<std::int64_t>(at::get_num_threads(), std::ssize(tasks)), 1,
                     [&](std::int64_t, std::int64_t) { work(type); });
  });
  return out;
}

torch::Tensor cached_attention(const torch::Tensor& qkv, torch::Tensor keys, torch::Tensor values,
                               const CacheRows& cache, const Heads& given) {
  Heads heads = given;
  if (heads.keys == 0) heads.keys = heads.queries;
  const std::int64_t batch = qkv.size(0), width = keys.size(3);
  heads.scale = heads.scale_at(width);
  if (qkv.is_cuda()) return device_cached_attention(qkv, keys, values, cache, heads);
  const torch::Tensor parts = qkv.contiguous().view({batch, heads.queries + 2 * heads.keys, width});
  base::check(keys.is_contiguous() && values.is_contiguous() && keys.dtype() == qkv.dtype() &&
                  values.dtype() == qkv.dtype(),
              "cached_attention: a cache of another type or layout than qkv's");
  std::vector<std::int64_t> slots, lengths;
  const auto bytes = static_cast<std::size_t>(heads.keys * width * qkv.element_size());
  for (std::int64_t b = 0; b < batch; ++b) {
    const bool active = cache.active.data_ptr<int>()[b] != 0;
    const std::int64_t slot = cache.slots.data_ptr<int>()[b],
                       position = cache.positions.data_ptr<int>()[b];
    slots.push_back(active ? slot : 0);
    lengths.push_back(active ? position + 1 : 0);
    if (!active) continue;
    base::check(slot >= 0 && slot < keys.size(0) && position >= 0 && position < keys.size(1),
                "cached_attention: place ", position, " of slot ", slot, " in a cache of ",
                keys.sizes());
    const auto put = [&](torch::Tensor& to, std::int64_t head) {
      const auto at = static_cast<std::size_t>(slot * to.stride(0) + position * to.stride(1));
      const auto from = static_cast<std::size_t>((b * parts.size(1) + head) * width);
      const auto size = static_cast<std::size_t>(qkv.element_size());
      std::memcpy(static_cast<char*>(to.data_ptr()) + at * size,
                  static_cast<const char*>(parts.data_ptr()) + from * size, bytes);
    };
    put(keys, heads.queries);
    put(values, heads.queries + heads.keys);
  }
  return decode_attention(parts.narrow(1, 0, heads.queries), keys, values, slots, lengths,
                          heads.scale)
      .view({batch, heads.queries * width});
}

}  // namespace kernels
