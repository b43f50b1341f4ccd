#include "text/added_tokens.h"

#include <algorithm>

#include "text/tokenizer_tables.h"
#include "text/unicode.h"

namespace text {
namespace {

LongestMatch make_matcher(const std::vector<std::string>& patterns) {
  std::vector<std::pair<std::string, int>> words;
  for (std::size_t i = 0; i < patterns.size(); ++i)
    words.emplace_back(patterns[i], static_cast<int>(i));
  return LongestMatch(words);
}

// The character that ends before byte `end`, which is above 0.
CodePoint code_point_before(std::string_view text, std::size_t end) {
  for (std::size_t length = std::min<std::size_t>(end, 4); length > 1; --length) {
    const CodePoint found = code_point_at(text.substr(0, end), end - length);
    if (found.value != kInvalid && found.length == length) return found;
  }
  return code_point_at(text.substr(0, end), end - 1);
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  const auto is_word = [](CodePoint c) {
    return tables::contains(tables::kWordCharacters, c.value);
  };
  return (begin == 0 || !is_word(code_point_before(text, begin))) &&
         (end == text.size() || !is_word(code_point_at(text, end)));
}

// Where the white space that ends at `end` begins, but not before `from`.
std::size_t spaces_before(std::string_view text, std::size_t from, std::size_t end) {
  while (end > from) {
    const CodePoint last = code_point_before(text, end);
    if (classify(last.value) != CharacterClass::space) break;
    end -= last.length;
  }
  return end;
}

std::size_t spaces_after(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const CodePoint next = code_point_at(text, at);
    if (classify(next.value) != CharacterClass::space) break;
    at += next.length;
  }
  return at;
}

}  // namespace

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens,
                                   const std::vector<std::string>& patterns)
    : tokens_(std::move(tokens)), matcher_(make_matcher(patterns)) {}

std::vector<AddedPiece> AddedTokenFinder::cut(std::string_view text) const {
  std::vector<AddedPiece> out;
  std::size_t done = 0;          // the text before is in `out`
  std::size_t spaces_begin = 0;  // the white space found last, so that it is not walked twice
  std::size_t spaces_end = 0;
  for (std::size_t at = 0; at < text.size() && !tokens_.empty();) {
    const LongestMatch::Match match = matcher_.match(text, at);
    if (match.length == 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[match.id];
    std::size_t begin = at, end = at + match.length;
    at = end;
    if (token.single_word && !stands_alone(text, begin, end)) continue;
    if (token.lstrip) begin = std::max(spaces_before(text, std::min(done, begin), begin), done);
    if (token.rstrip) {
      if (end < spaces_begin || end >= spaces_end) {
        spaces_begin = end;
        spaces_end = spaces_after(text, end);
      }
      end = spaces_end;
    }
    if (done < begin) out.push_back({done, begin, -1});
    out.push_back({begin, end, token.id});
    done = end;
  }
  if (done < text.size()) out.push_back({done, text.size(), -1});
  return out;
}

}  // namespace text
