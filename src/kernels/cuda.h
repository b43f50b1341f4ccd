#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>

#include <torch/types.h>

// What only CUDA has: kernels of our own, graphs, the card's name. Programs built without a CUDA
// wheel have none of it (cuda_none.cpp): has_device() is false, and nothing else is called.
namespace kernels::cuda {

// Whether the program was built for CUDA and there is a GPU.
bool has_device();

// "NVIDIA H100 80GB HBM3".
std::string card();

// Until all work given to the GPU is done.
void synchronise();

struct Shape {
  unsigned blocks = 1, rows = 1;  // of the grid
  unsigned threads = 256;
  unsigned shared_bytes = 0;
  // Begins while the kernel before it on the stream still ends. Only for kernels that wait for it
  // by themselves (wait_for_others) before they touch what others wrote or read.
  bool early = false;
};

// Runs NAME_float or NAME_bf16 of kernels/cuda_source.h, by `type`, on the current stream. The
// arguments must have the kernel's own types: use pointer(x) for memory.
void launch_with(const char* name, torch::Dtype type, const Shape& shape, void** arguments);
template <class... A>
void launch(const char* name, torch::Dtype type, const Shape& shape, A... arguments) {
  static_assert((std::is_trivially_copyable_v<A> && ...));
  void* pointers[] = {&arguments...};
  launch_with(name, type, shape, pointers);
}

// The memory of a tensor on the GPU; none of an undefined one.
inline void* pointer(const torch::Tensor& x) { return x.defined() ? x.data_ptr() : nullptr; }

// Work captured once and started again by one call: the same kernels on the same memory. What the
// work reads and writes must stay where it is; what it allocates is kept with the graph.
class Graph {
 public:
  // Does `work` once, to warm up, and captures it.
  explicit Graph(const std::function<void()>& work);
  ~Graph();
  void replay();

 private:
  struct Captured;
  std::unique_ptr<Captured> captured_;
};

}  // namespace kernels::cuda
