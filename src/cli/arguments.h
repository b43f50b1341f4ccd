#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/settings.h"
#include "cli/command.h"

namespace cli {

// A command's arguments: each is bound to a variable, then parse() fills them in.
class Arguments {
 public:
  explicit Arguments(const Command& command);
  ~Arguments();

  enum class Need { optional, required };

  // What stands without a name, in this order.
  void positional(const std::string& name, std::string& target, const std::string& help);
  // One or more, or (optional) any number: the last positional.
  void positional(const std::string& name, std::vector<std::string>& target,
                  const std::string& help, Need need = Need::required);

  // "--name VALUE". An option without a default (an empty text) may be needed.
  void option(const std::string& name, std::string& target, const std::string& help,
              Need need = Need::optional);
  void option(const std::string& name, int& target, const std::string& help,
              Need need = Need::optional);
  // As often as it is given, a value each time.
  void option(const std::string& name, std::vector<std::string>& target, const std::string& help);

  // "--name".
  void flag(const std::string& name, bool& target, const std::string& help);

  // "key=value", any number of them, anywhere; the help lists the keys.
  void settings(std::vector<base::Setting> settings);

  // The same, but only collected: they are to override a file that is read later.
  void overrides(std::vector<base::Setting> settings, std::vector<std::string>& target);

  // Throws base::UsageError where the arguments are wrong, HelpAsked at --help.
  void parse(const std::vector<std::string>& arguments);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

// A number from `least` to `most`, both included. Throws base::UsageError naming the option.
double number_argument(const std::string& option, const std::string& text, double least,
                       double most);

// Thrown by Arguments::parse; `text` goes to standard output.
struct HelpAsked {
  std::string text;
};

}  // namespace cli
