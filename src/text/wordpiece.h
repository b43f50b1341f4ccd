#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/longest_match.h"

namespace text {

struct WordPieceRules {
  std::string unknown = "[UNK]";   // stands for a word that has no pieces
  std::string continuing = "##";   // starts the tokens that go on with a word
  std::size_t longest_word = 100;  // characters; a longer word is unknown
  bool operator==(const WordPieceRules&) const = default;
};

struct WordPieces {
  std::vector<int> ids;
  std::int64_t steps = 0;  // bytes looked at: at most those of the longest token for each byte
};

// BERT's way to make a word of pieces (Schuster and Nakajima 2012): the longest token that begins
// it, then the longest that goes on, to the end; the unknown token where that fails.
class WordPiece {
 public:
  // tokens: text and id, each text once; one of them is rules.unknown.
  WordPiece(const std::vector<std::pair<std::string, int>>& tokens, const WordPieceRules& rules);

  WordPieces split(std::string_view word) const;

 private:
  LongestMatch beginnings_;
  LongestMatch continuations_;  // without their prefix
  std::size_t longest_word_;
  int unknown_ = -1;
};

}  // namespace text
