#include "model/draw_loop.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace model {
namespace {

constexpr std::int64_t kLook = 16;  // steps between two looks at whether all have ended

using State = kernels::DrawState;

State of_rows(const State& state, const std::vector<std::int64_t>& rows) {
  const torch::Tensor which = torch::tensor(rows, torch::kInt64);
  return {state.fields.index_select(1, which), state.temperatures.index_select(0, which),
          state.uniforms.index_select(0, which), state.tokens.index_select(0, which),
          state.log_probs.index_select(0, which)};
}

DrawnTokens drawn_by(const State& state, std::int64_t row) {
  const int n = state.field(State::step).data_ptr<int>()[row];
  const std::int64_t begin = row * state.tokens.size(1);
  const int* token = state.tokens.data_ptr<int>() + begin;
  const double* log_prob = state.log_probs.data_ptr<double>() + begin;
  return {{token, token + n}, {log_prob, log_prob + n}};
}

std::int64_t next_power(std::int64_t n) {
  std::int64_t power = 1;
  while (power < n) power *= 2;
  return power;
}

}  // namespace

struct DrawLoop::Batch {
  State state;
  std::unique_ptr<kernels::cuda::Graph> graph;
};

DrawLoop::DrawLoop(Decoder& decoder, std::int64_t rows)
    : DrawLoop(decoder, kernels::DecodingHead(decoder.weights().head.detach().narrow(0, 0, rows),
                                              decoder.numbers())) {}

DrawLoop::DrawLoop(Decoder& decoder, kernels::DecodingHead head)
    : decoder_(decoder), head_(std::move(head)) {}

DrawLoop::~DrawLoop() = default;

void DrawLoop::step(State& state) {
  const torch::Tensor hidden = decoder_.step(state.field(State::token), state.cache_rows());
  kernels::draw_step(head_.logits(hidden), hidden, decoder_.weights().head.detach(), state);
}

// Sizes are powers of two, so that few graphs are made.
DrawLoop::Batch& DrawLoop::batch_for(std::int64_t rows, std::int64_t steps) {
  const std::int64_t size = next_power(rows);
  std::unique_ptr<Batch>& batch = batches_[size];
  if (batch && batch->state.tokens.size(1) >= steps) return *batch;
  batch = std::make_unique<Batch>();
  batch->state = kernels::empty_state(size, steps, head_.device());
  // No row is active yet: nothing is drawn, and the cache stays as it is.
  batch->graph = std::make_unique<kernels::cuda::Graph>([this, &batch] { step(batch->state); });
  return *batch;
}

// A state of `size` rows on the processor, the first of them the requests'.
State DrawLoop::state_of(const std::vector<DrawRequest>& requests, std::int64_t size,
                         std::int64_t steps) const {
  State state = kernels::empty_state(size, steps, torch::kCPU);
  for (std::size_t b = 0; b < requests.size(); ++b) {
    const DrawRequest& request = requests[b];
    const auto row = static_cast<std::int64_t>(b);
    const auto set = [&](State::Field field, std::int64_t value) {
      state.fields.data_ptr<int>()[field * size + row] = static_cast<int>(value);
    };
    const auto most = static_cast<std::int64_t>(request.uniforms.size());
    set(State::slot, request.slot);
    set(State::position, decoder_.length(request.slot));
    set(State::token, request.token);
    set(State::active, 1);
    set(State::end, request.end);
    set(State::other, request.other);
    set(State::pause, most);
    set(State::limit, std::max(most, request.limit));
    state.temperatures.data_ptr<float>()[b] = static_cast<float>(request.temperature);
    std::copy(request.uniforms.begin(), request.uniforms.end(),
              state.uniforms.data_ptr<double>() + row * steps);
  }
  return state;
}

// By a graph that is replayed; ended rows stay in the batch.
std::vector<DrawnTokens> DrawLoop::draw_there(const std::vector<DrawRequest>& requests,
                                              std::int64_t steps) {
  Batch& batch = batch_for(static_cast<std::int64_t>(requests.size()), steps);
  State& state = batch.state;
  const State start = state_of(requests, state.fields.size(1), state.tokens.size(1));
  state.fields.copy_(start.fields);
  state.temperatures.copy_(start.temperatures);
  state.uniforms.copy_(start.uniforms);
  for (std::int64_t done = 0; done < steps; ++done) {
    if (done > 0 && done % kLook == 0 && !state.field(State::active).any().item<bool>()) break;
    batch.graph->replay();
  }
  const State end{state.fields.cpu(), {}, {}, state.tokens.cpu(), state.log_probs.cpu()};
  std::vector<DrawnTokens> drawn;
  for (std::size_t b = 0; b < requests.size(); ++b)
    drawn.push_back(drawn_by(end, static_cast<std::int64_t>(b)));
  return drawn;
}

// Step by step; ended rows leave the batch.
std::vector<DrawnTokens> DrawLoop::draw_here(const std::vector<DrawRequest>& requests,
                                             std::int64_t steps) {
  std::vector<DrawnTokens> drawn(requests.size());
  State state = state_of(requests, static_cast<std::int64_t>(requests.size()), steps);
  std::vector<std::size_t> request_of(requests.size());  // a row's
  std::iota(request_of.begin(), request_of.end(), std::size_t{0});
  while (!request_of.empty()) {
    step(state);
    std::vector<std::int64_t> rows;
    std::vector<std::size_t> going_on;
    for (std::size_t b = 0; b < request_of.size(); ++b) {
      const auto row = static_cast<std::int64_t>(b);
      if (state.field(State::active).data_ptr<int>()[b] == 0) {
        drawn[request_of[b]] = drawn_by(state, row);
      } else {
        rows.push_back(row);
        going_on.push_back(request_of[b]);
      }
    }
    if (rows.size() < request_of.size()) state = of_rows(state, rows);
    request_of = std::move(going_on);
  }
  return drawn;
}

std::vector<DrawnTokens> DrawLoop::draw(const std::vector<DrawRequest>& requests) {
  torch::NoGradGuard no_grad;
  std::int64_t longest = 0;
  for (const DrawRequest& request : requests) {
    const auto steps = static_cast<std::int64_t>(request.uniforms.size());
    base::check(steps > 0 && decoder_.length(request.slot) + steps <= decoder_.room(),
                "DrawLoop: ", steps, " tokens after ", decoder_.length(request.slot),
                " in room for ", decoder_.room());
    longest = std::max(longest, steps);
  }
  if (requests.empty()) return {};
  const std::vector<DrawnTokens> drawn =
      head_.device().is_cuda() ? draw_there(requests, longest) : draw_here(requests, longest);
  for (std::size_t b = 0; b < requests.size(); ++b)
    decoder_.advance(requests[b].slot, static_cast<std::int64_t>(drawn[b].tokens.size()));
  return drawn;
}

}  // namespace model
