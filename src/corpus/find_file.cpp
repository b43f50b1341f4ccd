#include "corpus/find_file.h"

#include "base/error.h"

namespace corpus {

namespace fs = std::filesystem;

fs::path find_file(const fs::path& folder, const std::string& name) {
  for (const char* ending : {"", ".xz"})
    if (fs::exists(folder / (name + ending))) return folder / (name + ending);
  return {};
}

fs::path need_file(const fs::path& folder, const std::string& name, const std::string& because) {
  const fs::path file = find_file(folder, name);
  if (file.empty()) throw base::DataError(folder / name, ": no such file, nor with .xz; ", because);
  return file;
}

}  // namespace corpus
