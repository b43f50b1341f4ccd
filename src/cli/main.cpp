#include <iostream>

#include "base/error.h"
#include "base/interrupt.h"
#include "cli/command.h"
#include "kernels/compute.h"

int main(int count, char** arguments) {
  base::watch_interrupts();
  kernels::keep_memory();
  try {
    std::ios::sync_with_stdio(false);
    const int code = cli::run(cli::all_commands(), {arguments + 1, arguments + count});
    if (!std::cout.flush())
      throw base::ResourceError("standard output cannot be written; is the disk full?");
    return code;
  } catch (...) {
    return cli::report_failure();
  }
}
