#include "train/tokens.h"

#include "base/error.h"
#include "text/unicode.h"

namespace train {
namespace {

// Markup or items that are there already would be two things at once.
const text::Tokenizer& without_markup(const text::Tokenizer& text,
                                      const std::vector<std::string>& added) {
  for (const std::string& token : added)
    if (text.token_id(token))
      throw base::Error(base::ErrorKind::data,
                        base::concatenate("the tokenizer to start from has the token ", token,
                                          " already: it may be of a trained recommender; start "
                                          "from the model that that was made from"));
  return text;
}

std::vector<std::string> added_texts(const dialogue::Catalogue& catalogue) {
  std::vector<std::string> texts;
  for (int i = 0; i < dialogue::kSpecialCount; ++i)
    texts.emplace_back(dialogue::special_name(static_cast<dialogue::Special>(i)));
  for (const dialogue::Item& item : catalogue.items()) texts.push_back(item_token(item));
  return texts;
}

// A model may write part of a character, or end within one: such bytes become U+FFFD.
std::string whole_characters(const std::string& bytes) {
  if (text::is_utf8(bytes)) return bytes;
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    const text::CodePoint code_point = text::code_point_at(bytes, at);
    out += code_point.value == text::kInvalid ? "\uFFFD" : bytes.substr(at, code_point.length);
    at += code_point.length;
  }
  return out;
}

}  // namespace

std::string item_token(const dialogue::Item& item) { return "<|item:" + item.id + "|>"; }

DialogueTokens::DialogueTokens(const text::Tokenizer& text, const dialogue::Catalogue& catalogue)
    : tokenizer_(
          without_markup(text, added_texts(catalogue)).with_added_tokens(added_texts(catalogue))),
      text_size_(text.size()),
      first_item_(text.size() + dialogue::kSpecialCount),
      items_(catalogue.size()) {}

DialogueTokens::DialogueTokens(const text::Tokenizer& saved, const dialogue::Catalogue& catalogue,
                               const std::string& where)
    : tokenizer_(saved), text_size_(0), first_item_(0), items_(catalogue.size()) {
  const std::optional<int> first = saved.token_id(dialogue::special_name(dialogue::Special{}));
  const std::vector<std::string> expected = added_texts(catalogue);
  if (!first || saved.size() != *first + static_cast<int>(expected.size()))
    throw base::Error(base::ErrorKind::data,
                      base::concatenate(where, ": a tokenizer of ", saved.size(),
                                        " tokens does not fit a catalogue of ", catalogue.size(),
                                        " items; make the tokenizer anew for this data"));
  text_size_ = *first;
  first_item_ = *first + dialogue::kSpecialCount;
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (saved.token_text(*first + static_cast<int>(i)) != expected[i])
      throw base::Error(base::ErrorKind::data,
                        base::concatenate(where, ": token ", *first + static_cast<int>(i), " is ",
                                          saved.token_text(*first + static_cast<int>(i)),
                                          ", expected ", expected[i]));
}

std::optional<int> DialogueTokens::item_of(int id) const {
  return id >= first_item_ && id < size() ? std::optional<int>(id - first_item_) : std::nullopt;
}

std::vector<int> DialogueTokens::encode(const std::vector<dialogue::Piece>& pieces) const {
  std::vector<int> ids;
  for (const dialogue::Piece& piece : pieces) {
    switch (piece.kind) {
      case dialogue::Piece::Kind::special:
        ids.push_back(special(piece.special));
        break;
      case dialogue::Piece::Kind::item:
        ids.push_back(item(piece.item));
        break;
      case dialogue::Piece::Kind::words:
        for (int id : tokenizer_.encode(piece.words)) ids.push_back(id);
        break;
    }
  }
  return ids;
}

std::vector<dialogue::Piece> DialogueTokens::decode(const std::vector<int>& ids) const {
  std::vector<dialogue::Piece> pieces;
  std::vector<int> words;
  const auto flush = [&] {
    if (words.empty()) return;
    dialogue::Piece piece;
    piece.words = whole_characters(tokenizer_.decode(words));
    pieces.push_back(std::move(piece));
    words.clear();
  };
  for (int id : ids) {
    if (is_text(id)) {
      words.push_back(id);
      continue;
    }
    flush();
    dialogue::Piece piece;
    if (const std::optional<int> item = item_of(id)) {
      piece.kind = dialogue::Piece::Kind::item;
      piece.item = *item;
    } else {
      piece.kind = dialogue::Piece::Kind::special;
      piece.special = static_cast<dialogue::Special>(id - text_size_);
    }
    pieces.push_back(std::move(piece));
  }
  flush();
  return pieces;
}

std::vector<int> DialogueTokens::encode_prompt(const dialogue::State& state, int room) const {
  base::check(room > 0, "encode_prompt: no room");
  dialogue::State fitting = state;
  std::vector<int> ids = encode(dialogue::render_prompt(fitting));
  while (static_cast<int>(ids.size()) > room && fitting.window.size() > 1) {
    fitting.window.erase(fitting.window.begin());
    ids = encode(dialogue::render_prompt(fitting));
  }
  if (static_cast<int>(ids.size()) > room) ids.erase(ids.begin(), ids.end() - room);
  return ids;
}

}  // namespace train
