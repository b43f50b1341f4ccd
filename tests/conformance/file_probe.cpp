// What check_files.py asks of attune: safetensors files and model folders read and written again,
// GGUF.
#include <chrono>
#include <cstdio>
#include <iostream>

#include "base/error.h"
#include "model/gguf.h"
#include "model/safetensors.h"
#include "model/weights.h"

namespace {

using Words = std::vector<std::string>;

// Reads FROM and writes what was read to TO.
void copy(const Words& words) {
  model::write_safetensors(words[2], model::read_safetensors(words[1]));
}

// The same of a model's folder, in files of at most BYTES.
void copy_folder(const Words& words) {
  model::write_weights(words[2], model::read_weights(words[1]).tensors, std::stoull(words[3]));
}

// For each file one line: "read", or why not.
void judge(const Words& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    try {
      model::read_safetensors(words[i]);
      std::cout << "read\n";
    } catch (const base::DataError& error) {
      std::cout << error.what() << '\n';
    }
  }
}

// Exports the model FOLDER to FILE with matrices of TYPE: f32, f16 or bf16.
void export_gguf(const Words& words) {
  const std::map<std::string, model::GgufType> types = {{"f32", model::GgufType::f32},
                                                        {"f16", model::GgufType::f16},
                                                        {"bf16", model::GgufType::bf16}};
  model::write_gguf(words[1], words[2], types.at(words[3]));
}

// The seconds that reading takes, then those until every byte was seen once.
void load(const Words& words) {
  const auto seconds = [began = std::chrono::steady_clock::now()] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  const auto tensors = model::read_safetensors(words[1]);
  const double read = seconds();
  double sum = 0;
  for (const auto& [name, tensor] : tensors) sum += tensor.sum().item<double>();
  std::cout << read << ' ' << seconds() << ' ' << sum << '\n';
}

}  // namespace

int main(int count, char** arguments) try {
  const Words words(arguments + 1, arguments + count);
  const std::string what = words.empty() ? "" : words[0];
  if (what == "copy" && words.size() == 3)
    copy(words);
  else if (what == "copy-folder" && words.size() == 4)
    copy_folder(words);
  else if (what == "judge")
    judge(words);
  else if (what == "gguf" && words.size() == 4)
    export_gguf(words);
  else if (what == "load" && words.size() == 2)
    load(words);
  else
    throw base::UsageError(
        "file_probe copy FROM TO | copy-folder FROM TO BYTES | judge FILE... | load FILE | "
        "gguf FOLDER FILE TYPE");
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
