#include "text/tokenizer.h"

#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "text/pretokenize.h"
#include "text/unicode.h"

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

std::vector<int> find_byte_ids(const Vocabulary& vocabulary, const std::vector<char>& is_added) {
  std::vector<int> out(256, -1);
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string& token = vocabulary.tokens[id];
    if (token.size() == 1 && !is_added[id])
      out[static_cast<unsigned char>(token[0])] = static_cast<int>(id);
  }
  for (int byte = 0; byte < 256; ++byte)
    base::check(out[byte] >= 0, "the vocabulary has no token for byte ", byte);
  return out;
}

std::vector<char> flag_added(const Vocabulary& vocabulary) {
  std::vector<char> out(vocabulary.tokens.size(), 0);
  std::unordered_set<std::string_view> seen;
  for (const AddedToken& token : vocabulary.added) {
    base::check(token.id >= 0 && token.id < static_cast<int>(out.size()) && !out[token.id] &&
                    vocabulary.tokens[token.id] == token.text,
                "added token ", token.text, " does not fit its id ", token.id);
    base::check(!token.text.empty() && seen.insert(token.text).second, "added token ", token.text,
                " is empty or there twice");
    out[token.id] = 1;
  }
  return out;
}

}  // namespace

struct Tokenizer::Parts {
  explicit Parts(Vocabulary given)
      : vocabulary(std::move(given)),
        is_added(flag_added(vocabulary)),
        bpe(find_byte_ids(vocabulary, is_added), vocabulary.merges),
        finder(vocabulary.added) {
    for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
      if (!is_added[id]) ids.emplace(vocabulary.tokens[id], static_cast<int>(id));
    for (const AddedToken& token : vocabulary.added) ids[token.text] = token.id;
  }

  void encode_text(std::string_view text, std::vector<int>& out) const;
  void encode_words(std::string_view text, TextMap<std::vector<int>>* known,
                    std::vector<int>& out) const;

  Vocabulary vocabulary;
  std::vector<char> is_added;  // by id
  TextMap<int> ids;
  Bpe bpe;
  AddedTokenFinder finder;
  mutable WordCache cache;
};

void Tokenizer::Parts::encode_words(std::string_view text, TextMap<std::vector<int>>* known,
                                    std::vector<int>& out) const {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = word_end(text, begin);
    const std::string_view word = text.substr(begin, end - begin);
    begin = end;
    if (known != nullptr) {
      if (const auto found = known->find(word); found != known->end()) {
        out.insert(out.end(), found->second.begin(), found->second.end());
        continue;
      }
    }
    std::vector<int> ids = bpe.merge(word).ids;
    out.insert(out.end(), ids.begin(), ids.end());
    if (known == nullptr || word.size() > WordCache::kWordBytes) continue;
    if (known->size() >= WordCache::kWords) known->clear();
    known->emplace(word, std::move(ids));
  }
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
  parts_->encode_text(text, out);
  return out;
}

std::vector<int> Tokenizer::encode_with_added(std::string_view text) const {
  std::vector<int> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto match = parts_->finder.find(text, at);
    parts_->encode_text(text.substr(at, match.begin - at), out);
    if (match.length > 0) out.push_back(match.id);
    at = match.begin + match.length;
  }
  return out;
}

std::string Tokenizer::decode(std::span<const int> ids) const {
  std::string out;
  for (const int id : ids) out += token_text(id);
  return out;
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

bool Tokenizer::is_added(int id) const { return id >= 0 && id < size() && parts_->is_added[id]; }

const Vocabulary& Tokenizer::vocabulary() const { return parts_->vocabulary; }

Tokenizer Tokenizer::with_added_tokens(const std::vector<std::string>& texts,
                                       AddedKind kind) const {
  Vocabulary vocabulary = parts_->vocabulary;
  std::unordered_set<std::string> there;
  for (const AddedToken& token : vocabulary.added) there.insert(token.text);
  for (const std::string& text : texts) {
    if (text.empty() || !is_utf8(text))
      throw base::UsageError("a token to add is ", text.empty() ? "empty" : "not UTF-8",
                             ", expected text");
    if (!there.insert(text).second)
      throw base::UsageError("the token \"", text, "\" is added twice");
    vocabulary.added.push_back({text, static_cast<int>(vocabulary.tokens.size()), kind});
    vocabulary.tokens.push_back(text);
  }
  return Tokenizer(std::move(vocabulary));
}

}  // namespace text
