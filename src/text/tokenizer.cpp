#include "text/tokenizer.h"

#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <variant>

#include "base/error.h"
#include "text/byte_alphabet.h"
#include "text/unicode.h"
#include "text/wordpiece.h"

namespace text {
namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
template <class T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

// Words that were merged before. Holds at most kWords of them, then starts again.
struct WordCache {
  static constexpr std::size_t kWords = 1 << 16;
  static constexpr std::size_t kWordBytes = 64;  // longer ones hardly come again
  std::mutex mutex;
  TextMap<std::vector<int>> words;
};

// What the vocabulary holds beside its tokens' texts, by id.
struct Origin {
  std::vector<char> is_added;
  std::vector<char> is_model;  // the model may make it
};

Origin find_origin(const Vocabulary& vocabulary) {
  const std::size_t size = vocabulary.tokens.size();
  Origin out{std::vector<char>(size, 0), std::vector<char>(size, 0)};
  for (std::size_t id = 0; id < size; ++id) out.is_model[id] = !vocabulary.tokens[id].empty();
  std::unordered_set<std::string_view> seen;
  for (const AddedToken& token : vocabulary.added) {
    base::check(token.id >= 0 && token.id < static_cast<int>(size) && !out.is_added[token.id] &&
                    (token.in_model || vocabulary.tokens[token.id] == token.text),
                "added token ", token.text, " does not fit its id ", token.id);
    base::check(!token.text.empty() && seen.insert(token.text).second, "added token ", token.text,
                " is empty or there twice");
    out.is_added[token.id] = 1;
    out.is_model[token.id] = token.in_model;
  }
  return out;
}

Bpe make_bpe(const Vocabulary& vocabulary, const Origin& origin) {
  std::vector<int> byte_ids(256, -1);
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string& token = vocabulary.tokens[id];
    if (token.size() == 1 && origin.is_model[id])
      byte_ids[static_cast<unsigned char>(token[0])] = static_cast<int>(id);
  }
  for (int byte = 0; byte < 256; ++byte)
    base::check(byte_ids[byte] >= 0, "the vocabulary has no token for byte ", byte);
  return Bpe(std::move(byte_ids), vocabulary.merges);
}

WordPiece make_wordpiece(const Vocabulary& vocabulary, const Origin& origin) {
  std::vector<std::pair<std::string, int>> tokens;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (origin.is_model[id]) tokens.emplace_back(vocabulary.tokens[id], static_cast<int>(id));
  return WordPiece(tokens, *vocabulary.rules.wordpiece);
}

// Makes the ids of a word.
class Model {
 public:
  Model(const Vocabulary& vocabulary, const Origin& origin) {
    if (vocabulary.rules.wordpiece)
      maker_ = make_wordpiece(vocabulary, origin);
    else
      maker_ = make_bpe(vocabulary, origin);
    if (!vocabulary.rules.whole_words_first) return;
    for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
      if (origin.is_model[id]) whole_words_.emplace(vocabulary.tokens[id], static_cast<int>(id));
  }

  std::vector<int> make(std::string_view word) const {
    if (const auto found = whole_words_.find(word); found != whole_words_.end())
      return {found->second};
    if (const auto* bpe = std::get_if<Bpe>(&maker_)) return bpe->merge(word).ids;
    return std::get<WordPiece>(maker_).split(word).ids;
  }

 private:
  std::variant<std::monostate, Bpe, WordPiece> maker_;
  TextMap<int> whole_words_;  // where the rules say whole_words_first
};

// The text that other programs show for an added token: as it is looked for.
std::string pattern_of(const AddedToken& token, const Rules& rules) {
  return token.normalized ? normalize(token.text, rules.normalizer) : token.text;
}

