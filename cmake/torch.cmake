# libtorch, straight from a PyTorch wheel. The wheel's own CMake package asks for a CUDA toolkit when the wheel is the
# CUDA build, so the libraries are named here instead; 2.11 and 2.13 serve, for the CPU and for CUDA.
set(ATTUNE_VENV ".venv" CACHE STRING "the environment of scripts/bootstrap that libtorch is in: .venv, or .venv-cuda")
set(ATTUNE_TORCH_ROOT "" CACHE PATH "the folder torch of an unpacked PyTorch wheel; empty: the one in ATTUNE_VENV")
if(NOT ATTUNE_TORCH_ROOT)
  file(GLOB ATTUNE_TORCH_ROOT ${PROJECT_SOURCE_DIR}/${ATTUNE_VENV}/lib/python3*/site-packages/torch)
endif()
if(NOT EXISTS "${ATTUNE_TORCH_ROOT}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "no libtorch in \"${ATTUNE_TORCH_ROOT}\": run scripts/bootstrap first, or set ATTUNE_TORCH_ROOT")
endif()

add_library(attune_torch INTERFACE)
target_include_directories(attune_torch SYSTEM INTERFACE
  ${ATTUNE_TORCH_ROOT}/include ${ATTUNE_TORCH_ROOT}/include/torch/csrc/api/include)
target_link_libraries(attune_torch INTERFACE
  ${ATTUNE_TORCH_ROOT}/lib/libtorch_cpu.so ${ATTUNE_TORCH_ROOT}/lib/libc10.so)
set(ATTUNE_CUDA OFF)
if(EXISTS ${ATTUNE_TORCH_ROOT}/lib/libtorch_cuda.so)
  set(ATTUNE_CUDA ON)
  # Nothing calls these two: they register CUDA where they are loaded. The CUDA libraries that they need are found from
  # there when the program runs, and need not be here to link.
  target_link_options(attune_torch INTERFACE LINKER:--no-as-needed LINKER:--allow-shlib-undefined)
  target_link_libraries(attune_torch INTERFACE
    ${ATTUNE_TORCH_ROOT}/lib/libtorch_cuda.so ${ATTUNE_TORCH_ROOT}/lib/libc10_cuda.so)
  # CUDA's headers, for kernels/cuda.cpp alone: wheels beside libtorch's (scripts/bootstrap cuda).
  file(GLOB ATTUNE_NVIDIA ${ATTUNE_TORCH_ROOT}/../nvidia/cu1*)
  find_path(ATTUNE_CUDA_INCLUDE crt/host_defines.h HINTS ${ATTUNE_NVIDIA} PATH_SUFFIXES include
    DOC "CUDA's headers: cuda_runtime_api.h, crt, nvrtc.h")
  find_library(ATTUNE_CUDART NAMES libcudart.so.13 libcudart.so.12 cudart HINTS ${ATTUNE_NVIDIA} PATH_SUFFIXES lib)
  if(NOT ATTUNE_CUDA_INCLUDE OR NOT ATTUNE_CUDART)
    message(FATAL_ERROR "libtorch is a CUDA one, but CUDA's headers are not beside it: "
      "run scripts/bootstrap cuda, or set ATTUNE_CUDA_INCLUDE and ATTUNE_CUDART")
  endif()
endif()

# at::parallel_for is a template: compiled without OpenMP it runs on one thread and says nothing. libtorch has its own
# copy of the library under the same name, and one of the two is loaded.
# The thread sanitizer does not see its barriers: what it checks runs on one thread here.
if(NOT ATTUNE_SANITIZE MATCHES thread)
  target_compile_options(attune_torch INTERFACE -fopenmp)
  target_link_options(attune_torch INTERFACE -fopenmp)
endif()

# One precompiled header for every file that sees torch: compiled once, 10 s and 1 GB. Reading it costs each of them 4 s,
# for the templates that its inline functions use: what few files include is not in it.
add_library(attune_torch_header STATIC ${PROJECT_SOURCE_DIR}/cmake/torch_header.cpp)
target_link_libraries(attune_torch_header PUBLIC attune_torch)
target_precompile_headers(attune_torch_header PRIVATE
  <torch/types.h> <string> <vector> <map> <memory> <optional> <functional> <algorithm>)

# Sets `result` to whether `file` includes torch, itself or by a header of ours. As of configuring: a file that comes to
# include it later compiles all the same, slower.
function(attune_sees_torch file result)
  get_property(known GLOBAL PROPERTY "attune_sees_torch ${file}")
  if("${known}" STREQUAL "")
    set(known FALSE)
    set_property(GLOBAL PROPERTY "attune_sees_torch ${file}" FALSE)  # ends a circle of headers
    get_filename_component(folder ${file} DIRECTORY)
    file(STRINGS ${file} includes REGEX "^#include")
    foreach(include IN LISTS includes)
      if(include MATCHES "<(torch|ATen|c10)/")
        set(known TRUE)
      elseif(include MATCHES "\"(.+)\"")
        foreach(path ${PROJECT_SOURCE_DIR}/src/${CMAKE_MATCH_1} ${folder}/${CMAKE_MATCH_1})
          if(EXISTS ${path})
            attune_sees_torch(${path} one)
            if(one)
              set(known TRUE)
            endif()
            break()
          endif()
        endforeach()
      endif()
    endforeach()
    set_property(GLOBAL PROPERTY "attune_sees_torch ${file}" ${known})
  endif()
  set(${result} ${known} PARENT_SCOPE)
endfunction()

# Lets the files of `target` that see torch read the header that is compiled already. The others wait in the same queue:
# it is the target's.
function(attune_reuse_torch_header target)
  target_precompile_headers(${target} REUSE_FROM attune_torch_header)
  set_target_properties(${target} PROPERTIES JOB_POOL_COMPILE torch_pool)
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    get_filename_component(path ${source} ABSOLUTE)
    if(NOT EXISTS ${path})
      continue()  # made by the build
    endif()
    attune_sees_torch(${path} sees)
    if(NOT sees)
      set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()

# Torch files take over a gigabyte each to compile: never more than two at a time.
set_property(GLOBAL PROPERTY JOB_POOLS torch_pool=2)
