#pragma once

#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace base {

// The whole content. A name that ends in `.xz` is unpacked on the way. Throws DataError where it
// cannot be read.
std::string read_file(const std::filesystem::path& path);

// Calls `take(line, number)` for each line of a file (or of an `.xz`), numbered from 1, without its
// line end (\n or \r\n) and without a byte order mark. An empty last line is not reported. Throws
// DataError where the file cannot be read.
void read_lines(const std::filesystem::path& path,
                const std::function<void(std::string_view line, long number)>& take);

// Replaces the file by `content`, whole or not at all, also across a crash: written aside, synced,
// renamed. Throws ResourceError where the disk is full or the file cannot be written; what was
// there before stays.
void write_file(const std::filesystem::path& path, std::string_view content);

// A file written piece by piece, that takes its place only at commit(). Without commit() it leaves
// nothing behind.
class FileWriter {
 public:
  explicit FileWriter(std::filesystem::path path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  // Both throw ResourceError where the system refuses.
  void write(std::string_view bytes);
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path aside_;
  std::FILE* file_ = nullptr;
};

// Creates the folder and those above it. Throws ResourceError.
void create_folder(const std::filesystem::path& path);

// Replaces the folder `to` by the folder `from` (both on one file system): syncs every file of
// `from`, then renames. A crash leaves the old `to` or the new one, never a mixture. Throws
// ResourceError.
void replace_folder(const std::filesystem::path& from, const std::filesystem::path& to);

// Holds a lock file for as long as it lives. Throws ResourceError, naming `what` it stands for, the
// holder's process and the advice, where somebody else holds it. A killed process's lock is free
// again; the file stays.
class FileLock {
 public:
  FileLock(const std::filesystem::path& file, const std::string& what, const std::string& advice);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

// The same of a run's folder, which is made where there is none.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  FileLock lock_;
};

// A new empty folder for tests and for work aside, removed with all that is in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace base