AddedTokenFinder make_finder(const Vocabulary& vocabulary, bool normalized) {
  std::vector<AddedToken> tokens;
  std::vector<std::string> patterns;
  for (const AddedToken& token : vocabulary.added) {
    if (token.normalized != normalized) continue;
    tokens.push_back(token);
    patterns.push_back(pattern_of(token, vocabulary.rules));
  }
  return AddedTokenFinder(std::move(tokens), patterns);
}

}  // namespace

struct Tokenizer::Parts {
  explicit Parts(Vocabulary given)
      : vocabulary(std::move(given)),
        origin(find_origin(vocabulary)),
        model(vocabulary, origin),
        plain_finder(make_finder(vocabulary, false)),
        normalized_finder(make_finder(vocabulary, true)) {
    for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
      if (origin.is_model[id]) ids.emplace(vocabulary.tokens[id], static_cast<int>(id));
    for (const AddedToken& token : vocabulary.added) {
      ids[token.text] = token.id;
      if (token.kind == AddedKind::control) control.insert(token.text);
      added_text[token.id] = pattern_of(token, vocabulary.rules);
    }
  }

  std::string normalized(std::string_view text) const {
    return normalize(text, vocabulary.rules.normalizer);
  }
  void encode_text(std::string_view text, std::vector<int>& out) const;
  void encode_words(std::string_view text, TextMap<std::vector<int>>* known,
                    std::vector<int>& out) const;

  Vocabulary vocabulary;
  Origin origin;
  TextMap<int> ids;
  std::unordered_set<std::string> control;          // the texts of control tokens
  std::unordered_map<int, std::string> added_text;  // what they are shown as
  Model model;
  AddedTokenFinder plain_finder;       // of tokens looked for in the text as it comes
  AddedTokenFinder normalized_finder;  // of those looked for once it is normalised
  mutable WordCache cache;
};

// The words of normalised text.
void Tokenizer::Parts::encode_words(std::string_view text, TextMap<std::vector<int>>* known,
                                    std::vector<int>& out) const {
  cut_words(text, vocabulary.rules.cuts, [&](std::string_view word) {
    if (known != nullptr) {
      if (const auto found = known->find(word); found != known->end()) {
        out.insert(out.end(), found->second.begin(), found->second.end());
        return;
      }
    }
    std::vector<int> made = model.make(word);
    out.insert(out.end(), made.begin(), made.end());
    if (known == nullptr || word.size() > WordCache::kWordBytes) return;
    if (known->size() >= WordCache::kWords) known->clear();
    known->emplace(word, std::move(made));
  });
}

void Tokenizer::Parts::encode_text(std::string_view text, std::vector<int>& out) const {
  // Whoever finds the cache in use works without it: the ids are the same.
  const std::unique_lock lock(cache.mutex, std::try_to_lock);
  encode_words(text, lock.owns_lock() ? &cache.words : nullptr, out);
}

Tokenizer::Tokenizer(Vocabulary vocabulary)
    : parts_(std::make_shared<const Parts>(std::move(vocabulary))) {}

std::vector<int> Tokenizer::encode(std::string_view text) const {
  std::vector<int> out;
  if (parts_->vocabulary.rules.normalizer.empty())
    parts_->encode_text(text, out);
  else
    parts_->encode_text(parts_->normalized(text), out);
  return out;
}

std::vector<int> Tokenizer::encode_with_added(std::string_view text) const {
  std::vector<int> out;
  for (const AddedPiece& outer : parts_->plain_finder.cut(text)) {
    if (outer.id >= 0) {
      out.push_back(outer.id);
      continue;
    }
    const std::string piece = parts_->normalized(text.substr(outer.begin, outer.end - outer.begin));
    for (const AddedPiece& inner : parts_->normalized_finder.cut(piece)) {
      if (inner.id >= 0)
        out.push_back(inner.id);
      else
        parts_->encode_text(std::string_view(piece).substr(inner.begin, inner.end - inner.begin),
                            out);
    }
  }
  return out;
}

