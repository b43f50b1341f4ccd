#pragma once

#include <functional>
#include <string>

namespace cli {

// Calls `take(line, number)` for each line of standard input, numbered from 1, without its line
// end. A filter has nothing to save: from here on Ctrl-C ends the process at once.
void read_standard_input(const std::function<void(const std::string& line, long number)>& take);

}  // namespace cli
