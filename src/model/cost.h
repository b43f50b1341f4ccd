#pragma once

#include "base/profile.h"
#include "model/forward.h"

namespace model {

// What a forward pass over packed sequences must do, with the output layer at `predictions` of
// their tokens: 2 operations for each number of a weight matrix and each token, and those of causal
// attention's scores and sums. A backward pass does twice as many.
base::Work forward_work(const ModelConfig& config, const Packed& packed, std::int64_t predictions);

// What a step of AdamW over so many parameters must move: parameter, gradient and two moments read,
// all but the gradient written, in fp32.
base::Work optimiser_work(std::int64_t parameters);

}  // namespace model
