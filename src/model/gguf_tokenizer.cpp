#include "model/gguf_tokenizer.h"

#include <algorithm>
#include <optional>

#include "base/files.h"
#include "base/format.h"
#include "base/json.h"

namespace model {
namespace fs = std::filesystem;
namespace {

using base::Json;

// GGUF's kinds of tokens.
enum TokenType : std::int32_t { kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5 };

struct Token {
  std::string text;
  TokenType type = kUnused;
};

// The regular expressions by which Llama 3 and Qwen 2 cut text; llama.cpp knows them by name.
struct KnownCut {
  const char* expression;
  const char* name;
};
constexpr KnownCut kCuts[] = {
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     "llama-bpe"},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     "qwen2"}};

std::string text_at(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : "";
}

std::optional<bool> flag_at(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_boolean())
    return std::nullopt;
  return object[key].get<bool>();
}

std::optional<std::int64_t> id_at(const Json& object, const std::string& key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_number_integer())
    return std::nullopt;
  return object[key].get<std::int64_t>();
}

Json list_at(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_array() ? object[key]
                                                                              : Json::array();
}

bool is_byte_level(const Json& cutter, bool with_expression) {
  return text_at(cutter, "type") == "ByteLevel" &&
         !flag_at(cutter, "add_prefix_space").value_or(true) &&
         flag_at(cutter, "use_regex").value_or(true) == with_expression;
}

// llama.cpp's name for the way a tokenizer cuts text, or "".
std::string name_of_cut(const Json& cutter) {
  if (is_byte_level(cutter, true)) return "gpt-2";
  if (text_at(cutter, "type") != "Sequence" || !cutter.contains("pretokenizers")) return "";
  const Json& parts = cutter["pretokenizers"];
  if (!parts.is_array() || parts.size() != 2) return "";
  if (text_at(parts[0], "type") == "Digits" && flag_at(parts[0], "individual_digits") == true &&
      is_byte_level(parts[1], true))
    return "smollm";
  if (text_at(parts[0], "type") != "Split" || text_at(parts[0], "behavior") != "Isolated" ||
      flag_at(parts[0], "invert").value_or(false) || !is_byte_level(parts[1], false))
    return "";
  const std::string expression =
      parts[0].contains("pattern") ? text_at(parts[0]["pattern"], "Regex") : "";
  for (const KnownCut& known : kCuts)
    if (expression == known.expression) return known.name;
  return "";
}

// Tokens that look like control tokens are often not marked as such.
bool looks_special(const std::string& text) {
  const auto between = [&](const char* begin, const char* end) {
    return text.starts_with(begin) && text.ends_with(end);
  };
  return text == "<pad>" || text == "<mask>" || between("<|", "|>") || between("<｜", "｜>") ||
         between("<unused", ">");
}

Token added_token(const Json& added, const std::string& where) {
  Token token{base::require<std::string>(added, "content", where), kUserDefined};
  if (flag_at(added, "special").value_or(false) || looks_special(token.text)) token.type = kControl;
  if (token.type == kUserDefined)  // a space as sentencepiece writes it
    for (std::size_t at = 0; (at = token.text.find("▁", at)) != std::string::npos;)
      token.text.replace(at, std::string_view("▁").size(), " ");
  return token;
}

std::vector<Token> read_tokens(const Json& root, std::int64_t vocabulary,
                               const std::string& where) {
  std::vector<Token> tokens(static_cast<std::size_t>(vocabulary));
  const auto place = [&](std::int64_t id, const std::string& text) -> Token& {
    if (id < 0 || id >= vocabulary)
      throw base::DataError(where, ": token ", base::in_quotes(text), " has the id ", id,
                            ", but config.json says a vocabulary of ", vocabulary);
    return tokens[static_cast<std::size_t>(id)];
  };
  const Json bpe = base::require<Json>(root, "model", where);
  const Json ids = base::require<Json>(bpe, "vocab", where);
  for (const auto& [text, id] : ids.items()) {
    if (!id.is_number_integer())
      throw base::DataError(where, ": the id of token ", base::in_quotes(text),
                            " is no whole number");
    Token& token = place(id.get<std::int64_t>(), text);
    if (token.type != kUnused)
      throw base::DataError(where, ": tokens ", base::in_quotes(token.text), " and ",
                            base::in_quotes(text), " have the same id");
    token = {text, kNormal};
  }
  for (const Json& added : list_at(root, "added_tokens")) {
    const Token token = added_token(added, where + ": added_tokens");
    place(base::require<std::int64_t>(added, "id", where + ": added_tokens"), token.text) = token;
  }
  for (std::size_t id = 0; id < tokens.size(); ++id)
    if (tokens[id].type == kUnused) tokens[id].text = "[PAD" + std::to_string(id) + "]";
  return tokens;
}

