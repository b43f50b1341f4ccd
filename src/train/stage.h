#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "base/interrupt.h"
#include "base/profile.h"
#include "base/progress.h"
#include "model/checkpoint.h"

namespace train {

// Where a training stage works and how it may be stopped.
struct Stage {
  std::filesystem::path folder;  // metrics, events and checkpoints
  base::Console& console;
  std::uint64_t seed = 0;
  int checkpoint_every = 200;  // steps
  bool allow_different_machine =
      false;  // go on from a checkpoint of another build, device, instruction set or thread count
  std::function<bool(std::int64_t step)> stop = [](std::int64_t) { return base::interrupted(); };
  torch::Device device = torch::kCPU;  // where its model is
  // Where its time goes.
  std::shared_ptr<base::Profile> profile = std::make_shared<base::Profile>();
};

// The newest whole checkpoint of the stage, or nothing. Says so on the console. A checkpoint made
// with another version, device, instruction set or thread count would not give the same numbers:
// throws base::UsageError unless that is allowed.
std::optional<model::Checkpoint> resume(const Stage& stage);

// Writes a checkpoint, with the machine's marks in its state.
void save(const Stage& stage, model::Checkpoint checkpoint);

// Writes one every `checkpoint_every` steps, and before throwing base::Interrupted where the stage
// is to stop. `make` is called only when one is due.
void save_when_due(const Stage& stage, std::int64_t step,
                   const std::function<model::Checkpoint()>& make);

}  // namespace train
