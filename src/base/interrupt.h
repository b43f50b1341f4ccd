#pragma once

#include "base/error.h"

namespace base {

// Ctrl-C and termination: after watch_interrupts() the first signal only sets a flag, so that a
// stage can write a checkpoint and stop; the second ends the process at once.
void watch_interrupts();
bool interrupted();

// Thrown by a stage that has written its checkpoint and stops because of an interrupt. Exit code
// 130.
class Interrupted : public std::runtime_error {
 public:
  Interrupted()
      : std::runtime_error(
            "interrupted; a checkpoint is written, the same command goes on from it") {}
};

}  // namespace base
