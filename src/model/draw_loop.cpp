#include "model/draw_loop.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/logit_rows.h"

namespace model {
namespace {

constexpr std::int64_t kLook = 16;  // steps between two looks at whether all have ended

std::int64_t next_power(std::int64_t n) {
  std::int64_t power = 1;
  while (power < n) power *= 2;
  return power;
}

}  // namespace

struct DrawLoop::Batch {
  kernels::DrawState state;
  std::unique_ptr<kernels::cuda::Graph> graph;
};

DrawLoop::DrawLoop(Decoder& decoder, std::int64_t rows)
    : decoder_(decoder),
      rows_(rows),
      head_(kernels::padded_rows(decoder.weights().head.detach().narrow(0, 0, rows))) {}

DrawLoop::~DrawLoop() = default;

void DrawLoop::step(kernels::DrawState& state) {
  using State = kernels::DrawState;
  const torch::Tensor hidden = decoder_.step(state.field(State::token), state.cache_rows());
  kernels::draw_step(kernels::logits_of(hidden, head_).narrow(1, 0, rows_), hidden,
                     decoder_.weights().head.detach(), state);
}

// On a GPU sizes are powers of two, so that few graphs are made.
DrawLoop::Batch& DrawLoop::batch_for(std::int64_t rows, std::int64_t steps) {
  const torch::Device device = head_.device();
  const std::int64_t size = device.is_cuda() ? next_power(rows) : rows;
  std::unique_ptr<Batch>& batch = batches_[size];
  if (batch && batch->state.tokens.size(1) >= steps) return *batch;
  batch = std::make_unique<Batch>();
  batch->state = kernels::empty_state(size, steps, device);
  if (device.is_cuda())  // no row is active yet: nothing is drawn, and the cache stays as it is
    batch->graph = std::make_unique<kernels::cuda::Graph>([this, &batch] { step(batch->state); });
  return *batch;
}

std::vector<DrawnTokens> DrawLoop::draw(const std::vector<DrawRequest>& requests) {
  using State = kernels::DrawState;
  torch::NoGradGuard no_grad;
  const auto count = static_cast<std::int64_t>(requests.size());
  std::int64_t longest = 0;
  for (const DrawRequest& request : requests) {
    const auto steps = static_cast<std::int64_t>(request.uniforms.size());
    base::check(steps > 0 && decoder_.length(request.slot) + steps <= decoder_.room(),
                "DrawLoop: ", steps, " tokens after ", decoder_.length(request.slot),
                " in room for ", decoder_.room());
    longest = std::max(longest, steps);
  }
  if (count == 0) return {};
  Batch& batch = batch_for(count, longest);
  State& state = batch.state;
  State start = kernels::empty_state(state.fields.size(1), state.tokens.size(1), torch::kCPU);
  for (std::int64_t b = 0; b < count; ++b) {
    const DrawRequest& request = requests[static_cast<std::size_t>(b)];
    const auto set = [&](State::Field field, std::int64_t value) {
      start.fields.data_ptr<int>()[field * start.fields.size(1) + b] = static_cast<int>(value);
    };
    const auto steps = static_cast<std::int64_t>(request.uniforms.size());
    set(State::slot, request.slot);
    set(State::position, decoder_.length(request.slot));
    set(State::token, request.token);
    set(State::active, 1);
    set(State::end, request.end);
    set(State::other, request.other);
    set(State::pause, steps);
    set(State::limit, std::max(steps, request.limit));
    start.temperatures.data_ptr<float>()[b] = static_cast<float>(request.temperature);
    std::copy(request.uniforms.begin(), request.uniforms.end(),
              start.uniforms.data_ptr<double>() + b * start.uniforms.size(1));
  }
  state.fields.copy_(start.fields);
  state.temperatures.copy_(start.temperatures);
  state.uniforms.copy_(start.uniforms);

  for (std::int64_t done = 0; done < longest; ++done) {
    if (done > 0 && done % kLook == 0 && !state.field(State::active).any().item<bool>()) break;
    if (batch.graph)
      batch.graph->replay();
    else
      step(state);
  }
  const torch::Tensor steps = state.field(State::step).cpu(), tokens = state.tokens.cpu(),
                      log_probs = state.log_probs.cpu();
  std::vector<DrawnTokens> drawn(requests.size());
  for (std::int64_t b = 0; b < count; ++b) {
    const int n = steps.data_ptr<int>()[b];
    const int* token = tokens.data_ptr<int>() + b * tokens.size(1);
    const double* log_prob = log_probs.data_ptr<double>() + b * log_probs.size(1);
    DrawnTokens& own = drawn[static_cast<std::size_t>(b)];
    own.tokens.assign(token, token + n);
    own.log_probs.assign(log_prob, log_prob + n);
    decoder_.advance(requests[static_cast<std::size_t>(b)].slot, n);
  }
  return drawn;
}

}  // namespace model
