#pragma once

#include <torch/types.h>

namespace kernels {

// What the processor gives right now, measured in about 100 ms: other programs and the machine's
// own phases change it by a factor of two.
struct Probe {
  double peak = 0;        // matrix products on all threads, GFLOP/s
  double one_thread = 0;  // on one
  double memory = 0;      // reading on all threads, GB/s
};
Probe probe(torch::Dtype type);  // of the matrices

}  // namespace kernels
