# attune_embed_pages(target FOLDER)
#
# Builds the files that FOLDER/manifest.json lists (made by `make web`) into the target, behind
# serve/pages.h. Without the manifest the program has no pages.
function(attune_embed_pages target folder)
  set(table ${CMAKE_CURRENT_BINARY_DIR}/built_in_pages.cpp)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/manifest.json)
  set(bytes "")
  set(rows "")
  set(inputs "")
  if(EXISTS ${folder}/manifest.json)
    file(READ ${folder}/manifest.json manifest)
    string(JSON count LENGTH ${manifest} files)
    math(EXPR last "${count} - 1")
    foreach(i RANGE ${last})
      foreach(key path file gzip type sha256 immutable)
        string(JSON ${key} GET ${manifest} files ${i} ${key})
      endforeach()
      foreach(kind file gzip)
        string(APPEND bytes "ATTUNE_BYTES(${kind}_${i}, \"${folder}/${${kind}}\")\n")
        list(APPEND inputs ${folder}/${${kind}})
      endforeach()
      if(immutable)
        set(immutable true)
      else()
        set(immutable false)
      endif()
      # The sha256 tells ccache, too, that a page has changed: it does not see what the assembler reads.
      string(APPEND rows "      {\"${path}\", \"${type}\", \"${sha256}\", ${immutable}, "
        "between(file_${i}_begin, file_${i}_end), between(gzip_${i}_begin, gzip_${i}_end)},\n")
    endforeach()
  else()
    message(STATUS "no ${folder}/manifest.json: built without pages (make web makes them)")
  endif()
  file(CONFIGURE OUTPUT ${table} @ONLY CONTENT [=[
// Made by cmake/pages.cmake.
#include "serve/pages.h"

#define ATTUNE_BYTES(name, file)                                              \
  asm(".section .rodata\n" #name "_begin:\n.incbin \"" file "\"\n" #name      \
      "_end:\n.byte 0\n.previous\n");                                         \
  extern "C" const char name##_begin[];                                       \
  extern "C" const char name##_end[];
@bytes@
namespace serve {
namespace {
[[maybe_unused]] std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}
}  // namespace

const std::vector<Page>& built_in_pages() {
  static const std::vector<Page> pages = {
@rows@  };
  return pages;
}

}  // namespace serve
]=])
  target_sources(${target} PRIVATE ${table})
  set_source_files_properties(${table} PROPERTIES OBJECT_DEPENDS "${inputs}")
endfunction()
