#pragma once

#include <string>

#include <torch/types.h>

namespace kernels {

// Which code computes a hot operation: ours, or plain libtorch, which is the reference and the
// oracle of the tests.
enum class Backend { native, reference };

// What is taken where nothing else is asked for: native, until it is set. For the whole process and
// all its threads: set it before anything is computed.
Backend default_backend();
void set_default_backend(Backend backend);

// "native" or "reference". Throws base::Error(usage) for another name.
Backend backend_named(const std::string& name);

// Where language models are trained, scored and sampled from: "cpu", "cuda" (the first GPU) or
// "auto" (the GPU where there is one). Throws base::Error(usage) for another name, or for "cuda"
// where there is no GPU or the program was built without CUDA.
torch::Device device_named(const std::string& name);

// "cpu", or the GPU's name, for `doctor` and the manifests.
std::string device_text(torch::Device device);

// The type that matrix products are computed in: "bf16", "fp32", or "auto" (bf16 where the device
// has instructions for it). Weights and optimiser states are fp32 in any case. Throws
// base::Error(usage) for another name.
torch::Dtype compute_dtype(const std::string& name, torch::Device device = torch::kCPU);

// "avx512_bf16", "amx_tile", "avx2", …: what the processor has, for `doctor` and the manifests.
std::string instruction_set();

// Sets how many threads torch and our loops use, in this thread and in those that use them for the
// first time from now on; 0 keeps torch's own choice. Returns the number in use.
int use_threads(int threads);

// Keeps freed memory in the process for the next tensor instead of handing it to the system and
// taking it back page by page, which costs a training step a third of its time. For the whole
// process: main calls it once.
void keep_memory();

}  // namespace kernels
