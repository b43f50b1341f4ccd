# Flags for every target of the project, and ccache where it is installed.
# -fPIC everywhere, so that libraries and executables can share the precompiled header.
add_compile_definitions(ATTUNE_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Werror -fPIC)

# One optimisation level for both kinds of build that people time or debug through.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")

if(ATTUNE_SANITIZE)
  add_compile_options(-fsanitize=${ATTUNE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${ATTUNE_SANITIZE})
  if(ATTUNE_SANITIZE MATCHES thread)
    add_compile_options(-Wno-tsan)  # Asio's fences, which it says it does not follow
  endif()
  if(ATTUNE_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

find_program(ATTUNE_CCACHE ccache)
if(ATTUNE_CCACHE)
  # Precompiled headers need these two sloppinesses, or ccache passes every file by. DEPEND spares preprocessing what is
  # then compiled, a tenth of a file's time: what the compiler says it read is compared instead.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1 ${ATTUNE_CCACHE})
  add_compile_options(-fpch-preprocess)
endif()
