#pragma once

namespace bench {

// What the machine gives right now, in about 100 ms.
struct Probe {
  double peak = 0;        // bf16 matrix products on all threads, GFLOP/s
  double one_thread = 0;  // on one
  double memory = 0;      // reading on all threads, GB/s
};
Probe probe();

}  // namespace bench
