#include "text/unicode.h"

#include "text/tokenizer_tables.h"
#include "text/unicode_tables.h"

namespace text {
namespace {

constexpr std::size_t kTableSize = 0x10000;  // the basic plane is looked up, the rest is searched

CharacterClass search_class(char32_t code_point) {
  if (tables::contains(tables::kLetters, code_point)) return CharacterClass::letter;
  if (tables::contains(tables::kNumbers, code_point)) return CharacterClass::number;
  if (tables::contains(tables::kSpaces, code_point)) return CharacterClass::space;
  return CharacterClass::other;
}

std::vector<CharacterClass> build_table() {
  std::vector<CharacterClass> out(kTableSize);
  for (char32_t code_point = 0; code_point < kTableSize; ++code_point)
    out[code_point] = search_class(code_point);
  return out;
}

bool is_continuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

// How many bytes from `at` on could have begun one character, at least 1: what Unicode calls the
// maximal part of an ill-formed sequence.
std::size_t broken_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t offset) {
    return at + offset < text.size() ? static_cast<unsigned char>(text[at + offset]) : 0u;
  };
  const unsigned first = byte(0), second = byte(1);
  const bool three = first >= 0xE0 && first < 0xF0, four = first >= 0xF0 && first < 0xF5;
  const unsigned lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if ((!three && !four) || second < lowest || second > highest) return 1;
  return four && is_continuation(byte(2)) ? 3 : 2;
}

bool splits_words(char32_t code_point) {
  return classify(code_point) == CharacterClass::space ||
         (code_point >= 0x1C && code_point <= 0x1F);
}

}  // namespace

CharacterClass classify(char32_t code_point) {
  static const std::vector<CharacterClass> table = build_table();
  if (code_point < kTableSize) return table[code_point];
  return search_class(code_point);
}

CodePoint code_point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t offset) {
    return at + offset < text.size() ? static_cast<unsigned char>(text[at + offset]) : 0u;
  };
  const char32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first >= 0xC2 && first < 0xE0 && is_continuation(byte(1)))
    return {(first & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (first >= 0xE0 && first < 0xF0 && is_continuation(byte(1)) && is_continuation(byte(2))) {
    const char32_t value = (first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    if (value >= 0x800 && (value < 0xD800 || value > 0xDFFF)) return {value, 3};
  }
  if (first >= 0xF0 && first < 0xF5 && is_continuation(byte(1)) && is_continuation(byte(2)) &&
      is_continuation(byte(3))) {
    const char32_t value =
        (first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    if (value >= 0x10000 && value <= 0x10FFFF) return {value, 4};
  }
  return {kInvalid, 1};
}

std::string to_utf8(char32_t code_point) {
  const auto tail = [&](int shift) {
    return static_cast<char>(0x80 | ((code_point >> shift) & 0x3F));
  };
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  if (code_point < 0x800) return {static_cast<char>(0xC0 | code_point >> 6), tail(0)};
  if (code_point < 0x10000) return {static_cast<char>(0xE0 | code_point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | code_point >> 18), tail(12), tail(6), tail(0)};
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint next = code_point_at(text, at);
    if (next.value == kInvalid) return false;
    at += next.length;
  }
  return true;
}

std::string replace_invalid(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint next = code_point_at(text, at);
    if (next.value != kInvalid) {
      out += text.substr(at, next.length);
      at += next.length;
    } else {
      out += "\uFFFD";
      at += broken_length(text, at);
    }
  }
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint next = code_point_at(text, at);
    if (next.value == kInvalid)
      out += text[at];
    else if (next.value < 0x80)
      out += next.value >= 'A' && next.value <= 'Z' ? static_cast<char>(next.value + 32) : text[at];
    else
      out += to_utf8(tables::lower_case(tables::kLower, next.value));
    at += next.length;
  }
  return out;
}

bool is_upper(std::string_view text) {
  bool found = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint next = code_point_at(text, at);
    if (tables::contains(tables::kOtherCased, next.value)) return false;
    if (tables::contains(tables::kUpper, next.value)) found = true;
    at += next.length;
  }
  return found;
}

std::vector<std::string_view> split_whitespace(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint next = code_point_at(text, at);
    if (splits_words(next.value)) {
      if (at > begin) out.push_back(text.substr(begin, at - begin));
      begin = at + next.length;
    }
    at += next.length;
  }
  if (begin < text.size()) out.push_back(text.substr(begin));
  return out;
}

}  // namespace text
