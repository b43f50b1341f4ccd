#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace evaluate {

// One evaluation of one model on one file of held-out dialogues. Hashes are SHA-256.
struct Evaluation {
  std::string data;    // of the dialogues' bytes
  std::string model;   // of what was evaluated
  std::string recipe;  // of the settings
  std::string name;    // of the run, for people
  std::string date;    // "2026-05-01T12:00:00Z"
};

// What a registry says once an evaluation stands in it.
struct Registered {
  std::filesystem::path file;
  Evaluation evaluation;
  int others = 0;   // earlier evaluations of the same data with another model or other settings,
                    // each such pair once
  int repeats = 0;  // earlier ones with the same of both
};

// Where evaluations on `data` are kept: "DATA.evaluations.jsonl" beside it, or under that name in
// `otherwise` where nothing can be written beside it. The first is created, empty, to find that
// out.
std::filesystem::path registry_file(const std::filesystem::path& data,
                                    const std::filesystem::path& otherwise);

// Adds a line (attune.evaluation/1, docs/formats.md) and says what stood there before. Several
// processes may do so at once. A last line that was cut short is passed over. Throws
// base::DataError where another line is damaged, base::ResourceError where the file cannot be
// written.
Registered register_evaluation(const std::filesystem::path& file, const Evaluation& evaluation);

// A sentence for ReportData::warnings where there were others; else none.
std::vector<std::string> check_registry(const Registered& registered);

}  // namespace evaluate
