#include "text/vocabulary_files.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "text/byte_alphabet.h"
#include "text/rules_json.h"
#include "text/tokenizer_json.h"
#include "text/unicode.h"
#include "text/vocabulary_source.h"

namespace text {
namespace {

using base::DataError;
using base::Json;
using std::filesystem::path;
using AddedByText = std::unordered_map<std::string, AddedToken>;

struct Config {
  std::string where;
  Json json;                    // an empty object where there is no file
  std::string tokenizer_class;  // without "Fast"
};

Config read_config(const path& folder) {
  const path file = folder / "tokenizer_config.json";
  Config out{file.string(), exists(file) ? base::read_json(file) : Json::object(), ""};
  out.tokenizer_class =
      base::optional<std::string>(out.json, "tokenizer_class", out.where).value_or("");
  if (out.tokenizer_class.ends_with("Fast"))
    out.tokenizer_class.resize(out.tokenizer_class.size() - 4);
  return out;
}

// A special token's text, which may be given as an object with flags.
std::string special_text(const Config& config, const char* key, const char* otherwise) {
  const Json value = base::optional<Json>(config.json, key, config.where).value_or(otherwise);
  if (value.is_object()) return base::require<std::string>(value, "content", config.where);
  return base::require<std::string>(Json{{key, value}}, key, config.where);
}

AddedByText read_added_files(const path& folder, const Config& config) {
  AddedByText out;
  if (const path file = folder / "added_tokens.json"; exists(file))
    for (const auto& [token, id] : read_ids(base::read_json(file), file.string()))
      out[token] = {token, id};
  const Json decoder = base::optional<Json>(config.json, "added_tokens_decoder", config.where)
                           .value_or(Json::object());
  for (const auto& [id, entry] : decoder.items()) {
    if (id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != std::string::npos)
      throw DataError(config.where, ": added_tokens_decoder has the key \"", id,
                      "\", expected an id");
    const AddedToken token = read_added(entry, std::stoi(id), config.where);
    out[token.text] = token;
  }
  return out;
}

std::vector<AddedToken> in_order(const AddedByText& tokens) {
  std::vector<AddedToken> out;
  for (const auto& [text, token] : tokens) out.push_back(token);
  std::ranges::sort(out, {}, &AddedToken::id);
  return out;
}

bool looks_added(std::string_view token) {
  return token.size() > 1 && ((token.front() == '<' && token.back() == '>') ||
                              (token.front() == '[' && token.back() == ']'));
}

// Every token that nothing makes has to be an added one; else a file was cut.
void find_unmade(const VocabularySource& source, bool is_roberta, AddedByText& added) {
  std::unordered_set<std::string> made;
  for (const auto& merge : source.merges) made.insert(merge.left + merge.right);
  for (const auto& [token, id] : source.vocabulary) {
    const auto bytes = from_printable(token);
    if (made.contains(token) || (bytes && bytes->size() == 1) || added.contains(token)) continue;
    // RoBERTa's vocabulary was filled up to a round size.
    if (is_roberta && token.starts_with("madeupword")) continue;
    if (!looks_added(token))
      throw DataError(source.vocabulary_file, ": token \"", token, "\" is made by no merge of ",
                      source.merges_file.filename().string(), "; was that file cut?");
    added[token] = {token, id};
    added[token].lstrip = is_roberta && token == "<mask>";
  }
}

// ---- the parts of a tokenizer.json that a class of transformers stands for ----

Json qwen2_parts() {
  Json parts = gpt2_rules_json();
  parts["normalizer"] = {{"type", "NFC"}};
  const Json split = {{"type", "Split"},
                      {"pattern",
                       {{"Regex",
                         "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
                         "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  Json bytes = parts["pre_tokenizer"];
  bytes["use_regex"] = false;
  parts["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", Json::array({split, bytes})}};
  return parts;
}

Json end_token(const VocabularySource& source, const std::string& text) {
  for (const auto& [token, id] : source.vocabulary)
    if (token == text) return Json::array({text, id});
  throw DataError(source.vocabulary_file, ": the special token \"", text,
                  "\" is not in the vocabulary");
}

Json roberta_parts(const VocabularySource& source, const Config& config) {
  Json parts = gpt2_rules_json();
  const bool space =
      base::optional<bool>(config.json, "add_prefix_space", config.where).value_or(false);
  parts["pre_tokenizer"]["add_prefix_space"] = space;
  parts["post_processor"] = {{"type", "RobertaProcessing"},
                             {"sep", end_token(source, special_text(config, "sep_token", "</s>"))},
                             {"cls", end_token(source, special_text(config, "cls_token", "<s>"))},
                             {"trim_offsets", true},
                             {"add_prefix_space", space}};
  return parts;
}

Json bpe_parts(const VocabularySource& source, const Config& config) {
  const std::string& name = config.tokenizer_class;
  if (name == "RobertaTokenizer") return roberta_parts(source, config);
  if (name == "Qwen2Tokenizer") return qwen2_parts();
  if (!name.empty() && name != "GPT2Tokenizer" && name != "PreTrainedTokenizer")
    throw DataError(config.where, ": tokenizer_class is \"", name,
                    "\" and there is no tokenizer.json; attune knows the rules of GPT2Tokenizer, "
                    "Qwen2Tokenizer and RobertaTokenizer");
  Json parts = gpt2_rules_json();
  if (base::optional<bool>(config.json, "add_prefix_space", config.where).value_or(false))
    parts["pre_tokenizer"]["add_prefix_space"] = true;
  return parts;
}

Json bert_parts(const VocabularySource& source, const Config& config) {
  const auto flag = [&](const char* key) {
    return base::optional<bool>(config.json, key, config.where);
  };
  const std::string unknown = special_text(config, "unk_token", "[UNK]");
  const Json strip = flag("strip_accents") ? Json(*flag("strip_accents")) : Json();
  return {{"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", flag("tokenize_chinese_chars").value_or(true)},
            {"strip_accents", strip},
            {"lowercase", flag("do_lower_case").value_or(true)}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor",
           {{"type", "BertProcessing"},
            {"sep", end_token(source, special_text(config, "sep_token", "[SEP]"))},
            {"cls", end_token(source, special_text(config, "cls_token", "[CLS]"))}}},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", unknown},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100}}}};
}

}  // namespace

Tokenizer read_merges_vocabulary(const path& vocabulary, const path& merges) {
  const Config config = read_config(vocabulary.parent_path());
  VocabularySource source{vocabulary, read_ids(base::read_json(vocabulary), vocabulary.string()),
                          merges,     ":",
                          {},         vocabulary,
                          {},         {}};
  base::read_lines(merges, [&](std::string_view line, long number) {
    read_merge_line(line, number, merges.string(), source.merges);
  });
  source.rules = read_rules(bpe_parts(source, config), config.where);
  AddedByText added = read_added_files(vocabulary.parent_path(), config);
  find_unmade(source, config.tokenizer_class == "RobertaTokenizer", added);
  source.added = in_order(added);
  return Tokenizer(assemble(std::move(source)));
}

Tokenizer read_wordpiece_vocabulary(const path& vocabulary) {
  const Config config = read_config(vocabulary.parent_path());
  if (const std::string& name = config.tokenizer_class;
      !name.empty() && name != "BertTokenizer" && name != "PreTrainedTokenizer")
    throw DataError(config.where, ": tokenizer_class is \"", name,
                    "\" and there is no tokenizer.json; attune knows the rules of BertTokenizer");
  VocabularySource source{vocabulary, {}, vocabulary, ":", {}, vocabulary, {}, {}};
  base::read_lines(vocabulary, [&](std::string_view line, long number) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!is_utf8(line)) throw DataError(vocabulary, ":", number, ": not UTF-8");
    source.vocabulary.emplace_back(line, static_cast<int>(number) - 1);
  });
  source.rules = read_rules(bert_parts(source, config), config.where);
  AddedByText added = read_added_files(vocabulary.parent_path(), config);
  for (const auto& [key, text] : {std::pair{"unk_token", "[UNK]"},
                                  {"sep_token", "[SEP]"},
                                  {"pad_token", "[PAD]"},
                                  {"cls_token", "[CLS]"},
                                  {"mask_token", "[MASK]"}}) {
    const Json token = end_token(source, special_text(config, key, text));
    added.try_emplace(token[0].get<std::string>(),
                      AddedToken{token[0].get<std::string>(), token[1].get<int>()});
  }
  source.added = in_order(added);
  return Tokenizer(assemble(std::move(source)));
}

}  // namespace text
