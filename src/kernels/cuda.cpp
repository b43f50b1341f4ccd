// The one file that needs CUDA's headers; built where libtorch is a CUDA one (cmake/torch.cmake).
#include "kernels/cuda.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <vector>

#include <ATen/Context.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <nvrtc.h>

#include "base/error.h"
#include "kernels/cuda_source.h"

namespace kernels::cuda {
namespace {

// Functions of a library that libtorch itself has loaded, or finds.
class Library {
 public:
  explicit Library(const std::vector<const char*>& names) {
    for (const char* name : names)
      if ((handle_ = ::dlopen(name, RTLD_NOW | RTLD_GLOBAL))) return;
    throw base::Error(base::ErrorKind::resource,
                      base::concatenate("cuda: ", names[0], " cannot be loaded: ", ::dlerror(),
                                        "; LD_LIBRARY_PATH must name the wheels' nvidia/*/lib"));
  }
  template <class F>
  F* get(const char* name) const {
    void* found = ::dlsym(handle_, name);
    base::check(found != nullptr, "cuda: there is no function ", name);
    return reinterpret_cast<F*>(found);
  }

 private:
  void* handle_ = nullptr;
};

// Loads the library whose file name begins so and lies in the folder of the one that holds
// `function`, which looks for it elsewhere.
void load_beside(void* function, const std::string& name) {
  Dl_info info;
  if (::dladdr(function, &info) == 0 || !info.dli_fname) return;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(info.dli_fname).parent_path(), ignored))
    if (entry.path().filename().string().rfind(name, 0) == 0)
      ::dlopen(entry.path().c_str(), RTLD_NOW | RTLD_GLOBAL);
}

void check(int code, const char* what) {
  base::check(code == 0, "cuda: ", what, " failed with code ", code);
}

// source() as machine code for the card at hand, kept for the process.
class Module {
 public:
  Module()
      : driver_({"libcuda.so.1"}),
        launch_(driver_.get<decltype(cuLaunchKernelEx)>("cuLaunchKernelEx")) {
    const std::vector<char> code = compiled();
    check(driver_.get<decltype(cuModuleLoadData)>("cuModuleLoadData")(&module_, code.data()),
          "loading the kernels");
  }

  void launch(const std::string& name, const Shape& shape, void** arguments) {
    CUlaunchAttribute early;
    early.id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;
    early.value.programmaticStreamSerializationAllowed = 1;
    CUlaunchConfig config{};
    config.gridDimX = shape.blocks;
    config.gridDimY = shape.rows;
    config.gridDimZ = config.blockDimY = config.blockDimZ = 1;
    config.blockDimX = shape.threads;
    config.sharedMemBytes = shape.shared_bytes;
    config.hStream = c10::cuda::getCurrentCUDAStream().stream();
    config.attrs = &early;
    config.numAttrs = shape.early ? 1 : 0;
    check(launch_(&config, function(name), arguments, nullptr), name.c_str());
  }

 private:
  static std::vector<char> compiled() {
    const Library library({"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"});
    load_beside(library.get<void>("nvrtcCreateProgram"), "libnvrtc-builtins.so");
    const std::string text = source();
    nvrtcProgram program = nullptr;
    check(library.get<decltype(nvrtcCreateProgram)>("nvrtcCreateProgram")(
              &program, text.c_str(), "attune.cu", 0, nullptr, nullptr),
          "nvrtcCreateProgram");
    int major = 0, minor = 0;
    ::cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
    ::cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0);
    const std::string target = base::concatenate("--gpu-architecture=sm_", major, minor);
    const char* options[] = {target.c_str(), "--std=c++17"};
    const int failed =
        library.get<decltype(nvrtcCompileProgram)>("nvrtcCompileProgram")(program, 2, options);
    if (failed) {
      std::size_t size = 0;
      library.get<decltype(nvrtcGetProgramLogSize)>("nvrtcGetProgramLogSize")(program, &size);
      std::string log(size, ' ');
      library.get<decltype(nvrtcGetProgramLog)>("nvrtcGetProgramLog")(program, log.data());
      throw base::Error(base::ErrorKind::internal, "cuda: the kernels do not compile: " + log);
    }
    std::size_t size = 0;
    check(library.get<decltype(nvrtcGetCUBINSize)>("nvrtcGetCUBINSize")(program, &size), "nvrtc");
    std::vector<char> code(size);
    check(library.get<decltype(nvrtcGetCUBIN)>("nvrtcGetCUBIN")(program, code.data()), "nvrtc");
    library.get<decltype(nvrtcDestroyProgram)>("nvrtcDestroyProgram")(&program);
    return code;
  }

  CUfunction function(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    CUfunction& found = functions_[name];
    if (!found)
      check(driver_.get<decltype(cuModuleGetFunction)>("cuModuleGetFunction")(&found, module_,
                                                                              name.c_str()),
            name.c_str());
    return found;
  }

  Library driver_;
  decltype(cuLaunchKernelEx)* launch_;
  CUmodule module_ = nullptr;
  std::mutex mutex_;
  std::map<std::string, CUfunction> functions_;
};

}  // namespace

bool has_device() { return at::hasCUDA(); }

std::string card() {
  cudaDeviceProp properties;
  check(::cudaGetDeviceProperties(&properties, 0), "asking for the card");
  return properties.name;
}

void synchronise() { check(::cudaDeviceSynchronize(), "waiting for the GPU"); }

void launch_with(const char* name, torch::Dtype type, const Shape& shape, void** arguments) {
  // A thread of its own, as backward passes run on, has no context before it has asked for one.
  [[maybe_unused]] thread_local const int has_context = ::cudaSetDevice(0);
  static Module module;
  base::check(type == torch::kFloat32 || type == torch::kBFloat16, "cuda: no kernel ", name,
              " for ", type);
  module.launch(std::string(name) + (type == torch::kFloat32 ? "_float" : "_bf16"), shape,
                arguments);
}

struct Graph::Captured {
  at::cuda::CUDAGraph graph;
};

Graph::Graph(const std::function<void()>& work) : captured_(std::make_unique<Captured>()) {
  synchronise();
  {
    const c10::cuda::CUDAStreamGuard on_a_stream_of_its_own(c10::cuda::getStreamFromPool());
    work();
    synchronise();
    captured_->graph.capture_begin();
    work();
    captured_->graph.capture_end();
  }
  synchronise();
}

Graph::~Graph() = default;

void Graph::replay() { captured_->graph.replay(); }

}  // namespace kernels::cuda
