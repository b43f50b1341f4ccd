#pragma once

#include "base/error.h"

namespace base {

// Ctrl-C and termination: after watch_interrupts() the first signal only sets a flag, so that a
// stage can write a checkpoint and stop; the second ends the process at once.
void watch_interrupts();
bool interrupted();

// Thrown by work that stops because of an interrupt. Exit code 130.
class Interrupted : public std::runtime_error {
 public:
  enum class Kept { checkpoint, nothing };
  explicit Interrupted(Kept kept)
      : std::runtime_error(
            kept == Kept::checkpoint
                ? "interrupted; a checkpoint is written, the same command goes on from it"
                : "interrupted; the same command does this part anew") {}
};

// For loops of minutes that write no checkpoints: throws Interrupted after a signal.
void stop_if_interrupted();

}  // namespace base
