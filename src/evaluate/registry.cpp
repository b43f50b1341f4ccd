#include "evaluate/registry.h"

#include <cerrno>
#include <cstring>
#include <set>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace evaluate {
namespace fs = std::filesystem;
namespace {

constexpr int kVersion = 1;

base::Json to_json(const Evaluation& evaluation) {
  return {{"schema", base::schema("evaluation", kVersion)},
          {"data", evaluation.data},
          {"model", evaluation.model},
          {"recipe", evaluation.recipe},
          {"name", evaluation.name},
          {"date", evaluation.date}};
}

Evaluation evaluation_from_json(const base::Json& json, const std::string& where) {
  base::require_schema(json, "evaluation", kVersion, where);
  return {.data = base::require<std::string>(json, "data", where),
          .model = base::require<std::string>(json, "model", where),
          .recipe = base::require<std::string>(json, "recipe", where),
          .name = base::require<std::string>(json, "name", where),
          .date = base::require<std::string>(json, "date", where)};
}

// A file that no other process registers in while this lives.
class LockedFile {
 public:
  explicit LockedFile(const fs::path& path)
      : path_(path), descriptor_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0 || flock(descriptor_, LOCK_EX) != 0) fail();
  }
  ~LockedFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  // Puts the text at `offset`, in place of what is there.
  void write_at(std::size_t offset, const std::string& text) {
    if (ftruncate(descriptor_, static_cast<off_t>(offset)) != 0 ||
        pwrite(descriptor_, text.data(), text.size(), static_cast<off_t>(offset)) !=
            static_cast<ssize_t>(text.size()) ||
        fsync(descriptor_) != 0)
      fail();
  }

 private:
  [[noreturn]] void fail() {
    const std::string reason = std::strerror(errno);
    throw base::ResourceError(path_.string(), ": cannot be written: ", reason);
  }
  fs::path path_;
  int descriptor_ = -1;
};

}  // namespace

fs::path registry_file(const fs::path& data, const fs::path& otherwise) {
  const std::string name = data.filename().string() + ".evaluations.jsonl";
  const fs::path beside = data.parent_path() / name;
  // Permissions alone do not say it: the file system may be read-only.
  const int descriptor = open(beside.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) return otherwise / name;
  close(descriptor);
  return beside;
}

Registered register_evaluation(const fs::path& file, const Evaluation& evaluation) {
  Registered registered{.file = file, .evaluation = evaluation};
  LockedFile locked(file);
  const std::string text = base::read_file(file);
  const std::size_t whole = text.rfind('\n') + 1;  // what stands after it was cut short
  std::set<std::pair<std::string, std::string>> others;
  std::size_t begin = 0;
  for (int line = 1; begin < whole; ++line) {
    const std::size_t end = text.find('\n', begin);
    const std::string where = base::concatenate(file.string(), ":", line);
    const Evaluation earlier =
        evaluation_from_json(base::parse_json(text.substr(begin, end - begin), where), where);
    begin = end + 1;
    if (earlier.data != evaluation.data) continue;
    if (earlier.model == evaluation.model && earlier.recipe == evaluation.recipe)
      ++registered.repeats;
    else
      others.insert({earlier.model, earlier.recipe});
  }
  locked.write_at(whole, to_json(evaluation).dump() + "\n");
  registered.others = static_cast<int>(others.size());
  return registered;
}

std::vector<std::string> check_registry(const Registered& registered) {
  if (registered.others == 0) return {};
  return {base::concatenate(
      "These held-out dialogues (SHA-256 ", registered.evaluation.data.substr(0, 12),
      "…) were evaluated before with ", registered.others,
      registered.others == 1 ? " other model or setting" : " other models or settings",
      ": what was chosen on sight of that is no longer a fair test (",
      registered.file.filename().string(), ")")};
}

}  // namespace evaluate
