# attune_module(NAME [TORCH] [DEPS module...] [LIBS library...])
#
# Declares src/NAME as a module: a static library of its .cpp files, and NAME_test of its *_test.cpp files. A
# main.cpp is left to the executable that is made of the module.
# DEPS are the only folders that the module may include; TORCH says that it may include torch.
# tests/layers.py holds every module to both.
function(attune_module name)
  cmake_parse_arguments(MODULE "TORCH" "" "DEPS;LIBS" ${ARGN})
  set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cpp$")

  list(TRANSFORM MODULE_DEPS PREPEND attune_ OUTPUT_VARIABLE libraries)
  if(NOT sources)  # headers only
    add_library(attune_${name} INTERFACE)
    target_link_libraries(attune_${name} INTERFACE ${libraries})
    return()
  endif()
  add_library(attune_${name} STATIC ${sources})
  target_include_directories(attune_${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(attune_${name} PUBLIC ${libraries} ${MODULE_LIBS})
  if(MODULE_TORCH)
    target_link_libraries(attune_${name} PUBLIC attune_torch)
    attune_reuse_torch_header(attune_${name})
  endif()

  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE attune_${name} GTest::gtest_main)
    if(MODULE_TORCH)
      attune_reuse_torch_header(${name}_test)
    endif()
    add_test(NAME ${name} COMMAND ${name}_test
      --gtest_output=json:${PROJECT_BINARY_DIR}/test-results/${name}.json
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS unit)
  endif()
endfunction()
