#include "base/files.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include <fcntl.h>
#include <lzma.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"

namespace base {
namespace fs = std::filesystem;
namespace {

std::string reason() { return std::strerror(errno); }

std::string unpack_xz(const std::string& packed, const fs::path& path) {
  lzma_stream stream = LZMA_STREAM_INIT;
  check(lzma_stream_decoder(&stream, UINT64_MAX, LZMA_CONCATENATED) == LZMA_OK, "xz decoder");
  std::string text;
  std::vector<std::uint8_t> buffer(1 << 20);
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  lzma_ret result = LZMA_OK;
  while (result == LZMA_OK) {
    stream.next_out = buffer.data();
    stream.avail_out = buffer.size();
    result = lzma_code(&stream, LZMA_FINISH);
    text.append(reinterpret_cast<char*>(buffer.data()), buffer.size() - stream.avail_out);
  }
  lzma_end(&stream);
  if (result != LZMA_STREAM_END)
    throw DataError(path, ": not a whole .xz file; was the download cut short?");
  return text;
}

void sync_path(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY);
  if (descriptor < 0)
    throw ResourceError(path.string(), ": cannot be opened to be synced: ", reason());
  const bool synced = ::fsync(descriptor) == 0;
  const std::string why = synced ? "" : reason();
  ::close(descriptor);
  if (!synced) throw ResourceError(path.string(), ": cannot be synced: ", why);
}

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

std::string read_file(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) throw DataError(path, ": is a folder, expected a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw DataError(path, ": cannot be read: ", reason());
  std::string content;
  const auto size = fs::file_size(path, error);
  if (!error) content.reserve(size);
  content.assign(std::istreambuf_iterator<char>(file), {});
  return path.extension() == ".xz" ? unpack_xz(content, path) : content;
}

void read_lines(const fs::path& path,
                const std::function<void(std::string_view line, long number)>& take) {
  const std::string content = read_file(path);
  std::string_view rest = content;
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  long number = 0;
  for (std::size_t begin = 0; begin < rest.size();) {
    std::size_t end = rest.find('\n', begin);
    if (end == std::string_view::npos) end = rest.size();
    std::string_view line = rest.substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    take(line, ++number);
    begin = end + 1;
  }
}

void write_file(const fs::path& path, std::string_view content) {
  FileWriter writer(path);
  writer.write(content);
  writer.commit();
}

FileWriter::FileWriter(fs::path path)
    : path_(std::move(path)), aside_(path_.string() + ".partial") {
  file_ = std::fopen(aside_.c_str(), "wb");
  if (!file_) throw ResourceError(aside_.string(), ": cannot be written: ", reason());
}

FileWriter::~FileWriter() {
  if (!file_) return;
  std::fclose(file_);
  std::error_code ignored;
  fs::remove(aside_, ignored);
}

void FileWriter::write(std::string_view bytes) {
  if (bytes.empty()) return;  // its data may be null, which fwrite must not be given
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size())
    throw ResourceError(aside_.string(), ": cannot be written: ", reason());
}

void FileWriter::commit() {
  if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0)
    throw ResourceError(aside_.string(), ": cannot be written: ", reason());
  std::FILE* file = file_;
  file_ = nullptr;
  std::error_code error, ignored;
  if (std::fclose(file) != 0) error = {errno, std::generic_category()};
  if (!error) fs::rename(aside_, path_, error);
  if (error) {
    fs::remove(aside_, ignored);
    throw ResourceError(path_.string(), ": cannot be replaced: ", error.message());
  }
  sync_path(parent_of(path_));
}

void create_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw ResourceError(path.string(), ": cannot be created: ", error.message());
}

void replace_folder(const fs::path& from, const fs::path& to) {
  for (const auto& entry : fs::recursive_directory_iterator(from)) sync_path(entry.path());
  sync_path(from);
  const fs::path old = to.string() + ".old";
  std::error_code error;
  fs::remove_all(old, error);
  if (fs::exists(to)) {
    // One system call swaps the two, so there is no moment without a whole `to`.
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) != 0) {
      fs::rename(to, old, error);
      if (!error) fs::rename(from, to, error);
    } else {
      fs::remove_all(from, error);
    }
  } else {
    fs::rename(from, to, error);
  }
  if (error) throw ResourceError(to.string(), ": cannot be replaced: ", error.message());
  fs::remove_all(old, error);
  sync_path(parent_of(to));
}

FileLock::FileLock(const fs::path& file, const std::string& what, const std::string& advice) {
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw ResourceError(file.string(), ": cannot be opened: ", reason());
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = {};
    const ssize_t size = ::read(descriptor_, holder, sizeof holder - 1);
    ::close(descriptor_);
    throw ResourceError(what, ": in use by process ", size > 0 ? holder : "(unknown)", "; ",
                        advice);
  }
  const std::string self = std::to_string(::getpid());
  if (::ftruncate(descriptor_, 0) != 0 || ::write(descriptor_, self.data(), self.size()) < 0) {
    const std::string why = reason();
    ::close(descriptor_);
    throw ResourceError(file.string(), ": cannot be written: ", why);
  }
}

FileLock::~FileLock() { ::close(descriptor_); }

FolderLock::FolderLock(const fs::path& folder)
    : lock_((create_folder(folder), folder / ".lock"), folder.string(),
            "wait for it or choose another run folder") {}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "attune-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw ResourceError(name, ": cannot be created: ", reason());
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace base
