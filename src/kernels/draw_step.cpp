#include "kernels/draw_step.h"

#include <vector>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "kernels/cuda.h"
#include "kernels/sampling.h"

namespace kernels {
namespace {

constexpr float kNever = -1e9;  // a logit whose exponential is 0

void device_draw_step(const torch::Tensor& logits, const torch::Tensor& hidden,
                      const torch::Tensor& head, DrawState& state) {
  base::check(hidden.is_contiguous() && head.is_contiguous() && logits.stride(1) == 1,
              "draw_step: rows must be contiguous");
  cuda::launch("draw", logits.scalar_type(),
               {static_cast<unsigned>(logits.size(0)), 1, 1024, 0, /*early=*/true},
               cuda::pointer(logits), static_cast<long long>(logits.stride(0)),
               static_cast<int>(logits.size(1)), cuda::pointer(hidden), cuda::pointer(head),
               static_cast<int>(hidden.size(1)), cuda::pointer(state.fields),
               cuda::pointer(state.temperatures), cuda::pointer(state.uniforms),
               cuda::pointer(state.tokens), cuda::pointer(state.log_probs),
               static_cast<int>(state.tokens.size(1)));
}

// logits: n of them, row b's.
void draw_row(const float* logits, std::int64_t n, const torch::Tensor& hidden,
              const torch::Tensor& head, DrawState& state, std::int64_t b) {
  const std::int64_t batch = state.fields.size(1), most = state.tokens.size(1);
  const auto field = [&](DrawState::Field which) -> int& {
    return state.fields.data_ptr<int>()[which * batch + b];
  };
  const int other = field(DrawState::other), end = field(DrawState::end),
            step = field(DrawState::step), limit = field(DrawState::limit);
  Draw drawn{n, 0};
  if (other < 0 || step + 1 < limit) {
    std::vector<float> with_other;
    if (other >= 0) {
      with_other.assign(logits, logits + n);
      if (end >= 0 && end < n) with_other[static_cast<std::size_t>(end)] = kNever;
      with_other.push_back(
          at::dot(head[other].to(torch::kFloat32), hidden[b].to(torch::kFloat32)).item<float>());
    }
    drawn = draw(other >= 0 ? with_other.data() : logits, other >= 0 ? n + 1 : n,
                 state.temperatures.data_ptr<float>()[b],
                 state.uniforms.data_ptr<double>()[b * most + step]);
  }
  const int token = drawn.index == n ? other : static_cast<int>(drawn.index);
  state.tokens.data_ptr<int>()[b * most + step] = token;
  state.log_probs.data_ptr<double>()[b * most + step] = drawn.log_prob;
  field(DrawState::step) = step + 1;
  if (drawn.index == n) field(DrawState::other) = -1;
  if (token == end || step + 1 >= field(DrawState::pause)) {
    field(DrawState::active) = 0;
  } else {
    field(DrawState::token) = token;
    field(DrawState::position) += 1;
  }
}

}  // namespace

DrawState empty_state(std::int64_t batch, std::int64_t most, torch::Device device) {
  const auto of = [&](torch::Dtype type) {
    return torch::TensorOptions().dtype(type).device(device);
  };
  return {torch::zeros({DrawState::kFields, batch}, of(torch::kInt32)),
          torch::zeros({batch}, of(torch::kFloat32)),
          torch::zeros({batch, most}, of(torch::kFloat64)),
          torch::zeros({batch, most}, of(torch::kInt32)),
          torch::zeros({batch, most}, of(torch::kFloat64))};
}

void draw_step(const torch::Tensor& logits, const torch::Tensor& hidden, const torch::Tensor& head,
               DrawState& state) {
  if (logits.is_cuda()) return device_draw_step(logits, hidden, head, state);
  const torch::Tensor rows = logits.to(torch::kFloat32).contiguous();
  const std::int64_t n = rows.size(1);
  const int* active = state.field(DrawState::active).data_ptr<int>();
  at::parallel_for(0, rows.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    torch::NoGradGuard no_grad;  // the caller's holds on its own thread alone
    for (std::int64_t b = begin; b < end; ++b) {
      if (active[b] == 0) continue;
      draw_row(rows.data_ptr<float>() + b * n, n, hidden, head, state, b);
    }
  });
}

}  // namespace kernels
