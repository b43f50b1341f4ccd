#include "cli/standard_input.h"

#include <csignal>
#include <iostream>

namespace cli {

void read_standard_input(const std::function<void(const std::string& line, long number)>& take) {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::string line;
  for (long number = 1; std::getline(std::cin, line); ++number) take(line, number);
}

}  // namespace cli
