#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dialogue/catalogue.h"
#include "dialogue/markup.h"
#include "text/tokenizer.h"

namespace train {

// The ids of a model for dialogues: the text vocabulary, then the special tokens of
// dialogue::Special, then one token an item, in the catalogue's order.
class DialogueTokens {
 public:
  // Adds special and item tokens to a tokenizer that has neither. An item's token reads
  // "<|item:ID|>".
  DialogueTokens(const text::Tokenizer& text, const dialogue::Catalogue& catalogue);

  // Finds them in a tokenizer that was saved with them. Throws base::Error(data), starting with
  // `where`, where it was not made for this catalogue.
  DialogueTokens(const text::Tokenizer& saved, const dialogue::Catalogue& catalogue,
                 const std::string& where);

  int size() const { return first_item_ + items_; }
  int text_size() const { return text_size_; }
  int items() const { return items_; }
  int special(dialogue::Special special) const { return text_size_ + static_cast<int>(special); }
  int item(int item) const { return first_item_ + item; }
  std::optional<int> item_of(int id) const;  // the item whose token this is
  bool is_text(int id) const { return id < text_size_; }

  // Ids 0 … word_rows()-1 are the words of a reply: the text vocabulary and <|end|>.
  int word_rows() const { return text_size_ + 1; }

  const text::Tokenizer& tokenizer() const { return tokenizer_; }

  std::vector<int> encode(const std::vector<dialogue::Piece>& pieces) const;
  std::vector<dialogue::Piece> decode(const std::vector<int>& ids) const;

  // The prompt for a state, in at most `room` tokens: where it is longer, the oldest turns are left
  // out, and of a single turn that is too long its beginning.
  std::vector<int> encode_prompt(const dialogue::State& state, int room) const;

 private:
  text::Tokenizer tokenizer_;
  int text_size_, first_item_, items_;
};

// What an item's token reads.
std::string item_token(const dialogue::Item& item);

}  // namespace train
