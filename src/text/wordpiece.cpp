#include "text/wordpiece.h"

#include "base/error.h"
#include "text/unicode.h"

namespace text {
namespace {

using Tokens = std::vector<std::pair<std::string, int>>;

Tokens find_continuations(const Tokens& tokens, const std::string& prefix) {
  Tokens out;
  for (const auto& [text, id] : tokens)
    if (text.starts_with(prefix)) out.emplace_back(text.substr(prefix.size()), id);
  return out;
}

bool is_longer(std::string_view word, std::size_t characters) {
  for (std::size_t at = 0; at < word.size(); at += code_point_at(word, at).length)
    if (characters-- == 0) return true;
  return false;
}

}  // namespace

WordPiece::WordPiece(const Tokens& tokens, const WordPieceRules& rules)
    : beginnings_(tokens),
      continuations_(find_continuations(tokens, rules.continuing)),
      longest_word_(rules.longest_word) {
  for (const auto& [text, id] : tokens)
    if (text == rules.unknown) unknown_ = id;
  base::check(unknown_ >= 0, "the vocabulary has no token ", rules.unknown);
}

WordPieces WordPiece::split(std::string_view word) const {
  WordPieces out;
  if (is_longer(word, longest_word_)) {
    out.ids = {unknown_};
    return out;
  }
  for (std::size_t at = 0; at < word.size();) {
    const auto match = (at == 0 ? beginnings_ : continuations_).match(word, at);
    out.steps += static_cast<std::int64_t>(match.steps);
    if (match.length == 0) {
      out.ids = {unknown_};
      break;
    }
    out.ids.push_back(match.id);
    at += match.length;
  }
  return out;
}

}  // namespace text
