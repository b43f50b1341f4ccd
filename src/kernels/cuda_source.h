#pragma once

namespace kernels::cuda {

// The kernels of a GPU that libtorch has none of, as CUDA C++; compiled where they run
// (kernels/cuda.h).
extern const char* const kSource;

}  // namespace kernels::cuda
