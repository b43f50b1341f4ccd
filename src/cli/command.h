#pragma once

#include <functional>
#include <string>
#include <vector>

namespace cli {

// A command of the program. Each has a file of its own, which reads the command's arguments.
struct Command {
  std::string name;     // "doctor", or two words: "data check"
  std::string help;     // one line
  std::string example;  // a whole command line
  // The arguments after the name. Returns the exit code; failures are thrown.
  std::function<int(const Command& self, const std::vector<std::string>& arguments)> run;
};

// Every command, in the order of the help. A new one is declared in commands.h and listed in
// commands.cpp.
std::vector<Command> all_commands();

// Runs the command that the first one or two arguments name. Without arguments, and with --help or
// --version, prints what is asked for. Throws base::UsageError where there is no such command, with
// the nearest names.
int run(const std::vector<Command>& commands, const std::vector<std::string>& arguments);

// The exit code for the exception that is being handled; tells what happened on standard error.
//   0 done, 1 failure, 2 usage or settings, 3 data, 4 resource, 130 interrupted
int report_failure();

}  // namespace cli
