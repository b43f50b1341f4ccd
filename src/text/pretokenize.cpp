#include "text/pretokenize.h"

#include "text/unicode.h"

namespace text {
namespace {

// Where the run of characters of one class ends.
std::size_t run_end(std::string_view text, std::size_t at, CharacterClass wanted) {
  while (at < text.size()) {
    const CodePoint next = code_point_at(text, at);
    if (classify(next.value) != wanted) break;
    at += next.length;
  }
  return at;
}

// The length of the contraction that starts with an apostrophe at `at`, or 0.
std::size_t contraction_length(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at, 3);
  for (const std::string_view contraction : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
    if (rest.starts_with(contraction)) return contraction.size();
  return 0;
}

// \s+(?!\S)|\s+ : before a word, the run leaves its last space to what follows.
std::size_t space_end(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  std::size_t last = begin;  // where the run's last space starts
  while (end < text.size()) {
    const CodePoint next = code_point_at(text, end);
    if (classify(next.value) != CharacterClass::space) break;
    last = end;
    end += next.length;
  }
  return end == text.size() || last == begin ? end : last;
}

}  // namespace

std::size_t word_end(std::string_view text, std::size_t begin) {
  if (text[begin] == '\'') {
    if (const std::size_t length = contraction_length(text, begin)) return begin + length;
  }
  const std::size_t body = begin + (text[begin] == ' ' && begin + 1 < text.size() ? 1 : 0);
  const CharacterClass kind = classify(code_point_at(text, body).value);
  if (kind == CharacterClass::space) return space_end(text, begin);
  return run_end(text, body, kind);
}

}  // namespace text
