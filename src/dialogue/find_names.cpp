#include "dialogue/find_names.h"

#include <algorithm>

#include "dialogue/html_entities.h"

namespace dialogue {
namespace {

// A word, or one mark that is neither of a word nor white space.
struct Token {
  std::string written;  // entities, apostrophes and quotation marks replaced by plain characters
  std::string folded;   // in lower case
  std::size_t begin = 0;
  std::size_t end = 0;
  bool is_word = false;
};

struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
};

// A damaged byte stands for itself: the text is looked through all the same.
Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  const char32_t first = byte(at);
  const std::size_t bytes = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (bytes == 1 || at + bytes > text.size()) return {first, 1};
  char32_t code = first & (0xFFu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return {first, 1};
    code = code << 6 | (byte(at + i) & 0x3F);
  }
  return {code, bytes};
}

void append(std::string& text, char32_t code) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

char32_t lower(char32_t c) {
  if (c >= 'A' && c <= 'Z') return c + 32;
  if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) ||
      (c >= 0x410 && c <= 0x42F))
    return c + 32;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  // Latin Extended-A: pairs, capital first; from U+0139 and U+0179 on the capital is the odd one.
  if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177)) return c | 1;
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return c + c % 2;
  return c;
}

// Apostrophes and quotation marks of any shape as the plain ones.
char32_t plain(char32_t c) {
  if ((c >= 0x2018 && c <= 0x201B) || c == '`' || c == 0xB4) return '\'';
  if (c >= 0x201C && c <= 0x201F) return '"';
  return c;
}

bool is_space(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || (c >= 0x2000 && c <= 0x200B) ||
         c == 0x202F || c == 0x3000 || c == 0xFEFF;
}

bool is_word(char32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
  const bool marks = (c <= 0xBF && c != 0xAA && c != 0xB5 && c != 0xBA) || c == 0xD7 || c == 0xF7 ||
                     (c >= 0x2000 && c <= 0x2BFF) || (c >= 0x3000 && c <= 0x303F) ||
                     (c >= 0xFE00 && c <= 0xFE0F) || c >= 0x1F000;
  return !marks;
}

std::vector<Token> cut(std::string_view text) {
  std::vector<Token> tokens;
  bool inside = false;  // the last token is a word that may go on
  for (std::size_t at = 0; at < text.size();) {
    Character character = character_at(text, at);
    if (const HtmlEntity* entity = html_entity_at(text, at))
      character = {static_cast<unsigned char>(entity->character), entity->written.size()};
    const char32_t code = plain(character.code);
    const bool word = is_word(code);
    if (!is_space(code)) {
      if (!word || !inside) tokens.push_back({"", "", at, at, word});
      append(tokens.back().written, code);
      append(tokens.back().folded, lower(code));
      tokens.back().end = at + character.bytes;
    }
    inside = word;
    at += character.bytes;
  }
  return tokens;
}

// The words as written, as they are compared where the case is to be exact.
std::string join(const std::vector<Token>& tokens, std::size_t begin, std::size_t end) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) text += tokens[i].written + ' ';
  return text;
}

std::size_t bytes(const FoundName& name) { return name.end - name.begin; }

// Of overlapping places the longest, then the first.
std::vector<FoundName> without_overlaps(std::vector<FoundName> found, std::size_t text_size) {
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return bytes(a) > bytes(b); });
  std::vector<bool> taken(text_size);
  std::vector<FoundName> kept;
  for (const FoundName& name : found) {
    // A longer place was taken before: it covers one of this one's ends wherever they overlap.
    if (taken[name.begin] || taken[name.end - 1]) continue;
    std::fill(taken.begin() + static_cast<std::ptrdiff_t>(name.begin),
              taken.begin() + static_cast<std::ptrdiff_t>(name.end), true);
    kept.push_back(name);
  }
  std::sort(kept.begin(), kept.end(),
            [](const auto& a, const auto& b) { return a.begin < b.begin; });
  return kept;
}

}  // namespace

NameFinder::NameFinder(const std::vector<Name>& names) : nodes_(1) {
  for (const Name& name : names) {
    const std::vector<Token> tokens = cut(name.words);
    if (std::none_of(tokens.begin(), tokens.end(), [](const Token& t) { return t.is_word; }))
      continue;
    int at = 0;
    for (const Token& token : tokens) {
      const int word = words_.emplace(token.folded, static_cast<int>(words_.size())).first->second;
      const auto [next, is_new] =
          nodes_[static_cast<std::size_t>(at)].next.emplace(word, static_cast<int>(nodes_.size()));
      at = next->second;
      if (is_new) nodes_.emplace_back();
    }
    std::vector<End>& ends = nodes_[static_cast<std::size_t>(at)].ends;
    if (name.letter_case == Name::Case::either)
      ends.push_back({name.id, ""});
    else
      ends.insert(
          std::find_if(ends.begin(), ends.end(), [](const End& e) { return e.exact.empty(); }),
          {name.id, join(tokens, 0, tokens.size())});
  }
}

std::vector<FoundName> NameFinder::find(std::string_view text) const {
  const std::vector<Token> tokens = cut(text);
  std::vector<int> words;
  for (const Token& token : tokens) {
    const auto known = words_.find(token.folded);
    words.push_back(known == words_.end() ? -1 : known->second);
  }
  std::vector<FoundName> found;
  for (std::size_t begin = 0; begin < tokens.size(); ++begin) {
    int at = 0;
    for (std::size_t i = begin; i < tokens.size(); ++i) {
      const Node& node = nodes_[static_cast<std::size_t>(at)];
      const auto next = node.next.find(words[i]);
      if (next == node.next.end()) break;
      at = next->second;
      for (const End& end : nodes_[static_cast<std::size_t>(at)].ends)
        if (end.exact.empty() || end.exact == join(tokens, begin, i + 1)) {
          found.push_back({end.id, tokens[begin].begin, tokens[i].end});
          break;
        }
    }
  }
  return without_overlaps(std::move(found), text.size());
}

}  // namespace dialogue
