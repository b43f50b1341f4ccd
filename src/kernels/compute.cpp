#include "kernels/compute.h"

#include <atomic>

#include <ATen/Parallel.h>
#include <ATen/cpu/Utils.h>
#include <malloc.h>

#include "base/error.h"
#include "kernels/cuda.h"

namespace kernels {
namespace {

std::atomic<Backend> the_default_backend = Backend::native;

}  // namespace

Backend default_backend() { return the_default_backend; }

void set_default_backend(Backend backend) { the_default_backend = backend; }

Backend backend_named(const std::string& name) {
  if (name == "native") return Backend::native;
  if (name == "reference") return Backend::reference;
  throw base::UsageError("the kernels \"", name, "\" are unknown; choose native or reference");
}

torch::Device device_named(const std::string& name) {
  const torch::Device gpu(torch::kCUDA, 0), processor(torch::kCPU);
  if (name == "cpu") return processor;
  if (name == "auto") return cuda::has_device() ? gpu : processor;
  if (name != "cuda")
    throw base::UsageError("the device \"", name, "\" is unknown; choose cpu, cuda or auto");
  if (!cuda::has_device())
    throw base::UsageError(
        "there is no GPU here that this program can use; choose run.device=cpu, or build with "
        "`make PRESET=cuda` where there is one (`attune doctor` says what was found)");
  return gpu;
}

std::string device_text(torch::Device device) { return device.is_cuda() ? cuda::card() : "cpu"; }

torch::Dtype compute_dtype(const std::string& name, torch::Device device) {
  if (name == "fp32") return torch::kFloat32;
  if (name == "bf16") return torch::kBFloat16;
  if (name == "auto")
    return device.is_cuda() || __builtin_cpu_supports("avx512bf16") ? torch::kBFloat16
                                                                    : torch::kFloat32;
  throw base::UsageError("the compute type \"", name, "\" is unknown; choose auto, bf16 or fp32");
}

std::string instruction_set() {
  std::string text;
  const auto add = [&](const char* name, bool there) {
    if (there) text += (text.empty() ? "" : " ") + std::string(name);
  };
  add("avx2", __builtin_cpu_supports("avx2"));
  add("avx512f", __builtin_cpu_supports("avx512f"));
  add("avx512_vnni", __builtin_cpu_supports("avx512vnni"));
  add("avx512_bf16", __builtin_cpu_supports("avx512bf16"));
  add("amx_tile", at::cpu::init_amx());
  return text.empty() ? "x86-64" : text;
}

int use_threads(int threads) {
  if (threads > 0) at::set_num_threads(threads);
  return at::get_num_threads();
}

void keep_memory() {
  constexpr int kLargest = 1 << 30;  // larger blocks still come and go by themselves
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, kLargest);
}

}  // namespace kernels
