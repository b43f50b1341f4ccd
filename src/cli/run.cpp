#include <algorithm>
#include <filesystem>
#include <iostream>
#include <new>

#include <c10/util/Exception.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/settings.h"
#include "cli/arguments.h"

namespace cli {
namespace {

std::string list(const std::vector<Command>& commands) {
  std::size_t width = 0;
  for (const Command& command : commands) width = std::max(width, command.name.size());
  std::string text;
  for (const Command& command : commands)
    text += "  " + command.name + std::string(width + 2 - command.name.size(), ' ') + command.help +
            "\n";
  return text;
}

std::string help(const std::vector<Command>& commands) {
  return "attune aligns conversational recommenders with implicit feedback.\n\n"
         "Usage: attune COMMAND …\n\nCommands:\n" +
         list(commands) +
         "\n`attune COMMAND --help` says more of one, with an example. `attune --version` prints "
         "the version.\n"
         "Exit codes: 0 done, 1 failure, 2 usage or settings, 3 data, 4 resource (memory, disk, "
         "a lock),\n130 interrupted.\n";
}

bool asks_for_help(const std::string& argument) { return argument == "--help" || argument == "-h"; }

// Whether an argument can be meant as a file or an option rather than as a command's second word.
bool is_path(const std::string& argument) {
  return argument.find_first_of("./=-") != std::string::npos || std::filesystem::exists(argument);
}

// Those whose name starts with that word: "data check" of "data".
std::vector<Command> group(const std::vector<Command>& commands, const std::string& word) {
  std::vector<Command> out;
  for (const Command& command : commands)
    if (command.name.starts_with(word + " ")) out.push_back(command);
  return out;
}

const Command* find(const std::vector<Command>& commands, const std::string& name) {
  for (const Command& command : commands)
    if (command.name == name) return &command;
  return nullptr;
}

[[noreturn]] void unknown(const std::vector<Command>& commands, const std::string& name) {
  std::vector<std::string> known;
  for (const Command& command : commands) known.push_back(command.name);
  std::string message = "there is no command \"" + name + "\"";
  const std::vector<std::string> near = base::nearest(name, known);
  for (std::size_t i = 0; i < near.size(); ++i)
    message += (i ? " or " : "; did you mean ") + near[i];
  throw base::UsageError(message, near.empty() ? "; `attune --help` lists them" : "?");
}

int exit_code(base::ErrorKind kind) {
  switch (kind) {
    case base::ErrorKind::usage:
      return 2;
    case base::ErrorKind::data:
      return 3;
    case base::ErrorKind::resource:
      return 4;
    case base::ErrorKind::internal:
      break;
  }
  return 1;
}

int fail(const std::string& message, int code) {
  std::cout.flush();
  std::cerr << "attune: " << message << std::endl;
  return code;
}

}  // namespace

int run(const std::vector<Command>& commands, const std::vector<std::string>& arguments) {
  if (arguments.empty() || asks_for_help(arguments[0])) {
    (arguments.empty() ? std::cerr : std::cout) << help(commands);
    return arguments.empty() ? exit_code(base::ErrorKind::usage) : 0;
  }
  if (arguments[0] == "--version") {
    std::cout << "attune " << ATTUNE_VERSION << "\n";
    return 0;
  }
  if (arguments.size() > 1)
    if (const Command* command = find(commands, arguments[0] + " " + arguments[1]))
      return command->run(*command, {arguments.begin() + 2, arguments.end()});
  const Command* command = find(commands, arguments[0]);
  const std::vector<Command> members = group(commands, arguments[0]);
  if (!members.empty() && arguments.size() == 1)
    throw base::UsageError("`attune ", arguments[0], "` needs ", command ? "a recipe, or " : "",
                           "one more word:\n", list(members));
  if (!members.empty() && asks_for_help(arguments[1]))
    std::cout << "Commands:\n" << list(members) << "\n";
  else if (!members.empty() && !is_path(arguments[1]))
    unknown(commands, arguments[0] + " " + arguments[1]);
  if (command) return command->run(*command, {arguments.begin() + 1, arguments.end()});
  if (members.empty()) unknown(commands, arguments[0]);
  return 0;
}

int report_failure() {
  try {
    throw;
  } catch (const HelpAsked& asked) {
    std::cout << asked.text << std::flush;
    return 0;
  } catch (const base::Interrupted& interrupted) {
    return fail(interrupted.what(), 130);
  } catch (const base::Error& error) {
    const bool ours = error.kind() == base::ErrorKind::internal;
    return fail(ours ? std::string("internal error: ") + error.what() : error.what(),
                exit_code(error.kind()));
  } catch (const std::bad_alloc&) {
    return fail("out of memory; a smaller batch or model needs less", 4);
  } catch (const c10::Error& error) {
    return fail(std::string("internal error in libtorch: ") + error.what_without_backtrace(), 1);
  } catch (const std::exception& error) {
    return fail(std::string("internal error: ") + error.what(), 1);
  }
}

}  // namespace cli
