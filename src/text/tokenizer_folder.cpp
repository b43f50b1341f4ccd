#include "text/tokenizer_folder.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "text/byte_alphabet.h"

namespace text {
namespace {

using base::DataError;
using base::Json;
using std::filesystem::path;

// What the files say, before it is checked. Tokens of `vocabulary` and `merges` are printable.
struct Source {
  path vocabulary_file;
  std::vector<std::pair<std::string, int>> vocabulary;
  path merges_file;
  const char* merge_unit;  // ":" before a line number, ": merge " before a place in a list
  struct RawMerge {
    long place;
    std::string left, right;
  };
  std::vector<RawMerge> merges;
  path added_file;
  std::vector<AddedToken> added;
};

// ---- the checks ----

// Places every token at its id. `ids` gets the printable tokens.
Vocabulary place_tokens(const Source& source, std::unordered_map<std::string, int>& ids) {
  std::unordered_map<int, const AddedToken*> added;
  std::unordered_map<std::string_view, int> added_ids;
  for (const AddedToken& token : source.added) {
    if (token.text.empty()) throw DataError(source.added_file, ": an added token is empty");
    if (!added.emplace(token.id, &token).second || !added_ids.emplace(token.text, token.id).second)
      throw DataError(source.added_file, ": the added token \"", token.text, "\" with id ",
                      token.id, " repeats another's text or id");
  }
  std::size_t size = source.vocabulary.size() + added.size();
  for (const auto& [token, id] : source.vocabulary) size -= added.count(id);

  Vocabulary out;
  out.tokens.resize(size);
  std::vector<char> taken(size, 0);
  const auto take = [&](const path& file, const std::string& token, int id) {
    if (id < 0 || id >= static_cast<int>(size))
      throw DataError(file, ": token \"", token, "\" has id ", id, ", expected 0 to ", size - 1,
                      " for ", size, " tokens");
    if (std::exchange(taken[id], 1))
      throw DataError(file, ": token \"", token, "\" has id ", id, ", which another token has too");
  };
  for (const auto& [token, id] : source.vocabulary) {
    if (const auto found = added.find(id); found != added.end()) {
      if (found->second->text != token)
        throw DataError(source.added_file, ": the added token \"", found->second->text,
                        "\" has id ", id, ", which is \"", token, "\" in the vocabulary");
      continue;
    }
    take(source.vocabulary_file, token, id);
    const auto bytes = from_printable(token);
    if (!bytes || bytes->empty())
      throw DataError(source.vocabulary_file, ": token \"", token,
                      "\" is not in GPT-2's printable bytes");
    out.tokens[id] = *bytes;
    ids.emplace(token, id);
  }
  for (const AddedToken& token : source.added) {
    take(source.added_file, token.text, token.id);
    out.tokens[token.id] = token.text;
  }
  out.added = source.added;
  std::ranges::sort(out.added, {}, &AddedToken::id);
  return out;
}

Vocabulary assemble(const Source& source) {
  std::unordered_map<std::string, int> ids;
  Vocabulary out = place_tokens(source, ids);
  for (int byte = 0; byte < 256; ++byte) {
    const std::string token = to_printable(std::string(1, static_cast<char>(byte)));
    if (!ids.contains(token))
      throw DataError(source.vocabulary_file, ": there is no token for byte ", byte, " (\"", token,
                      "\"), expected all 256");
  }
  std::unordered_map<std::string, long> seen;
  for (const auto& [place, left, right] : source.merges) {
    for (const std::string& token : {left, right, left + right})
      if (!ids.contains(token))
        throw DataError(source.merges_file, source.merge_unit, place, ": \"", left, "\" + \"",
                        right, "\" needs \"", token, "\", which is not in ",
                        source.vocabulary_file.filename().string());
    const auto [first, is_new] = seen.emplace(left + " " + right, place);
    if (!is_new)
      throw DataError(source.merges_file, source.merge_unit, place, ": \"", left, "\" + \"", right,
                      "\" is there twice, first at ", first->second);
    out.merges.push_back({ids.at(left), ids.at(right), ids.at(left + right)});
  }
  return out;
}

// ---- reading ----

std::vector<std::pair<std::string, int>> read_ids(const Json& object, const std::string& where) {
  if (!object.is_object()) throw DataError(where, ": expected an object of tokens and ids");
  std::vector<std::pair<std::string, int>> out;
  for (const auto& [token, id] : object.items()) {
    if (!id.is_number_integer() || id < 0 || id > 100'000'000)
      throw DataError(where, ": token \"", token, "\" has id ", id.dump(),
                      ", expected a whole number from 0 on");
    out.emplace_back(token, id.get<int>());
  }
  return out;
}

AddedToken read_added(const Json& entry, int id, const std::string& where) {
  for (const char* flag : {"single_word", "lstrip", "rstrip"})
    if (base::optional<bool>(entry, flag, where).value_or(false))
      throw DataError(where, ": added token ", id, " has ", flag,
                      ", which attune does not do; expected false");
  const bool special = base::optional<bool>(entry, "special", where).value_or(false);
  return {base::require<std::string>(entry, "content", where), id,
          special ? AddedKind::control : AddedKind::word};
}

// Everything that would give other ids than GPT-2's rules is refused.
void check_rules(const Json& root, const Json& model, const std::string& where) {
  if (base::optional<std::string>(model, "type", where).value_or("BPE") != "BPE")
    throw DataError(where, ": model.type is ", model.at("type").dump(), ", expected \"BPE\"");
  for (const char* key : {"byte_fallback", "ignore_merges"})
    if (base::optional<bool>(model, key, where).value_or(false))
      throw DataError(where, ": model.", key, " is true, expected false");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!base::optional<std::string>(model, key, where).value_or("").empty())
      throw DataError(where, ": model.", key, " is not empty; only byte-level BPE is read");
  if (model.contains("dropout") && !model.at("dropout").is_null())
    throw DataError(where, ": model.dropout is set, expected null");
  if (root.contains("normalizer") && !root.at("normalizer").is_null())
    throw DataError(where, ": normalizer is set, expected null");
  const Json cutter = base::optional<Json>(root, "pre_tokenizer", where).value_or(Json::object());
  if (base::optional<std::string>(cutter, "type", where).value_or("") != "ByteLevel" ||
      base::optional<bool>(cutter, "add_prefix_space", where).value_or(true) ||
      !base::optional<bool>(cutter, "use_regex", where).value_or(true))
    throw DataError(where, ": pre_tokenizer is ", cutter.dump().substr(0, 100),
                    ", expected ByteLevel with add_prefix_space false and use_regex true");
}

Source::RawMerge read_merge(const Json& entry, long place, const std::string& where) {
  if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string())
    return {place, entry[0].get<std::string>(), entry[1].get<std::string>()};
  if (entry.is_string()) {
    const auto text = entry.get<std::string>();
    const std::size_t space = text.find(' ');
    if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos)
      return {place, text.substr(0, space), text.substr(space + 1)};
  }
  throw DataError(where, ": merge ", place, " is ", entry.dump().substr(0, 60),
                  ", expected \"left right\" or [\"left\", \"right\"]");
}

