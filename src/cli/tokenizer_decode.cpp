#include <iostream>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/standard_input.h"
#include "text/tokenizer_folder.h"

namespace cli {
namespace {

std::vector<int> read_ids(const std::string& line, int vocabulary, const std::string& where) {
  const base::Json json = base::parse_json(line, where);
  if (!json.is_array()) throw base::DataError(where, ": expected a JSON array of token ids");
  std::vector<int> ids;
  for (const base::Json& id : json) {
    if (!id.is_number_integer() || id < 0 || id >= vocabulary)
      throw base::DataError(where, ": ", id.dump(), " is no token id; the vocabulary's are 0 to ",
                            vocabulary - 1);
    ids.push_back(id.get<int>());
  }
  return ids;
}

int decode(const Command& self, const std::vector<std::string>& given) {
  std::string folder;
  Arguments arguments(self);
  arguments.positional("FOLDER", folder, "a Hugging Face tokenizer folder");
  arguments.parse(given);

  const text::Tokenizer tokenizer = text::read_tokenizer(folder);
  read_standard_input([&](const std::string& line, long number) {
    const std::string where = base::concatenate("standard input:", number);
    std::cout << tokenizer.decode(read_ids(line, tokenizer.size(), where)) << "\n";
  });
  return 0;
}

}  // namespace

Command tokenizer_decode_command() {
  return {"tokenizer decode",
          "turn each line of standard input, a JSON array of token ids, into text",
          "echo '[40, 1842, 340]' | attune tokenizer decode runs/quickstart/tokenizer", decode};
}

}  // namespace cli
