#include "text/vocabulary_source.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "text/byte_alphabet.h"

namespace text {
namespace {

using base::DataError;

constexpr std::size_t kMostHoles =
    65536;  // ids without a token, beyond as many as there are tokens

using Ids = std::unordered_map<std::string_view, int>;

// The vocabulary's ids by token, each id once.
Ids index_vocabulary(const VocabularySource& source) {
  Ids out;
  std::unordered_map<int, std::string_view> tokens;
  for (const auto& [token, id] : source.vocabulary) {
    if (token.empty())
      throw DataError(source.vocabulary_file, ": the token with id ", id, " is empty");
    if (!out.emplace(token, id).second)
      throw DataError(source.vocabulary_file, ": token \"", token, "\" is there twice");
    const auto [first, is_new] = tokens.emplace(id, token);
    if (!is_new)
      throw DataError(source.vocabulary_file, ": token \"", token, "\" has id ", id,
                      ", which another token has too: \"", first->second, "\"");
  }
  return out;
}

// Other programs number the added tokens that the vocabulary lacks from its size on, whatever ids
// the file gives: only where both agree do the ids mean the same everywhere.
void check_added(const VocabularySource& source, const Ids& ids) {
  std::unordered_set<std::string_view> texts;
  std::unordered_map<int, std::string_view> by_id;
  for (const auto& [token, id] : ids) by_id.emplace(id, token);
  int next = static_cast<int>(ids.size());
  for (const AddedToken& token : source.added) {
    if (token.text.empty()) throw DataError(source.added_file, ": an added token is empty");
    if (!texts.insert(token.text).second)
      throw DataError(source.added_file, ": the added token \"", token.text, "\" with id ",
                      token.id, " repeats another's text or id");
    if (const auto found = by_id.find(token.id);
        found != by_id.end() && found->second != token.text)
      throw DataError(source.added_file, ": the added token \"", token.text, "\" has id ", token.id,
                      ", which is \"", found->second, "\" in the vocabulary");
    const auto known = ids.find(token.text);
    const int expected = known == ids.end() ? next++ : known->second;
    if (token.id != expected)
      throw DataError(source.added_file, ": the added token \"", token.text, "\" has id ", token.id,
                      ", expected ", expected);
  }
}

// Places every token at its id; ids between that no token has stay empty.
std::vector<std::string> place_tokens(const VocabularySource& source) {
  int last = -1;
  for (const auto& [token, id] : source.vocabulary) last = std::max(last, id);
  for (const AddedToken& token : source.added) last = std::max(last, token.id);
  const std::size_t tokens = source.vocabulary.size() + source.added.size();
  if (static_cast<std::size_t>(last + 1) > 2 * tokens + kMostHoles)
    throw DataError(source.vocabulary_file, ": ids go up to ", last, ", expected 0 to ", tokens - 1,
                    " for ", tokens, " tokens");
  std::vector<std::string> out(last + 1);
  std::unordered_set<std::string_view> added;
  for (const AddedToken& token : source.added) {
    out[token.id] = token.text;
    added.insert(token.text);
  }
  for (const auto& [token, id] : source.vocabulary) {
    if (source.rules.wordpiece) {
      out[id] = token;
    } else if (const auto bytes = from_printable(token)) {
      out[id] = *bytes;
    } else if (!added.contains(token)) {
      throw DataError(source.vocabulary_file, ": token \"", token,
                      "\" is not in GPT-2's printable bytes");
    }
  }
  return out;
}

// `used` gets the tokens that bytes and merges are made of.
std::vector<Merge> place_merges(const VocabularySource& source, const Ids& ids,
                                std::unordered_set<std::string_view>& used) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string token = to_printable(std::string(1, static_cast<char>(byte)));
    const auto found = ids.find(token);
    if (found == ids.end())
      throw DataError(source.vocabulary_file, ": there is no token for byte ", byte, " (\"", token,
                      "\"), expected all 256");
    used.insert(found->first);
  }
  std::vector<Merge> out;
  std::unordered_map<std::string, long> seen;
  for (const auto& [place, left, right] : source.merges) {
    for (const std::string& token : {left, right, left + right}) {
      const auto found = ids.find(token);
      if (found == ids.end() || !from_printable(token))
        throw DataError(source.merges_file, source.merge_unit, place, ": \"", left, "\" + \"",
                        right, "\" needs \"", token, "\", which is not in ",
                        source.vocabulary_file.filename().string());
      used.insert(found->first);
    }
    const auto [first, is_new] = seen.emplace(left + " " + right, place);
    if (!is_new)
      throw DataError(source.merges_file, source.merge_unit, place, ": \"", left, "\" + \"", right,
                      "\" is there twice, first at ", first->second);
    out.push_back({ids.at(left), ids.at(right), ids.at(left + right)});
  }
  return out;
}

void check_around(const VocabularySource& source, const std::vector<std::string>& tokens) {
  for (const auto* ids : {&source.rules.before, &source.rules.after})
    for (const int id : *ids)
      if (id >= static_cast<int>(tokens.size()) || tokens[id].empty())
        throw DataError(source.vocabulary_file, ": the post_processor puts token ", id,
                        " around a text, which is not in the vocabulary");
}

}  // namespace

Vocabulary assemble(VocabularySource source) {
  const Ids ids = index_vocabulary(source);
  check_added(source, ids);
  Vocabulary out;
  out.tokens = place_tokens(source);
  check_around(source, out.tokens);
  std::unordered_set<std::string_view> used;
  if (!source.rules.wordpiece) {
    out.merges = place_merges(source, ids, used);
  } else if (!ids.contains(source.rules.wordpiece->unknown)) {
    throw DataError(source.vocabulary_file, ": the unknown token \"",
                    source.rules.wordpiece->unknown, "\" is not in the vocabulary");
  }
  // BPE never makes a token of a vocabulary that no merge makes, such as <|endoftext|>.
  for (AddedToken& token : source.added) {
    token.in_model = source.rules.wordpiece || source.rules.whole_words_first
                         ? ids.contains(token.text)
                         : used.contains(token.text);
    if (!token.in_model) out.tokens[token.id] = token.text;
  }
  out.added = std::move(source.added);
  std::ranges::sort(out.added, {}, &AddedToken::id);
  out.rules = std::move(source.rules);
  return out;
}

}  // namespace text