Source read_single_file(const path& file) {
  const std::string where = file.string();
  const Json root = base::read_json(file);
  if (!root.is_object() || !root.contains("model") || !root.at("model").is_object())
    throw DataError(where, ": \"model\" is missing or no object");
  const Json& model = root.at("model");
  check_rules(root, model, where);
  for (const char* key : {"vocab", "merges"})
    if (!model.contains(key)) throw DataError(where, ": \"model.", key, "\" is missing");

  Source out{file, read_ids(model.at("vocab"), where + ": model.vocab"), file, ": merge ", {}, file,
             {}};
  if (!model.at("merges").is_array()) throw DataError(where, ": model.merges is no list");
  for (const Json& entry : model.at("merges"))
    out.merges.push_back(read_merge(entry, static_cast<long>(out.merges.size()) + 1, where));
  const Json added = base::optional<Json>(root, "added_tokens", where).value_or(Json::array());
  if (!added.is_array()) throw DataError(where, ": added_tokens is no list");
  for (const Json& entry : added)
    out.added.push_back(read_added(entry, base::require<int>(entry, "id", where), where));
  return out;
}

void read_merge_lines(const path& file, Source& out) {
  base::read_lines(file, [&](std::string_view line, long number) {
    if (line.empty() || (number == 1 && line.starts_with("#version"))) return;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0 || space + 1 == line.size() ||
        line.find(' ', space + 1) != std::string_view::npos)
      throw DataError(file, ":", number, ": \"", line.substr(0, 60),
                      "\", expected two tokens with a space between");
    out.merges.push_back(
        {number, std::string(line.substr(0, space)), std::string(line.substr(space + 1))});
  });
}

