# libtorch, straight from the PyTorch wheel in .venv. The wheel's own CMake package asks for a CUDA toolkit when
# the wheel is the CUDA build, so the libraries are named here instead.
file(GLOB ATTUNE_TORCH_ROOT ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
if(NOT EXISTS "${ATTUNE_TORCH_ROOT}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "no libtorch in .venv: run scripts/bootstrap first")
endif()

add_library(attune_torch INTERFACE)
target_include_directories(attune_torch SYSTEM INTERFACE
  ${ATTUNE_TORCH_ROOT}/include ${ATTUNE_TORCH_ROOT}/include/torch/csrc/api/include)
target_link_libraries(attune_torch INTERFACE
  ${ATTUNE_TORCH_ROOT}/lib/libtorch_cpu.so ${ATTUNE_TORCH_ROOT}/lib/libc10.so)
target_link_options(attune_torch INTERFACE "LINKER:-rpath,${ATTUNE_TORCH_ROOT}/lib")

# One precompiled header for every file that sees torch: compiled once, 10 s and 1 GB.
add_library(attune_torch_header STATIC ${PROJECT_SOURCE_DIR}/cmake/torch_header.cpp)
target_link_libraries(attune_torch_header PUBLIC attune_torch)
target_precompile_headers(attune_torch_header PRIVATE
  <torch/types.h> <torch/csrc/autograd/custom_function.h> <torch/csrc/autograd/autograd.h>
  <string> <vector> <map> <memory> <optional> <functional> <algorithm>)

# Torch files take over a gigabyte each to compile: never more than two at a time.
set_property(GLOBAL PROPERTY JOB_POOLS torch_pool=2)