std::vector<int> Tokenizer::encode_for_model(std::string_view text, std::size_t longest) const {
  const std::vector<int>& before = parts_->vocabulary.rules.before;
  const std::vector<int>& after = parts_->vocabulary.rules.after;
  const std::size_t around = before.size() + after.size();
  if (around > longest)
    throw base::UsageError("a text of at most ", longest, " tokens has no room for its ", around,
                           " special tokens");
  std::vector<int> out = encode_with_added(text);
  if (out.size() > longest - around) out.resize(longest - around);
  out.insert(out.begin(), before.begin(), before.end());
  out.insert(out.end(), after.begin(), after.end());
  return out;
}

std::string Tokenizer::decode(std::span<const int> ids) const {
  std::string out;
  for (const int id : ids) out += token_text(id);
  if (parts_->vocabulary.rules.wordpiece) return decode_for_people(ids, ControlTokens::keep);
  return out;
}

std::string Tokenizer::decode_for_people(std::span<const int> ids, ControlTokens control) const {
  const Rules& rules = parts_->vocabulary.rules;
  std::vector<std::string> tokens;
  for (const int id : ids) {
    if (id < 0 || id >= size() || token_text(id).empty()) continue;
    if (!is_added(id)) {
      tokens.push_back(token_text(id));
      continue;
    }
    const std::string& text = parts_->added_text.at(id);
    if (control == ControlTokens::leave_out && parts_->control.contains(text)) continue;
    // An added token whose characters all stand for bytes is decoded as those bytes.
    tokens.push_back(rules.wordpiece ? text : from_printable(text).value_or(text));
  }
  if (rules.wordpiece) return join_pieces(tokens, rules.decoder);
  std::string bytes;
  for (const std::string& token : tokens) bytes += token;
  return replace_invalid(bytes);
}

int Tokenizer::size() const { return static_cast<int>(parts_->vocabulary.tokens.size()); }

std::optional<int> Tokenizer::token_id(std::string_view token) const {
  const auto found = parts_->ids.find(token);
  if (found == parts_->ids.end()) return std::nullopt;
  return found->second;
}

const std::string& Tokenizer::token_text(int id) const {
  if (id < 0 || id >= size())
    throw base::UsageError("token id ", id, " is outside the vocabulary, expected 0 to ",
                           size() - 1);
  return parts_->vocabulary.tokens[id];
}

bool Tokenizer::is_added(int id) const {
  return id >= 0 && id < size() && parts_->origin.is_added[id];
}

const Vocabulary& Tokenizer::vocabulary() const { return parts_->vocabulary; }

Tokenizer Tokenizer::with_settings(std::string settings) const {
  Tokenizer out = *this;
  out.settings_ = std::move(settings);
  return out;
}

Tokenizer Tokenizer::with_added_tokens(const std::vector<std::string>& texts,
                                       AddedKind kind) const {
  Vocabulary vocabulary = parts_->vocabulary;
  // What the files of the vocabulary would call the model's tokens: other programs take a token
  // that is added under such a name for the model's.
  std::unordered_set<std::string> there;
  for (int id = 0; id < size(); ++id)
    if (parts_->origin.is_model[id])
      there.insert(vocabulary.rules.wordpiece ? vocabulary.tokens[id]
                                              : to_printable(vocabulary.tokens[id]));
  for (const AddedToken& token : vocabulary.added) there.insert(token.text);
  for (const std::string& text : texts) {
    if (text.empty() || !is_utf8(text))
      throw base::UsageError("a token to add is ", text.empty() ? "empty" : "not UTF-8",
                             ", expected text");
    if (!there.insert(text).second)
      throw base::UsageError("the token \"", text, "\" is added twice, or in the vocabulary");
    vocabulary.added.push_back({text, static_cast<int>(vocabulary.tokens.size()), kind});
    vocabulary.tokens.push_back(text);
  }
  return Tokenizer(std::move(vocabulary)).with_settings(settings_);
}

}  // namespace text
