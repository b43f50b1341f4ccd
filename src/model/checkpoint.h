#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "base/json.h"
#include "model/parameters.h"

namespace model {

// The state of a training stage after `step` steps: everything that the rest of the run depends on.
struct Checkpoint {
  std::int64_t step = 0;
  TensorMap tensors;  // weights, optimiser moments
  base::Json state;   // schedule, controllers, best so far, …
};

// Writes `folder`/checkpoint-<step>: aside, synced, renamed, with a manifest of SHA-256 sums
// written last. Older checkpoints but one are removed afterwards. Throws base::ResourceError; the
// previous checkpoint stays whole then.
void write_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint);

// The newest whole checkpoint, or nothing. One that is damaged is passed over; `warn` is told which
// and why.
std::optional<Checkpoint> read_newest_checkpoint(
    const std::filesystem::path& folder, const std::function<void(const std::string&)>& warn);

// Removes all checkpoints and what a crash left of them.
void remove_checkpoints(const std::filesystem::path& folder);

}  // namespace model
