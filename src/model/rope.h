#pragma once

#include <cstdint>

#include <torch/types.h>

#include "model/config.h"

namespace model {

// The angle that each pair of a head's numbers turns by from one position to the next, [D/2] fp32:
// theta^(-2i/D), slowed by the factor; llama3 slows only wavelengths longer than the positions it
// was first trained on, with a smooth passage between.
torch::Tensor rotary_frequencies(const Rope& rope, std::int64_t head_width);

// Cosines and sines of the angles at some positions, [T, D/2] each; undefined where positions are
// learned.
struct Rotation {
  torch::Tensor cosines, sines;
};

// frequencies: of the above; positions: [T] of whole numbers; on one device.
Rotation rotation_at(const torch::Tensor& frequencies, const torch::Tensor& positions,
                     torch::Dtype type);

// Turns the first `heads` heads of each row: number i of a head with number i + D/2. x: [T, n D].
// Differentiable.
torch::Tensor rotate(const torch::Tensor& x, const Rotation& rotation, std::int64_t heads);

}  // namespace model
