#include <iostream>

#include "base/files.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "corpus/read.h"
#include "text/tokenizer_folder.h"
#include "text/tokenizer_trainer.h"

namespace cli {
namespace {

bool is_plain_text(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return !std::filesystem::is_directory(path) && !name.ends_with(".jsonl") &&
         !name.ends_with(".jsonl.xz");
}

std::vector<std::string> read_texts(const std::vector<std::string>& files) {
  std::vector<std::string> texts;
  for (const std::string& file : files) {
    if (is_plain_text(file)) {
      base::read_lines(file, [&](std::string_view line, long) { texts.emplace_back(line); });
    } else {
      for (const dialogue::Dialogue& dialogue : corpus::read_corpus(file).dialogues)
        for (const dialogue::Turn& turn : dialogue.turns) texts.push_back(turn.text);
    }
  }
  return texts;
}

int train(const Command& self, const std::vector<std::string>& given) {
  std::vector<std::string> files;
  std::string out;
  text::TrainerOptions options;
  Arguments arguments(self);
  arguments.positional("FILES", files,
                       "dialogues (a folder or .jsonl: their turns) or plain text (its lines)");
  arguments.option("--out", out, "folder to write the tokenizer to", Arguments::Need::required);
  arguments.option("--vocabulary", options.vocabulary_size, "tokens, the 256 bytes included");
  arguments.parse(given);

  const text::Tokenizer tokenizer = text::train_tokenizer(read_texts(files), options);
  base::create_folder(out);
  text::write_tokenizer(out, tokenizer);
  std::cout << out << ": " << tokenizer.size() << " tokens\n";
  return 0;
}

}  // namespace

Command tokenizer_train_command() {
  return {"tokenizer train", "train a byte-level BPE vocabulary on dialogues or text",
          "attune tokenizer train dialogues.jsonl --out my-tokenizer --vocabulary 8000", train};
}

}  // namespace cli
