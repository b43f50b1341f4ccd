#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "text/longest_match.h"

namespace text {

// How other programs treat a token that was added to a vocabulary.
enum class AddedKind {
  control,  // "special": left out where they decode for people
  word,     // kept: an item
};

// A token that was not made by the model of the text: markup, an item, GPT-2's end of text.
struct AddedToken {
  std::string text;  // valid UTF-8, not empty
  int id;
  AddedKind kind = AddedKind::control;
  bool single_word = false;  // not where a letter, mark, digit or "_" stands beside it
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // takes the white space after it along
  bool normalized = false;   // is looked for after the text was normalised, itself normalised
  bool in_model = false;     // the model may make it too, out of ordinary text
  bool operator==(const AddedToken&) const = default;
};

// A stretch of a text: an added token's, or one between them.
struct AddedPiece {
  std::size_t begin, end;
  int id;  // or -1: ordinary text
};

// Finds added tokens in a text.
class AddedTokenFinder {
 public:
  // `patterns`: what to look for, one for each token; an empty one is never found.
  AddedTokenFinder(std::vector<AddedToken> tokens, const std::vector<std::string>& patterns);

  // The text cut at its added tokens: the leftmost first, the longest of several. Pieces of
  // ordinary text are not empty. White space that two tokens take along goes to the first.
  std::vector<AddedPiece> cut(std::string_view text) const;

  bool empty() const { return tokens_.empty(); }

 private:
  std::vector<AddedToken> tokens_;
  LongestMatch matcher_;  // gives places in tokens_
};

}  // namespace text
