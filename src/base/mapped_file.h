#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace base {

// A whole file in memory without a copy: pages are read when they are first touched. What is
// written into the memory stays in it (copy on write) and never reaches the file.
//
// The file must not be changed in place while this lives, as the mapping would see it; files that
// are replaced by a rename, as all of ours are, do no harm.
class MappedFile {
 public:
  // Throws DataError where the path is no regular file or cannot be read, ResourceError where the
  // system refuses the memory.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() const { return data_; }  // aligned to a page; null where the file is empty
  std::size_t size() const { return size_; }
  std::string_view bytes() const { return {data_, size_}; }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace base
