#pragma once

#include <string>

namespace kernels::cuda {

// The kernels of a GPU that libtorch has none of, as CUDA C++, in one text; compiled where they run
// (kernels/cuda.h).
std::string source();

// Its parts, a file each, between what all of them use and the list of kernels by name.
extern const char* const kSums;
extern const char* const kDecoding;
extern const char* const kLogits;

}  // namespace kernels::cuda
