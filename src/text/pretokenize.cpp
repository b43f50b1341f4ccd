#include "text/pretokenize.h"

#include <span>
#include <string>

#include "text/tokenizer_tables.h"
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

std::size_t gpt2_word_end(std::string_view text, std::size_t begin) {
  if (text[begin] == '\'') {
    if (const std::size_t length = contraction_length(text, begin)) return begin + length;
  }
  const std::size_t body = begin + (text[begin] == ' ' && begin + 1 < text.size() ? 1 : 0);
  const CharacterClass kind = classify(code_point_at(text, body).value);
  if (kind == CharacterClass::space) return space_end(text, begin);
  return run_end(text, body, kind);
}

// contraction_length in any letter case: U+017F, the long s, is an "s" too.
std::size_t any_contraction_length(std::string_view text, std::size_t at) {
  if (text.substr(at, 3) == "'\u017F") return 3;
  std::string lower(text.substr(at, 3));
  for (char& byte : lower)
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte + 32);
  return contraction_length(lower, 0);
}

bool is_newline(char32_t code_point) { return code_point == '\r' || code_point == '\n'; }

// \s*[\r\n]+|\s+(?!\S)|\s+ : a run of spaces is cut after its last line end.
std::size_t line_space_end(std::string_view text, std::size_t begin) {
  std::size_t newline_end = begin;
  for (std::size_t at = begin; at < text.size();) {
    const CodePoint next = code_point_at(text, at);
    if (classify(next.value) != CharacterClass::space) break;
    at += next.length;
    if (is_newline(next.value)) newline_end = at;
  }
  return newline_end > begin ? newline_end : space_end(text, begin);
}

std::size_t digits_end(std::string_view text, std::size_t at, int at_most) {
  for (int i = 0; i < at_most && at < text.size(); ++i) {
    const CodePoint next = code_point_at(text, at);
    if (classify(next.value) != CharacterClass::number) break;
    at += next.length;
  }
  return at;
}

std::size_t llama3_word_end(std::string_view text, std::size_t begin, int digits) {
  if (text[begin] == '\'') {
    if (const std::size_t length = any_contraction_length(text, begin)) return begin + length;
  }
  const CodePoint first = code_point_at(text, begin);
  const CharacterClass kind = classify(first.value);
  if (kind == CharacterClass::letter) return run_end(text, begin, kind);
  if (kind == CharacterClass::number) return digits_end(text, begin, digits);
  const std::size_t second = begin + first.length;
  const CharacterClass next =
      second < text.size() ? classify(code_point_at(text, second).value) : CharacterClass::space;
  if (next == CharacterClass::letter && !is_newline(first.value))
    return run_end(text, second, next);
  const bool after_space = first.value == ' ' && next == CharacterClass::other;
  if (kind == CharacterClass::space && !after_space) return line_space_end(text, begin);
  std::size_t end = run_end(text, after_space ? second : begin, CharacterClass::other);
  while (end < text.size() && is_newline(static_cast<unsigned char>(text[end]))) ++end;
  return end;
}

using Take = std::function<void(std::string_view word)>;

void cut_pieces(std::string_view text, std::span<const Cut> steps, const Take& take);

void cut_by_pattern(std::string_view text, WordPattern pattern, std::span<const Cut> rest,
                    const Take& take) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = word_end(text, begin, pattern);
    cut_pieces(text.substr(begin, end - begin), rest, take);
    begin = end;
  }
}

// What to do with a character: keep it with its neighbours of the same kind, set it apart, or leave
// it out.
enum class Role { plain, run, alone, gap };

template <class RoleOf>
void cut_by_character(std::string_view text, RoleOf&& role_of, std::span<const Cut> rest,
                      const Take& take) {
  std::size_t begin = 0;
  Role last = Role::gap;
  const auto hand_over = [&](std::size_t end) {
    if (end > begin && last != Role::gap) cut_pieces(text.substr(begin, end - begin), rest, take);
    begin = end;
  };
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint next = code_point_at(text, at);
    const Role role = role_of(next.value);
    if (role != last || role == Role::alone) hand_over(at);
    last = role;
    at += next.length;
  }
  hand_over(text.size());
}

Role digit_role(char32_t code_point) {
  return tables::contains(tables::kNumeric, code_point) ? Role::alone : Role::plain;
}

Role digit_run_role(char32_t code_point) {
  return tables::contains(tables::kNumeric, code_point) ? Role::run : Role::plain;
}

Role bert_role(char32_t code_point) {
  if (classify(code_point) == CharacterClass::space) return Role::gap;
  return tables::contains(tables::kPunctuation, code_point) ? Role::alone : Role::plain;
}

void cut_pieces(std::string_view text, std::span<const Cut> steps, const Take& take) {
  if (text.empty()) return;
  if (steps.empty()) return take(text);
  const std::span<const Cut> rest = steps.subspan(1);
  switch (steps.front()) {
    case Cut::gpt2:
      return cut_by_pattern(text, WordPattern::gpt2, rest, take);
    case Cut::llama3:
      return cut_by_pattern(text, WordPattern::llama3, rest, take);
    case Cut::qwen2:
      return cut_by_pattern(text, WordPattern::qwen2, rest, take);
    case Cut::prefix_space:
      if (text.front() == ' ') return cut_pieces(text, rest, take);
      return cut_pieces(" " + std::string(text), rest, take);
    case Cut::digits:
      return cut_by_character(text, digit_role, rest, take);
    case Cut::digit_runs:
      return cut_by_character(text, digit_run_role, rest, take);
    case Cut::bert:
      return cut_by_character(text, bert_role, rest, take);
  }
}

}  // namespace

std::size_t word_end(std::string_view text, std::size_t begin, WordPattern pattern) {
  switch (pattern) {
    case WordPattern::llama3:
      return llama3_word_end(text, begin, 3);
    case WordPattern::qwen2:
      return llama3_word_end(text, begin, 1);
    case WordPattern::gpt2:
      break;
  }
  return gpt2_word_end(text, begin);
}

void cut_words(std::string_view text, const std::vector<Cut>& steps,
               const std::function<void(std::string_view word)>& take) {
  cut_pieces(text, steps, take);
}

}  // namespace text
