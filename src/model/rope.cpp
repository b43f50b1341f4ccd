#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace model {

torch::Tensor rotary_frequencies(const Rope& rope, std::int64_t head_width) {
  torch::Tensor frequencies = torch::empty({head_width / 2}, torch::kFloat32);
  float* out = frequencies.data_ptr<float>();
  for (std::int64_t i = 0; i < head_width / 2; ++i) {
    const float plain = 1.f / std::pow(static_cast<float>(rope.theta),
                                       static_cast<float>(2 * i) / static_cast<float>(head_width));
    const double slow = plain / rope.factor;
    if (!rope.llama3) {
      out[i] = static_cast<float>(slow);
      continue;
    }
    // How many turns fit into the positions it was first trained on.
    const double turns = rope.llama3->original_positions * plain / (2 * std::numbers::pi);
    const double low = rope.llama3->low_frequency_factor, high = rope.llama3->high_frequency_factor;
    const double share = std::clamp((turns - low) / (high - low), 0., 1.);
    out[i] = static_cast<float>((1 - share) * slow + share * plain);
  }
  return frequencies;
}

Rotation rotation_at(const torch::Tensor& frequencies, const torch::Tensor& positions,
                     torch::Dtype type) {
  const torch::Tensor angles = at::outer(positions.to(torch::kFloat32), frequencies);
  return {at::cos(angles).to(type), at::sin(angles).to(type)};
}

torch::Tensor rotate(const torch::Tensor& x, const Rotation& rotation, std::int64_t heads) {
  const std::int64_t tokens = x.size(0), half = rotation.cosines.size(1), width = 2 * half;
  const torch::Tensor turned = x.narrow(1, 0, heads * width).view({tokens, heads, 2, half});
  const torch::Tensor first = turned.select(2, 0), second = turned.select(2, 1);  // [T, heads, D/2]
  const torch::Tensor cosines = rotation.cosines.unsqueeze(1), sines = rotation.sines.unsqueeze(1);
  const torch::Tensor out =
      at::stack({first * cosines - second * sines, second * cosines + first * sines},
                2);  // [T, heads, 2, D/2]
  return at::cat(
      {out.view({tokens, heads * width}), x.narrow(1, heads * width, x.size(1) - heads * width)},
      1);
}

}  // namespace model
