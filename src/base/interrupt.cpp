#include "base/interrupt.h"

#include <csignal>

#include <unistd.h>

namespace base {
namespace {

volatile std::sig_atomic_t g_signals = 0;

void on_signal(int) {
  if (g_signals > 0) ::_exit(130);
  g_signals = 1;
}

}  // namespace

void watch_interrupts() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool interrupted() { return g_signals > 0; }

void stop_if_interrupted() {
  if (interrupted()) throw Interrupted(Interrupted::Kept::nothing);
}

}  // namespace base
