#pragma once

#include <cstdlib>
#include <filesystem>

namespace base::test {

// Where the data sets lie that are not part of the repository.
inline std::filesystem::path data_folder() {
  const char* named = std::getenv("ATTUNE_DATA");
  return named != nullptr ? named : "../shared/data";
}

}  // namespace base::test
