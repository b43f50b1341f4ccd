#pragma once

#include <torch/types.h>

namespace kernels {

// What the processor gives right now, measured in a tenth to half of a second: other programs and
// the machine's own phases change it by a factor of two.
struct Probe {
  double peak = 0;        // matrix products on all threads, GFLOP/s
  double one_thread = 0;  // on one
  double memory = 0;      // reading on all threads, GB/s
};
// type: of the matrices.
Probe probe(torch::Dtype type);

}  // namespace kernels