bool looks_added(std::string_view token) {
  return (token.front() == '<' && token.back() == '>') ||
         (token.front() == '[' && token.back() == ']');
}

// The added tokens that stand in files of their own, and in the vocabulary without a merge.
void find_added(const path& folder, Source& out) {
  std::unordered_map<std::string, AddedToken> found;
  if (const path file = folder / "added_tokens.json"; exists(file))
    for (const auto& [token, id] : read_ids(base::read_json(file), file.string()))
      found[token] = {token, id, AddedKind::control};
  if (const path file = folder / "tokenizer_config.json"; exists(file)) {
    const std::string where = file.string();
    const auto decoder = base::optional<Json>(base::read_json(file), "added_tokens_decoder", where)
                             .value_or(Json::object());
    for (const auto& [id, entry] : decoder.items()) {
      if (id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != std::string::npos)
        throw DataError(where, ": added_tokens_decoder has the key \"", id, "\", expected an id");
      const AddedToken token = read_added(entry, std::stoi(id), where);
      found[token.text] = token;
    }
  }
  std::unordered_map<std::string, bool> made;
  for (const auto& merge : out.merges) made[merge.left + merge.right] = true;
  for (const auto& [token, id] : out.vocabulary) {
    const auto bytes = from_printable(token);
    if (made.contains(token) || (bytes && bytes->size() == 1) || found.contains(token)) continue;
    if (token.empty() || !looks_added(token))
      throw DataError(out.vocabulary_file, ": token \"", token, "\" is made by no merge of ",
                      out.merges_file.filename().string(), "; was that file cut?");
    found[token] = {token, id, AddedKind::control};
  }
  for (const auto& [text, token] : found) out.added.push_back(token);
  std::ranges::sort(out.added, {}, &AddedToken::id);
}

Source read_two_files(const path& vocabulary_file, const path& merges_file) {
  Source out{vocabulary_file,
             read_ids(base::read_json(vocabulary_file), vocabulary_file.string()),
             merges_file,
             ":",
             {},
             vocabulary_file,
             {}};
  read_merge_lines(merges_file, out);
  find_added(vocabulary_file.parent_path(), out);
  return out;
}

// ---- writing ----

Json make_vocabulary(const Tokenizer& tokenizer) {
  const Vocabulary& vocabulary = tokenizer.vocabulary();
  int last_text = tokenizer.size() - 1;
  while (last_text >= 0 && tokenizer.is_added(last_text)) --last_text;
  Json out = Json::object();
  auto& members = out.get_ref<Json::object_t&>();  // its own insertion searches all earlier keys
  for (int id = 0; id <= last_text; ++id)  // an added token among the text tokens keeps its place
    members.push_back(
        {tokenizer.is_added(id) ? vocabulary.tokens[id] : to_printable(vocabulary.tokens[id]), id});
  return out;
}

