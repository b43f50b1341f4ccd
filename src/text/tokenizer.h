#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/rules.h"

namespace text {

// A vocabulary as data. Each id 0 … size - 1 is a token of the model's, an added token, or a hole,
// which no text gives.
struct Vocabulary {
  // By id. BPE: the bytes; WordPiece: the piece with its prefix; an added token's text; a hole: "".
  std::vector<std::string> tokens;
  std::vector<Merge> merges;      // of BPE, first applied first
  std::vector<AddedToken> added;  // by id
  Rules rules;
  bool operator==(const Vocabulary&) const = default;
};

// Text to token ids and back, as Hugging Face's tokenizers do it: byte-level BPE or WordPiece. A
// tokenizer never changes, and any number of threads may use it at once; a copy costs little.
class Tokenizer {
 public:
  // In BPE each byte has a token and no pair is merged twice; in WordPiece the unknown token is
  // there. Added tokens are not empty and differ from one another. Throws base::Error (internal)
  // otherwise: a reader of files checks before.
  explicit Tokenizer(Vocabulary vocabulary);

  // Added tokens that stand in the text are not looked for: "<|end|>" from a user is only text.
  // BPE without a normalizer takes any bytes, and decoding gives them back.
  std::vector<int> encode(std::string_view text) const;

  // An added token's text becomes its id (the leftmost first, the longest of several, by the
  // token's flags), the text between is encoded. `tokenizers`' encode without special tokens.
  std::vector<int> encode_with_added(std::string_view text) const;

  // encode_with_added for a model that reads: the special tokens of the post-processor around it,
  // the text's last tokens left out where all would be more than `longest`. Throws UsageError where
  // there is no room for the special tokens.
  std::vector<int> encode_for_model(std::string_view text, std::size_t longest) const;

  // BPE: the bytes, added tokens as their text. WordPiece: decode_for_people with every token.
  // Throws UsageError where an id is outside the vocabulary.
  std::string decode(std::span<const int> ids) const;

  enum class ControlTokens { keep, leave_out };
  // What `tokenizers` decodes: valid UTF-8, bytes that are not become U+FFFD. Ids that no token
  // has are left out.
  std::string decode_for_people(std::span<const int> ids, ControlTokens control) const;

  int size() const;  // the highest id and one; a model may have more rows

  // The id of a token (BPE: its exact bytes) or of an added token's text.
  std::optional<int> token_id(std::string_view token) const;

  // As Vocabulary::tokens. Throws UsageError where the id is outside the vocabulary.
  const std::string& token_text(int id) const;

  bool is_added(int id) const;
  const Vocabulary& vocabulary() const;

  // The JSON of a tokenizer_config.json for other programs, which attune only hands on; may be "".
  const std::string& settings() const { return settings_; }
  Tokenizer with_settings(std::string settings) const;

  // This tokenizer with more tokens at its end, ids from size() on. Throws UsageError where a text
  // is empty, not UTF-8, or a token already.
  Tokenizer with_added_tokens(const std::vector<std::string>& texts,
                              AddedKind kind = AddedKind::control) const;

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
  std::string settings_;
};

}  // namespace text
