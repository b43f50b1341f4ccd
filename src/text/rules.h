#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "text/bert_normalizer.h"
#include "text/pretokenize.h"
#include "text/wordpiece.h"

namespace text {

// Unicode's normal form C.
struct NfcNormalizer {
  bool operator==(const NfcNormalizer&) const = default;
};
using NormalizerStep = std::variant<NfcNormalizer, BertNormalizer>;

// How the pieces of WordPiece become text again.
struct WordPieceDecoder {
  std::string continuing = "##";  // a token that starts so goes on with the word before
  bool cleanup = true;            // no space before a full stop, "n't" and the like
  bool operator==(const WordPieceDecoder&) const = default;
};

// How a tokenizer makes ids of text, and text of ids, apart from its vocabulary. As it stands: the
// way of GPT-2.
struct Rules {
  std::vector<NormalizerStep> normalizer;  // done to text first, in this order
  std::vector<Cut> cuts = {Cut::gpt2};     // then it is cut into words
  bool whole_words_first = false;          // a word that is a token is not merged ("ignore_merges")
  std::optional<WordPieceRules> wordpiece;  // makes the words; nothing: merges of bytes
  std::vector<int> before, after;           // tokens that a model expects around a text
  WordPieceDecoder decoder;                 // where there is `wordpiece`
  std::string json;  // the parts of the tokenizer.json that says all this; empty: those of GPT-2
  bool operator==(const Rules&) const = default;
};

std::string normalize(std::string_view text, const std::vector<NormalizerStep>& steps);

// The text of WordPiece tokens.
std::string join_pieces(const std::vector<std::string>& tokens, const WordPieceDecoder& decoder);

}  // namespace text
