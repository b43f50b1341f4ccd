#include "text/tokenizer_folder.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "text/byte_alphabet.h"
#include "text/rules_json.h"
#include "text/tokenizer_json.h"
#include "text/vocabulary_files.h"

namespace text {
namespace {

using base::DataError;
using base::Json;
using std::filesystem::path;

// How many of the ids, from 0 on, a vocabulary file has to name: every token of the model, the
// added tokens between them, and all added tokens where ids are left out, since other programs
// number the added tokens that it does not name by its size.
int named_tokens(const Tokenizer& tokenizer) {
  const Vocabulary& vocabulary = tokenizer.vocabulary();
  std::vector<char> is_plain(vocabulary.tokens.size(), 0);  // added, and not the model's
  for (const AddedToken& token : vocabulary.added) is_plain[token.id] = !token.in_model;
  int last = tokenizer.size() - 1;
  while (last >= 0 && is_plain[last]) --last;
  for (int id = 0; id < last; ++id)
    if (vocabulary.tokens[id].empty()) return tokenizer.size();
  return last + 1;
}

Json make_vocabulary(const Tokenizer& tokenizer) {
  const Vocabulary& vocabulary = tokenizer.vocabulary();
  Json out = Json::object();
  auto& members = out.get_ref<Json::object_t&>();  // its own insertion searches all earlier keys
  const int named = named_tokens(tokenizer);
  std::vector<const AddedToken*> added(vocabulary.tokens.size(), nullptr);
  for (const AddedToken& token : vocabulary.added) added[token.id] = &token;
  for (int id = 0; id < named; ++id) {
    const std::string& token = vocabulary.tokens[id];
    if (added[id] != nullptr)
      members.push_back({added[id]->text, id});
    else if (!token.empty())
      members.push_back({vocabulary.rules.wordpiece ? token : to_printable(token), id});
  }
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
  return {{"content", token.text},          {"single_word", token.single_word},
          {"lstrip", token.lstrip},         {"rstrip", token.rstrip},
          {"normalized", token.normalized}, {"special", token.kind == AddedKind::control}};
}

Json make_tokenizer(const Tokenizer& tokenizer, const Json& vocabulary,
                    const std::vector<std::string>& merges) {
  Json added = Json::array();
  for (const AddedToken& token : tokenizer.vocabulary().added) {
    Json entry = {{"id", token.id}};
    entry.update(make_added(token));
    added.push_back(std::move(entry));
  }
  const Rules& rules = tokenizer.vocabulary().rules;
  const Json parts = rules_json(rules);
  Json out = {{"version", "1.0"}};
  for (const char* key : {"truncation", "padding"}) out[key] = parts.at(key);
  out["added_tokens"] = std::move(added);
  for (const char* key : {"normalizer", "pre_tokenizer", "post_processor", "decoder", "model"})
    out[key] = parts.at(key);
  out["model"]["vocab"] = vocabulary;
  if (!rules.wordpiece) out["model"]["merges"] = merges;
  return out;
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
  // Not GPT2Tokenizer: that class adds <|endoftext|> to a vocabulary that lacks it.
  Json out = tokenizer.settings().empty() ? Json{{"tokenizer_class", "PreTrainedTokenizerFast"},
                                                 {"add_prefix_space", false},
                                                 {"clean_up_tokenization_spaces", false},
                                                 {"bos_token", nullptr},
                                                 {"eos_token", nullptr},
                                                 {"pad_token", nullptr},
                                                 {"unk_token", nullptr}}
                                          : base::parse_json(tokenizer.settings(), "settings");
  if (!roles.end.empty()) out["eos_token"] = make_role(tokenizer, roles.end);
  if (!roles.padding.empty()) out["pad_token"] = make_role(tokenizer, roles.padding);
  Json decoder = Json::object();
  auto& members = decoder.get_ref<Json::object_t&>();
  for (const AddedToken& token : tokenizer.vocabulary().added)
    members.push_back({std::to_string(token.id), make_added(token)});
  out["added_tokens_decoder"] = std::move(decoder);
  return out;
}

}  // namespace

Tokenizer read_tokenizer(const path& folder) {
  const path single = folder / "tokenizer.json";
  const auto read_vocabulary = [&] {
    if (exists(single)) return parse_tokenizer(base::read_file(single), single.string());
    for (const auto& [vocabulary, merges] :
         {std::pair{"vocab.json", "merges.txt"}, std::pair{"encoder.json", "vocab.bpe"}})
      if (exists(folder / vocabulary) && exists(folder / merges))
        return read_merges_vocabulary(folder / vocabulary, folder / merges);
    if (exists(folder / "vocab.txt")) return read_wordpiece_vocabulary(folder / "vocab.txt");
    throw DataError(folder,
                    ": holds no tokenizer, expected tokenizer.json, or vocab.json and merges.txt, "
                    "or encoder.json and vocab.bpe, or vocab.txt");
  };
  const Tokenizer out = read_vocabulary();
  const path config = folder / "tokenizer_config.json";
  if (!exists(config)) return out;
  const Json settings = base::read_json(config);
  if (!settings.is_object()) throw DataError(config, ": expected an object");
  return out.with_settings(settings.dump());
}

void write_tokenizer(const path& folder, const Tokenizer& tokenizer, const TokenizerRoles& roles) {
  const Json config = make_config(tokenizer, roles);
  const Json vocabulary = make_vocabulary(tokenizer);
  const std::vector<std::string> merges = make_merges(tokenizer.vocabulary());
  if (tokenizer.vocabulary().rules == Rules{}) {
    std::string merge_lines = "#version: 0.2\n";
    for (const std::string& merge : merges) merge_lines += merge + "\n";
    base::write_json(folder / "vocab.json", vocabulary);
    base::write_file(folder / "merges.txt", merge_lines);
  }
  base::write_json(folder / "tokenizer_config.json", config);
  base::write_json(folder / "tokenizer.json", make_tokenizer(tokenizer, vocabulary, merges));
}

}  // namespace text
