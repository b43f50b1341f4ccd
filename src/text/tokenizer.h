#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/bpe.h"

namespace text {

// A vocabulary as data. Together the text tokens and the added tokens have the ids 0 … size - 1,
// each once.
struct Vocabulary {
  std::vector<std::string> tokens;  // the bytes of each id's token; an added token's text
  std::vector<Merge> merges;        // first applied first
  std::vector<AddedToken> added;    // by id
  bool operator==(const Vocabulary&) const = default;
};

// Byte-level BPE as GPT-2 does it. Any bytes can be encoded, and decoding gives them back. A
// tokenizer never changes, and any number of threads may use it at once; a copy costs little.
class Tokenizer {
 public:
  // Each byte has a token, no pair is merged twice, added tokens are not empty and differ from one
  // another. Throws base::Error (internal) otherwise: a reader of files checks before.
  explicit Tokenizer(Vocabulary vocabulary);

  // Added tokens that stand in the text are not looked for: "<|end|>" from a user is only text.
  std::vector<int> encode(std::string_view text) const;

  // An added token's text becomes its id (the leftmost first, the longest of several), the text
  // between is encoded.
  std::vector<int> encode_with_added(std::string_view text) const;

  // The bytes, added tokens as their text. Throws UsageError where an id is outside the vocabulary.
  std::string decode(std::span<const int> ids) const;

  int size() const;  // text tokens and added tokens

  // The id of a token's exact bytes or of an added token's text.
  std::optional<int> token_id(std::string_view token) const;

  // The token's bytes (which may be part of a character) or the added token's text. Throws
  // UsageError where there is no such id.
  const std::string& token_text(int id) const;

  bool is_added(int id) const;
  const Vocabulary& vocabulary() const;

  // This tokenizer with more tokens at its end, ids from size() on. Throws UsageError where a text
  // is empty, not UTF-8, or an added token already.
  Tokenizer with_added_tokens(const std::vector<std::string>& texts,
                              AddedKind kind = AddedKind::control) const;

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
};

}  // namespace text
