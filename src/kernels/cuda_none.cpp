// Of a program built without CUDA (cmake/torch.cmake).
#include "base/error.h"
#include "kernels/cuda.h"

namespace kernels::cuda {
namespace {

[[noreturn]] void fail() {
  throw base::Error(base::ErrorKind::internal, "this program was built without CUDA");
}

}  // namespace

struct Graph::Captured {};

bool has_device() { return false; }
std::string card() { fail(); }
void synchronise() { fail(); }
void launch_with(const char*, torch::Dtype, const Shape&, void**) { fail(); }
Graph::Graph(const std::function<void()>&) { fail(); }
Graph::~Graph() = default;
void Graph::replay() { fail(); }

}  // namespace kernels::cuda
