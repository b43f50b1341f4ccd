#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace text {

// The classes of the regular expressions by which Hugging Face's tokenizers cut text, and the
// letter case of Unicode 14. Both are pinned in tables that tools/write_unicode_tables.py writes.
enum class CharacterClass : std::uint8_t {
  other,
  letter,  // \p{L}
  number,  // \p{N}
  space,   // \s, the property White_Space (U+180E is not in it)
};

CharacterClass classify(char32_t code_point);

// Stands for a byte that is not part of valid UTF-8. Its class is `other`.
inline constexpr char32_t kInvalid = 0xFFFFFFFF;

struct CodePoint {
  char32_t value;      // or kInvalid
  std::size_t length;  // bytes; 1 where invalid
};

// The code point that starts at byte `at`, which is below text.size(). Overlong forms, surrogates
// and values above U+10FFFF are invalid.
CodePoint code_point_at(std::string_view text, std::size_t at);

// `code_point` is at most U+10FFFF.
std::string to_utf8(char32_t code_point);

bool is_utf8(std::string_view text);

// The text with U+FFFD for each stretch that is no UTF-8: as many bytes at a time as could have
// begun one character (as Python and Rust do).
std::string replace_invalid(std::string_view text);

// Simple lower case, one code point for one; what is not valid UTF-8 stays as it is. Differs from
// Python's str.lower in the final sigma and in U+0130 only.
std::string to_lower(std::string_view text);

// True where there is a cased letter and no cased letter is lower or title case; str.isupper in
// Python.
bool is_upper(std::string_view text);

// The pieces between white space, none of them empty; str.split in Python, which counts U+001C to
// U+001F as white space too. They point into `text`.
std::vector<std::string_view> split_whitespace(std::string_view text);

}  // namespace text
