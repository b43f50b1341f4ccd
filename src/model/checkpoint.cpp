#include "model/checkpoint.h"

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "base/files.h"
#include "base/manifest.h"
#include "model/safetensors.h"

namespace model {
namespace fs = std::filesystem;
namespace {

constexpr int kVersion = 1;
constexpr const char* kPrefix = "checkpoint-";

// The steps of the checkpoints in a folder, newest first.
std::vector<std::int64_t> steps_in(const fs::path& folder) {
  std::vector<std::int64_t> steps;
  if (!fs::exists(folder)) return steps;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(kPrefix, 0) != 0) continue;
    const std::string digits = name.substr(std::string(kPrefix).size());
    if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos)
      steps.push_back(std::stoll(digits));
  }
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

fs::path folder_of(const fs::path& folder, std::int64_t step) {
  return folder / (kPrefix + std::to_string(step));
}

Checkpoint read_checkpoint(const fs::path& folder) {
  base::verify_manifest(folder);
  const base::Json json = base::read_json(folder / "state.json");
  const std::string where = (folder / "state.json").string();
  base::require_schema(json, "checkpoint", kVersion, where);
  return {base::require<std::int64_t>(json, "step", where),
          read_safetensors(folder / "state.safetensors"),
          base::require<base::Json>(json, "state", where)};
}

}  // namespace

void write_checkpoint(const fs::path& folder, const Checkpoint& checkpoint) {
  const fs::path to = folder_of(folder, checkpoint.step), aside = to.string() + ".partial";
  std::error_code ignored;
  fs::remove_all(aside, ignored);
  try {
    base::create_folder(aside);
    write_safetensors(aside / "state.safetensors", checkpoint.tensors);
    base::write_json(aside / "state.json", {{"schema", base::schema("checkpoint", kVersion)},
                                            {"step", checkpoint.step},
                                            {"state", checkpoint.state}});
    base::write_manifest(aside, {{"step", checkpoint.step}});
    base::replace_folder(aside, to);
  } catch (const base::Error&) {
    fs::remove_all(aside, ignored);
    throw;
  }
  const std::vector<std::int64_t> steps = steps_in(folder);
  for (std::size_t i = 2; i < steps.size(); ++i)
    fs::remove_all(folder_of(folder, steps[i]), ignored);
}

std::optional<Checkpoint> read_newest_checkpoint(
    const fs::path& folder, const std::function<void(const std::string&)>& warn) {
  for (std::int64_t step : steps_in(folder)) {
    try {
      return read_checkpoint(folder_of(folder, step));
    } catch (const base::Error& error) {
      // Goes on after the error: an older checkpoint may be whole.
      if (error.kind() != base::ErrorKind::data) throw;
      if (warn) warn(base::concatenate("passing over a damaged checkpoint: ", error.what()));
    }
  }
  return std::nullopt;
}

void remove_checkpoints(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().rfind(kPrefix, 0) == 0) paths.push_back(entry.path());
  std::error_code ignored;
  for (const fs::path& path : paths) fs::remove_all(path, ignored);
}

}  // namespace model
