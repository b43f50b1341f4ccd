#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace cli {

struct Arguments::Parser {
  CLI::App app;
  std::string name, example;
  std::vector<base::Setting> settings;
  std::vector<std::string>* collected = nullptr;  // where overrides go instead of into the settings

  std::string help() {
    std::string text = app.help();
    if (!settings.empty()) {
      text += "\nSettings (key=value):\n";
      std::size_t width = 0;
      for (const base::Setting& setting : settings) width = std::max(width, setting.path.size());
      for (const base::Setting& setting : settings)
        text += "  " + setting.path + std::string(width + 2 - setting.path.size(), ' ') +
                setting.help + "\n";
    }
    return text + "\nExample:\n  " + example + "\n";
  }
};

Arguments::Arguments(const Command& command) : parser_(std::make_unique<Parser>()) {
  parser_->name = "attune " + command.name;
  parser_->example = command.example;
  parser_->app.description(command.help);
  parser_->app.name(parser_->name);
}

Arguments::~Arguments() = default;

void Arguments::positional(const std::string& name, std::string& target, const std::string& help) {
  parser_->app.add_option(name, target, help)->required();
}

void Arguments::positional(const std::string& name, std::vector<std::string>& target,
                           const std::string& help, Need need) {
  parser_->app.add_option(name, target, help)->required(need == Need::required);
}

void Arguments::option(const std::string& name, std::string& target, const std::string& help,
                       Need need) {
  parser_->app.add_option(name, target, help)->required(need == Need::required);
}

void Arguments::option(const std::string& name, int& target, const std::string& help, Need need) {
  parser_->app.add_option(name, target, help)->required(need == Need::required);
}

void Arguments::option(const std::string& name, std::vector<std::string>& target,
                       const std::string& help) {
  parser_->app.add_option(name, target, help)->allow_extra_args(false);
}

void Arguments::flag(const std::string& name, bool& target, const std::string& help) {
  parser_->app.add_flag(name, target, help);
}

void Arguments::settings(std::vector<base::Setting> settings) {
  parser_->settings = std::move(settings);
}

void Arguments::overrides(std::vector<base::Setting> settings, std::vector<std::string>& target) {
  parser_->settings = std::move(settings);
  parser_->collected = &target;
}

void Arguments::parse(const std::vector<std::string>& arguments) {
  // A setting is told by its form, so that it may stand anywhere, and `--out=x` stays an option.
  std::vector<std::string> others;
  for (const std::string& argument : arguments) {
    const bool is_setting = !parser_->settings.empty() && !argument.starts_with("-") &&
                            argument.find('=') != std::string::npos &&
                            argument.find('/') > argument.find('=');
    if (is_setting && parser_->collected)
      parser_->collected->push_back(argument);
    else if (is_setting)
      base::override_setting(parser_->settings, argument);
    else
      others.push_back(argument);
  }
  std::reverse(others.begin(), others.end());  // as CLI11 takes them
  try {
    parser_->app.parse(others);
  } catch (const CLI::CallForHelp&) {
    throw HelpAsked{parser_->help()};
  } catch (const CLI::ParseError& error) {
    throw base::UsageError(error.what(), "; see `", parser_->name, " --help`");
  }
}

double number_argument(const std::string& option, const std::string& text, double least,
                       double most) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() ||
      !(value >= least && value <= most))
    throw base::UsageError(option, " is \"", text, "\", expected a number from ", least, " to ",
                           most);
  return value;
}

}  // namespace cli
