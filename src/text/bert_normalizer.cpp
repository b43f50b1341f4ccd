#include "text/bert_normalizer.h"

#include "text/normal_form.h"
#include "text/tokenizer_tables.h"
#include "text/unicode.h"

namespace text {
namespace {

// The text with `change(code_point, bytes, out)` for each of its characters.
template <class Change>
std::string map_characters(std::string_view text, Change&& change) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint next = code_point_at(text, at);
    change(next.value, text.substr(at, next.length), out);
    at += next.length;
  }
  return out;
}

void clean(char32_t code_point, std::string_view bytes, std::string& out) {
  if (tables::contains(tables::kRemoved, code_point)) return;
  if (classify(code_point) == CharacterClass::space)
    out += ' ';
  else
    out += bytes;
}

void set_apart(char32_t code_point, std::string_view bytes, std::string& out) {
  if (!tables::contains(tables::kChinese, code_point)) {
    out += bytes;
    return;
  }
  out += ' ';
  out += bytes;
  out += ' ';
}

void strip(char32_t code_point, std::string_view bytes, std::string& out) {
  if (!tables::contains(tables::kAccents, code_point)) out += bytes;
}

void lower(char32_t code_point, std::string_view bytes, std::string& out) {
  if (code_point < 0x80)
    out += code_point >= 'A' && code_point <= 'Z' ? static_cast<char>(code_point + 32) : bytes[0];
  else if (code_point == kInvalid)
    out += bytes;
  else if (code_point == 0x130)
    out += "i\u0307";
  else
    out += to_utf8(tables::lower_case(tables::kLowerCharacters, code_point));
}

}  // namespace

std::string normalize(std::string_view text, const BertNormalizer& rules) {
  std::string out(text);
  if (rules.clean_text) out = map_characters(out, clean);
  if (rules.handle_chinese_chars) out = map_characters(out, set_apart);
  if (rules.strip_accents.value_or(rules.lowercase)) out = map_characters(to_nfd(out), strip);
  if (rules.lowercase) out = map_characters(out, lower);
  return out;
}

}  // namespace text
