#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace base {

using Metrics = std::vector<std::pair<std::string, double>>;  // in the order they are to be shown

// The record of a stage, in its folder: metrics.jsonl, one object {"step": n, name: value, …} a
// step, each step once, and TensorBoard events with the same numbers.
class RunLog {
 public:
  // Opens the folder's log to go on after `last_step`: later steps, written before a crash, are
  // taken out again. 0 starts anew. Throws ResourceError.
  explicit RunLog(std::filesystem::path folder, std::int64_t last_step = 0);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  // Steps grow; 0 is what there is before the first. Values that are not finite are written as
  // null. Throws ResourceError.
  void write(std::int64_t step, const Metrics& metrics);

 private:
  std::filesystem::path folder_;
  std::FILE* lines_ = nullptr;
  std::FILE* events_ = nullptr;
};

// The values of one metric over the steps of a metrics.jsonl, in order; steps without it are left
// out.
std::vector<std::pair<std::int64_t, double>> read_metric(const std::filesystem::path& folder,
                                                         const std::string& name);

}  // namespace base
