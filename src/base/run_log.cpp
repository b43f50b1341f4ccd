#include "base/run_log.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace base {
namespace fs = std::filesystem;
namespace {

// ---- TensorBoard's event files: TFRecord framing around hand-encoded protobuf (event.proto,
// summary.proto) ----

std::uint32_t crc32c(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0);
      made[i] = crc;
    }
    return made;
  }();
  std::uint32_t crc = ~0u;
  for (char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 255];
  return ~crc;
}

std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

template <class T>
std::string little_endian(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value > 127; value >>= 7) bytes += static_cast<char>(value | 128);
  return bytes + static_cast<char>(value);
}

std::string field(int number, int wire_type) {
  return varint(static_cast<std::uint64_t>(number) << 3 | wire_type);
}
std::string nested(int number, const std::string& bytes) {
  return field(number, 2) + varint(bytes.size()) + bytes;
}

std::string event_start(std::int64_t step) {
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return field(1, 1) + little_endian(now) + field(2, 0) + varint(static_cast<std::uint64_t>(step));
}

std::string record(const std::string& data) {
  const std::string length = little_endian(static_cast<std::uint64_t>(data.size()));
  return length + little_endian(masked_crc(length)) + data + little_endian(masked_crc(data));
}

std::string summary_event(std::int64_t step, const Metrics& metrics) {
  std::string summary;
  for (const auto& [name, value] : metrics) {
    if (!std::isfinite(value)) continue;
    summary += nested(1, nested(1, name) + field(2, 5) + little_endian(static_cast<float>(value)));
  }
  return record(event_start(step) + nested(5, summary));
}

// ---- the log ----

struct LoggedStep {
  std::int64_t step;
  Metrics metrics;
  std::string line;
};

// The whole steps of a log; a last line that a crash cut short is left out.
std::vector<LoggedStep> read_steps(const fs::path& path) {
  std::vector<LoggedStep> steps;
  if (!fs::exists(path)) return steps;
  read_lines(path, [&](std::string_view line, long) {
    if (line.empty() || line.back() != '}') return;
    const Json json = parse_json(line, path.string());
    LoggedStep step{require<std::int64_t>(json, "step", path.string()), {}, std::string(line)};
    for (const auto& [name, value] : json.items())
      if (name != "step" && value.is_number()) step.metrics.emplace_back(name, value.get<double>());
    steps.push_back(std::move(step));
  });
  return steps;
}

std::FILE* open_to_append(const fs::path& path) {
  std::FILE* file = std::fopen(path.c_str(), "ab");
  if (!file) throw ResourceError(path.string(), ": cannot be written: ", std::strerror(errno));
  return file;
}

void put(std::FILE* file, const std::string& bytes, const fs::path& folder) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size() || std::fflush(file) != 0)
    throw ResourceError(folder.string(), ": the run log cannot be written: ", std::strerror(errno));
}

}  // namespace

RunLog::RunLog(fs::path folder, std::int64_t last_step) : folder_(std::move(folder)) {
  create_folder(folder_);
  const fs::path lines = folder_ / "metrics.jsonl", events = folder_ / "events.out.tfevents.attune";
  std::string kept_lines;
  std::string kept_events = record(event_start(0) + nested(3, "brain.Event:2"));
  for (const LoggedStep& step : read_steps(lines)) {
    if (last_step == 0 || step.step > last_step) continue;
    kept_lines += step.line + "\n";
    kept_events += summary_event(step.step, step.metrics);
  }
  write_file(lines, kept_lines);
  write_file(events, kept_events);
  lines_ = open_to_append(lines);
  events_ = open_to_append(events);
}

RunLog::~RunLog() {
  if (lines_) std::fclose(lines_);
  if (events_) std::fclose(events_);
}

void RunLog::write(std::int64_t step, const Metrics& metrics) {
  Json json = {{"step", step}};
  for (const auto& [name, value] : metrics)
    json[name] = std::isfinite(value) ? Json(value) : Json(nullptr);
  put(lines_, json.dump() + "\n", folder_);
  put(events_, summary_event(step, metrics), folder_);
}

std::vector<std::pair<std::int64_t, double>> read_metric(const fs::path& folder,
                                                         const std::string& name) {
  std::vector<std::pair<std::int64_t, double>> values;
  for (const LoggedStep& step : read_steps(folder / "metrics.jsonl"))
    for (const auto& [key, value] : step.metrics)
      if (key == name) values.emplace_back(step.step, value);
  return values;
}

}  // namespace base
