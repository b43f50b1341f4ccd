#include "text/normal_form.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "text/tokenizer_tables.h"
#include "text/unicode.h"

namespace text {
namespace {

// Hangul syllables are counted out, not listed (The Unicode Standard, section 3.12).
constexpr char32_t kSyllables = 0xAC00, kLeading = 0x1100, kVowels = 0x1161, kTrailing = 0x11A7;
constexpr char32_t kLeadingCount = 19, kVowelCount = 21, kTrailingCount = 28;
constexpr char32_t kSyllableCount = kLeadingCount * kVowelCount * kTrailingCount;

constexpr char32_t kFirstDecomposed = 0xC0;  // all before are their own decomposition
constexpr char32_t kFirstMark = 0x300;       // all before are of class 0, and compose with nothing
constexpr char32_t kByte = 0x110000;         // kByte + b stands for an invalid byte b

struct Character {
  char32_t value;
  int combining_class;
};

int combining_class(char32_t code_point) {
  // The table is ordered by class; a character is in one run only.
  static const std::vector<tables::ClassRun> runs = [] {
    std::vector<tables::ClassRun> out(std::begin(tables::kCombiningClasses),
                                      std::end(tables::kCombiningClasses));
    std::ranges::sort(out, {}, &tables::ClassRun::first);
    return out;
  }();
  if (code_point < kFirstMark) return 0;
  const auto after = std::ranges::upper_bound(runs, code_point, {}, &tables::ClassRun::first);
  if (after == runs.begin() || code_point > std::prev(after)->last) return 0;
  return std::prev(after)->value;
}

void append_decomposed(char32_t code_point, std::vector<Character>& out) {
  if (code_point >= kSyllables && code_point < kSyllables + kSyllableCount) {
    const char32_t index = code_point - kSyllables, trailing = index % kTrailingCount;
    out.push_back({kLeading + index / (kVowelCount * kTrailingCount), 0});
    out.push_back({kVowels + index / kTrailingCount % kVowelCount, 0});
    if (trailing != 0) out.push_back({kTrailing + trailing, 0});
    return;
  }
  if (code_point >= kFirstDecomposed) {
    const auto* found = std::ranges::lower_bound(tables::kDecompositions, code_point, {},
                                                 &tables::Decomposition::code_point);
    if (found != std::end(tables::kDecompositions) && found->code_point == code_point) {
      for (const char32_t part : found->into)
        if (part != 0) out.push_back({part, combining_class(part)});
      return;
    }
  }
  out.push_back({code_point, combining_class(code_point)});
}

// Decomposed, each run of marks sorted by class.
std::vector<Character> decompose(std::string_view text) {
  std::vector<Character> out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint next = code_point_at(text, at);
    if (next.value == kInvalid)
      out.push_back({kByte + static_cast<unsigned char>(text[at]), 0});
    else
      append_decomposed(next.value, out);
    at += next.length;
  }
  for (auto begin = out.begin(); begin != out.end();) {
    const auto is_starter = [](const Character& c) { return c.combining_class == 0; };
    begin = std::find_if_not(begin, out.end(), is_starter);
    const auto end = std::find_if(begin, out.end(), is_starter);
    std::ranges::stable_sort(begin, end, {}, &Character::combining_class);
    begin = end;
  }
  return out;
}

// What two characters become, or 0.
char32_t compose_pair(char32_t first, char32_t second) {
  if (first >= kLeading && first < kLeading + kLeadingCount && second >= kVowels &&
      second < kVowels + kVowelCount)
    return kSyllables + ((first - kLeading) * kVowelCount + (second - kVowels)) * kTrailingCount;
  if (first >= kSyllables && first < kSyllables + kSyllableCount &&
      (first - kSyllables) % kTrailingCount == 0 && second > kTrailing &&
      second < kTrailing + kTrailingCount)
    return first + (second - kTrailing);
  if (second < kFirstMark) return 0;
  const auto key = [](const tables::Composition& row) { return std::pair(row.first, row.second); };
  const auto* found =
      std::ranges::lower_bound(tables::kCompositions, std::pair(first, second), {}, key);
  if (found == std::end(tables::kCompositions) || key(*found) != std::pair(first, second)) return 0;
  return found->result;
}

void compose(std::vector<Character>& text) {
  constexpr std::size_t kNone = -1;
  std::size_t to = 0, starter = kNone;  // text[0 … to) is done; the starter is the last of class 0
  for (const Character& next : text) {
    // A mark is blocked by a mark of its own class or above between it and the starter; a starter
    // by anything between.
    const bool adjacent = starter != kNone && to == starter + 1;
    if (starter != kNone && (adjacent || text[to - 1].combining_class < next.combining_class)) {
      if (const char32_t both = compose_pair(text[starter].value, next.value)) {
        text[starter].value = both;
        continue;
      }
    }
    if (next.combining_class == 0) starter = to;
    text[to++] = next;
  }
  text.resize(to);
}

std::string write(const std::vector<Character>& text) {
  std::string out;
  out.reserve(text.size());
  for (const Character& next : text) {
    if (next.value >= kByte)
      out += static_cast<char>(next.value - kByte);
    else if (next.value < 0x80)
      out += static_cast<char>(next.value);
    else
      out += to_utf8(next.value);
  }
  return out;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char byte) { return (byte & 0x80) == 0; });
}

}  // namespace

std::string to_nfd(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  return write(decompose(text));
}

std::string to_nfc(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  std::vector<Character> characters = decompose(text);
  compose(characters);
  return write(characters);
}

}  // namespace text