std::vector<std::string> make_merges(const Vocabulary& vocabulary) {
  std::vector<std::string> out;
  for (const Merge& merge : vocabulary.merges)
    out.push_back(to_printable(vocabulary.tokens[merge.left]) + " " +
                  to_printable(vocabulary.tokens[merge.right]));
  return out;
}

Json make_added(const AddedToken& token) {
  return {{"content", token.text}, {"single_word", false},
          {"lstrip", false},       {"rstrip", false},
          {"normalized", false},   {"special", token.kind == AddedKind::control}};
}

Json make_byte_level() {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", true}};
}

Json make_tokenizer(const Tokenizer& tokenizer, const Json& vocabulary,
                    const std::vector<std::string>& merges) {
  Json added = Json::array();
  for (const AddedToken& token : tokenizer.vocabulary().added) {
    Json entry = {{"id", token.id}};
    entry.update(make_added(token));
    added.push_back(std::move(entry));
  }
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", std::move(added)},
          {"normalizer", nullptr},
          {"pre_tokenizer", make_byte_level()},
          {"post_processor", make_byte_level()},
          {"decoder", make_byte_level()},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", vocabulary},
            {"merges", merges}}}};
}

Json make_role(const Tokenizer& tokenizer, const std::string& text) {
  if (text.empty()) return nullptr;
  const auto id = tokenizer.token_id(text);
  if (!id || !tokenizer.is_added(*id))
    throw base::UsageError("\"", text,
                           "\" is to be a tokenizer's end or padding token, "
                           "but it is no added token of it");
  return text;
}

Json make_config(const Tokenizer& tokenizer, const TokenizerRoles& roles) {
  Json decoder = Json::object();
  auto& members = decoder.get_ref<Json::object_t&>();
  for (const AddedToken& token : tokenizer.vocabulary().added)
    members.push_back({std::to_string(token.id), make_added(token)});
  // Not GPT2Tokenizer: that class adds <|endoftext|> to a vocabulary that lacks it.
  return {{"tokenizer_class", "PreTrainedTokenizerFast"},
          {"add_prefix_space", false},
          {"clean_up_tokenization_spaces", false},
          {"bos_token", nullptr},
          {"eos_token", make_role(tokenizer, roles.end)},
          {"pad_token", make_role(tokenizer, roles.padding)},
          {"unk_token", nullptr},
          {"added_tokens_decoder", std::move(decoder)}};
}

}  // namespace

Tokenizer read_tokenizer(const path& folder) {
  if (exists(folder / "tokenizer.json"))
    return Tokenizer(assemble(read_single_file(folder / "tokenizer.json")));
  for (const auto& [vocabulary, merges] :
       {std::pair{"vocab.json", "merges.txt"}, std::pair{"encoder.json", "vocab.bpe"}})
    if (exists(folder / vocabulary) && exists(folder / merges))
      return Tokenizer(assemble(read_two_files(folder / vocabulary, folder / merges)));
  throw DataError(folder,
                  ": holds no tokenizer, expected tokenizer.json, or vocab.json and merges.txt, or "
                  "encoder.json and vocab.bpe");
}

void write_tokenizer(const path& folder, const Tokenizer& tokenizer, const TokenizerRoles& roles) {
  const Json config = make_config(tokenizer, roles);
  const Json vocabulary = make_vocabulary(tokenizer);
  const std::vector<std::string> merges = make_merges(tokenizer.vocabulary());
  std::string merge_lines = "#version: 0.2\n";
  for (const std::string& merge : merges) merge_lines += merge + "\n";
  base::write_json(folder / "vocab.json", vocabulary);
  base::write_file(folder / "merges.txt", merge_lines);
  base::write_json(folder / "tokenizer_config.json", config);
  base::write_json(folder / "tokenizer.json", make_tokenizer(tokenizer, vocabulary, merges));
}

}  // namespace text