// "a b", whichever of the two forms the file has. A space inside a part is written as the byte
// alphabet has it.
std::vector<std::string> read_merges(const Json& bpe, const std::string& where) {
  std::vector<std::string> merges;
  const auto part = [](std::string text) {
    for (std::size_t at = 0; (at = text.find(' ', at)) != std::string::npos;)
      text.replace(at, 1, "Ġ");
    return text;
  };
  for (const Json& merge : base::require<Json>(bpe, "merges", where)) {
    if (merge.is_string())
      merges.push_back(merge.get<std::string>());
    else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
      merges.push_back(part(merge[0].get<std::string>()) + " " + part(merge[1].get<std::string>()));
    else
      throw base::DataError(where, ": merges holds ", base::in_quotes(merge.dump()),
                            ", expected two tokens");
  }
  return merges;
}

// The content of a special token of tokenizer_config.json, which is a text or an object.
std::string special_text(const Json& settings, const std::string& kind) {
  const std::string key = kind + "_token";
  if (!settings.contains(key)) return "";
  return settings[key].is_object() ? text_at(settings[key], "content")
                                   : text_at(settings, key.c_str());
}

std::optional<std::int64_t> special_id(const std::string& kind, const TokenizerFiles& files) {
  const std::string text = special_text(files.settings, kind);
  if (!text.empty())
    for (const Json& added : list_at(files.tokenizer, "added_tokens"))
      if (text_at(added, "content") == text && id_at(added, "id")) return id_at(added, "id");
  return id_at(files.config, kind + "_token_id");
}

// Whether the tokenizer puts its begin (or its end) token around a text.
bool adds_token(const std::string& kind, const TokenizerFiles& files) {
  if (const auto said = flag_at(files.settings, ("add_" + kind + "_token").c_str())) return *said;
  const Json post = files.tokenizer.value("post_processor", Json());
  const bool several = text_at(post, "type") == "Sequence";
  for (const Json& processor : several ? list_at(post, "processors") : Json::array({post})) {
    const Json single = list_at(processor, "single");
    if (text_at(processor, "type") != "TemplateProcessing" || single.size() < 2) continue;
    const Json& outer = kind == "bos" ? single.front() : single.back();
    if (outer.is_object() && outer.contains("SpecialToken"))
      return text_at(outer["SpecialToken"], "id") == special_text(files.settings, kind);
  }
  return false;
}

Json read_if_there(const fs::path& path) {
  return fs::exists(path) ? base::read_json(path) : Json::object();
}

}  // namespace

TokenizerFiles read_tokenizer_files(const fs::path& folder) {
  const fs::path file = folder / "tokenizer.json";
  if (!fs::exists(file))
    throw base::DataError(file,
                          ": is not there; a GGUF file holds its tokenizer. Save the model "
                          "again with attune or transformers, which write it");
  TokenizerFiles files{base::read_json(file), read_if_there(folder / "tokenizer_config.json"),
                       read_if_there(folder / "config.json"), "", file.string()};
  files.chat_template = text_at(files.settings, "chat_template");
  if (files.chat_template.empty() && fs::exists(folder / "chat_template.jinja"))
    files.chat_template = base::read_file(folder / "chat_template.jinja");
  return files;
}

void add_gguf_tokenizer(GgufMetadata& metadata, const TokenizerFiles& files,
                        std::int64_t vocabulary) {
  const Json bpe = base::require<Json>(files.tokenizer, "model", files.where);
  const Json cutter =
      base::optional<Json>(files.tokenizer, "pre_tokenizer", files.where).value_or(Json());
  const std::string cut = name_of_cut(cutter);
  if (text_at(bpe, "type") != "BPE" || cut.empty())
    throw base::DataError(files.where,
                          ": is no byte-level BPE that cuts text as GPT-2, Llama 3, Qwen 2 or "
                          "SmolLM do; no other tokenizer is exported");
  std::vector<std::string> texts;
  std::vector<std::int32_t> types;
  for (const Token& token : read_tokens(files.tokenizer, vocabulary, files.where)) {
    texts.push_back(token.text);
    types.push_back(token.type);
  }
  metadata.add_text("tokenizer.ggml.model", "gpt2");
  metadata.add_text("tokenizer.ggml.pre", cut);
  metadata.add_texts("tokenizer.ggml.tokens", texts);
  metadata.add_numbers("tokenizer.ggml.token_type", types);
  metadata.add_texts("tokenizer.ggml.merges", read_merges(bpe, files.where));
  for (const auto& [kind, key] :
       {std::pair{"bos", "bos"}, {"eos", "eos"}, {"unk", "unknown"}, {"pad", "padding"}})
    if (const auto id = special_id(kind, files); id && *id >= 0 && *id < vocabulary)
      metadata.add_number(std::string("tokenizer.ggml.") + key + "_token_id",
                          static_cast<std::uint32_t>(*id));
  metadata.add_flag("tokenizer.ggml.add_bos_token", adds_token("bos", files));
  metadata.add_flag("tokenizer.ggml.add_eos_token", adds_token("eos", files));
  if (!files.chat_template.empty())
    metadata.add_text("tokenizer.chat_template", files.chat_template);
}

}  // namespace model
