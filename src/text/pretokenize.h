#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

namespace text {

// The regular expressions by which text is cut into words before its model sees it. L, N and s are
// the classes of CharacterClass.
enum class WordPattern {
  // GPT-2 (Radford et al. 2019):
  //   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  gpt2,
  // Llama 3, and OpenAI's cl100k:
  //   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
  //    ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
  llama3,
  // The same with \p{N} in place of \p{N}{1,3}.
  qwen2,
};

// Where the word that starts at byte `begin` ends. begin < text.size(); the result is above
// `begin`, so that a loop cuts any bytes into words that together are the text. A byte that is not
// valid UTF-8 counts as one character that is neither letter, number nor space. The whole text
// costs a number of steps in proportion to its length.
std::size_t word_end(std::string_view text, std::size_t begin,
                     WordPattern pattern = WordPattern::gpt2);

// One step of a pre-tokenizer; each is done to every piece that the step before left.
enum class Cut {
  gpt2,          // the words of a WordPattern
  llama3,        //
  qwen2,         //
  prefix_space,  // a space is put before a piece that starts with none
  digits,        // each number character on its own
  digit_runs,    // numbers on their own
  bert,          // white space left out, each punctuation mark on its own
};

// Cuts the text by every step and hands over the words in order. None of them is empty.
void cut_words(std::string_view text, const std::vector<Cut>& steps,
               const std::function<void(std::string_view word)>& take);

}  // namespace text
