#include "reward/content_cache.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"

namespace reward {
namespace fs = std::filesystem;
namespace {

// A record: the text's hash, its values, and the beginning of the hash of both.
constexpr std::size_t kHash = 32, kCheck = 8;  // characters

std::string key_of(std::string_view text) { return base::sha256(text).substr(0, kHash); }

std::string check_of(std::string_view record) { return base::sha256(record).substr(0, kCheck); }

// An open, locked file.
class Locked {
 public:
  explicit Locked(const fs::path& path) : path_(path) {
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) refuse("opened");
    int locked;
    do locked = ::flock(descriptor_, LOCK_EX);
    while (locked != 0 && errno == EINTR);
    if (locked == 0) return;
    const int error = errno;
    ::close(descriptor_);
    errno = error;
    refuse("locked");
  }
  ~Locked() { ::close(descriptor_); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

  // After the last whole record.
  void append(std::string_view bytes, std::size_t record) {
    const off_t end = ::lseek(descriptor_, 0, SEEK_END);
    const off_t whole = end / static_cast<off_t>(record) * static_cast<off_t>(record);
    if (end < 0 || ::ftruncate(descriptor_, whole) != 0 ||
        ::lseek(descriptor_, whole, SEEK_SET) < 0)
      refuse("written");
    while (!bytes.empty()) {
      const ssize_t done = ::write(descriptor_, bytes.data(), bytes.size());
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) refuse("written");
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
  }

 private:
  [[noreturn]] void refuse(const char* what) const {
    throw base::ResourceError(path_, ": cannot be ", what, ": ", std::strerror(errno));
  }
  const fs::path& path_;
  int descriptor_;
};

}  // namespace

ContentCache::ContentCache(fs::path file, std::size_t width)
    : file_(std::move(file)), width_(width) {
  if (file_.empty()) return;
  base::create_folder(file_.parent_path());
  if (!fs::exists(file_)) return;
  const std::string bytes = base::read_file(file_);
  const std::size_t numbers = width_ * sizeof(float), record = kHash + numbers + kCheck;
  for (std::size_t at = 0; at + record <= bytes.size(); at += record) {
    const std::string_view content(bytes.data() + at, kHash + numbers);
    if (check_of(content) != std::string_view(bytes.data() + at + kHash + numbers, kCheck))
      continue;
    std::vector<float> values(width_);
    std::memcpy(values.data(), content.data() + kHash, numbers);
    values_[std::string(content.substr(0, kHash))] = std::move(values);
  }
}

std::optional<std::span<const float>> ContentCache::find(std::string_view text) const {
  const auto found = values_.find(key_of(text));
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

void ContentCache::add(std::string_view text, std::span<const float> values) {
  base::check(values.size() == width_, "a cache of ", width_, " values a text was given ",
              values.size());
  std::string record = key_of(text);
  values_[record].assign(values.begin(), values.end());
  if (file_.empty()) return;
  record.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  added_ += record + check_of(record);
}

void ContentCache::save() {
  if (added_.empty()) return;
  Locked(file_).append(added_, kHash + width_ * sizeof(float) + kCheck);
  added_.clear();
}

fs::path cache_folder() {
  if (const char* named = std::getenv("ATTUNE_CACHE")) return named;
  if (const char* named = std::getenv("XDG_CACHE_HOME")) return fs::path(named) / "attune";
  if (const char* home = std::getenv("HOME")) return fs::path(home) / ".cache" / "attune";
  return {};
}

}  // namespace reward
