#pragma once

#include <future>
#include <utility>

namespace kernels {

// What `work` returns, or throws, done on a thread that ends with it: for a program whose models
// work on a thread of their own, but are read elsewhere. libgomp keeps a team of workers for every
// thread that has run a parallel loop; with more workers than cores all of them sleep between two
// loops instead of waiting awake, and short loops, as those of decoding, take twice as long.
template <class Work>
auto on_passing_thread(Work&& work) {
  return std::async(std::launch::async, std::forward<Work>(work)).get();
}

}  // namespace kernels
