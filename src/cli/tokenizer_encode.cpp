#include <iostream>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/standard_input.h"
#include "text/tokenizer_folder.h"

namespace cli {
namespace {

int encode(const Command& self, const std::vector<std::string>& given) {
  std::string folder;
  bool special = false;
  Arguments arguments(self);
  arguments.positional("FOLDER", folder, "a Hugging Face tokenizer folder");
  arguments.flag("--special", special, "recognise added tokens such as <|end|> in the text");
  arguments.parse(given);

  const text::Tokenizer tokenizer = text::read_tokenizer(folder);
  read_standard_input([&](const std::string& line, long) {
    const auto ids = special ? tokenizer.encode_with_added(line) : tokenizer.encode(line);
    std::cout << base::Json(ids).dump() << "\n";
  });
  return 0;
}

}  // namespace

Command tokenizer_encode_command() {
  return {"tokenizer encode", "turn each line of standard input into a JSON array of token ids",
          "echo 'Seen Heat?' | attune tokenizer encode runs/quickstart/tokenizer", encode};
}

}  // namespace cli
