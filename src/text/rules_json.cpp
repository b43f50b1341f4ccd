#include "text/rules_json.h"

#include <string_view>

namespace text {
namespace {

using base::DataError;
using base::Json;

constexpr std::size_t kMostSteps = 16;          // of a sequence
constexpr std::size_t kLongestWordMost = 1000;  // characters; WordPiece costs their number a word

constexpr std::string_view kContractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|";
constexpr std::string_view kLetterWord = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|";
constexpr std::string_view kSignsAndSpaces =
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr std::string_view kGpt2Pattern =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

std::string llama3_pattern(std::string_view numbers) {
  return std::string(kContractions).append(kLetterWord).append(numbers).append(kSignsAndSpaces);
}

std::string shorten(std::string text) {
  if (text.size() > 100) {
    text.resize(97);
    while (!text.empty() && (text.back() & 0xC0) == 0x80) text.pop_back();
    text += "...";
  }
  return text;
}

// One part of the file, and where it stands.
struct Part {
  const Json& json;
  std::string place;  // e.g. "tokenizer.json: pre_tokenizer.pretokenizers[1]"

  std::string type() const {
    if (!json.is_object())
      throw DataError(place, " is ", shorten(json.dump()), ", expected an object with a type");
    return base::require<std::string>(json, "type", place);
  }
  template <class T>
  T get(const char* key) const {
    return base::require<T>(json, key, place);
  }
  bool flag(const char* key, bool otherwise) const {
    return base::optional<bool>(json, key, place).value_or(otherwise);
  }
  [[noreturn]] void refuse(const std::string& supported) const {
    throw DataError(place, " is ", shorten(json.dump()), "; attune reads ", supported);
  }
};

Part part_of(const Json& root, const char* key, const std::string& where) {
  static const Json none;
  return {root.contains(key) ? root.at(key) : none, where + ": " + key};
}

// The part itself, or the parts of a Sequence, whose list is under `key`.
std::vector<Part> flatten(const Part& part, const char* key) {
  if (part.json.is_null()) return {};
  if (part.type() != "Sequence") return {part};
  std::vector<Part> out;
  if (!part.json.contains(key) || !part.json.at(key).is_array())
    throw DataError(part.place, ".", key, " is no list");
  const Json& list = part.json.at(key);
  for (std::size_t i = 0; i < list.size(); ++i)
    for (const Part& inner :
         flatten({list[i], base::concatenate(part.place, ".", key, "[", i, "]")}, key))
      out.push_back(inner);
  if (out.size() > kMostSteps)
    throw DataError(part.place, " has ", out.size(), " steps, expected at most ", kMostSteps);
  return out;
}

std::vector<NormalizerStep> read_normalizer(const Part& whole) {
  std::vector<NormalizerStep> out;
  for (const Part& part : flatten(whole, "normalizers")) {
    const std::string type = part.type();
    if (type == "NFC")
      out.emplace_back(NfcNormalizer{});
    else if (type == "BertNormalizer")
      out.emplace_back(BertNormalizer{part.get<bool>("clean_text"),
                                      part.get<bool>("handle_chinese_chars"),
                                      base::optional<bool>(part.json, "strip_accents", part.place),
                                      part.get<bool>("lowercase")});
    else
      part.refuse("the normalizers NFC and BertNormalizer");
  }
  return out;
}

Cut read_split(const Part& part) {
  const Json pattern = part.get<Json>("pattern");
  const std::string place = part.place + ".pattern";
  if (pattern.is_object() && pattern.contains("Regex")) {
    const auto regex = base::require<std::string>(pattern, "Regex", place);
    if (part.get<std::string>("behavior") != "Isolated" || part.flag("invert", false))
      part.refuse("Split with behavior Isolated and invert false");
    if (regex == kGpt2Pattern) return Cut::gpt2;
    if (regex == llama3_pattern("\\p{N}{1,3}")) return Cut::llama3;
    if (regex == llama3_pattern("\\p{N}")) return Cut::qwen2;
  }
  throw DataError(place, " is ", shorten(pattern.dump()),
                  "; attune reads the patterns of GPT-2, Llama 3 and Qwen2");
}

std::vector<Cut> read_cuts(const Part& whole, bool is_wordpiece) {
  std::vector<Cut> out;
  bool has_bytes = false;
  for (const Part& part : flatten(whole, "pretokenizers")) {
    const std::string type = part.type();
    if (has_bytes)
      throw DataError(part.place, " is ", type, " after ByteLevel, expected ByteLevel to be last");
    if (type == "ByteLevel") {
      has_bytes = true;
      if (part.get<bool>("add_prefix_space")) out.push_back(Cut::prefix_space);
      if (part.flag("use_regex", true)) out.push_back(Cut::gpt2);
    } else if (type == "Split") {
      out.push_back(read_split(part));
    } else if (type == "Digits") {
      out.push_back(part.get<bool>("individual_digits") ? Cut::digits : Cut::digit_runs);
    } else if (type == "BertPreTokenizer") {
      out.push_back(Cut::bert);
    } else {
      part.refuse("the pre-tokenizers ByteLevel, Split, Digits and BertPreTokenizer");
    }
  }
  if (has_bytes == is_wordpiece)
    whole.refuse(is_wordpiece ? "WordPiece after BertPreTokenizer, without ByteLevel"
                              : "BPE whose pre-tokenizer is ByteLevel, or a Sequence that ends so");
  return out;
}

std::vector<int> read_special(const Json& tokens, const std::string& name,
                              const std::string& place) {
  std::vector<int> out;
  const auto entry = base::require<Json>(tokens, name, place);
  const auto ids = base::require<Json>(entry, "ids", place + "." + name);
  if (!ids.is_array()) throw DataError(place, ".", name, ": ids is no list");
  for (const Json& id : ids) {
    if (!base::detail::has_type<int>(id) || id < 0)
      throw DataError(place, ".", name, ": an id is ", shorten(id.dump()), ", expected a number");
    out.push_back(id.get<int>());
  }
  return out;
}

void read_template(const Part& part, Rules& rules) {
  std::vector<int> before, after;
  int sequences = 0;
  const Json single = part.get<Json>("single");
  if (!single.is_array()) throw DataError(part.place, ".single is no list");
  for (const Json& piece : single) {
    if (piece.is_object() && piece.contains("SpecialToken")) {
      const auto name =
          base::require<std::string>(piece.at("SpecialToken"), "id", part.place + ".single");
      for (const int id : read_special(base::optional<Json>(part.json, "special_tokens", part.place)
                                           .value_or(Json::object()),
                                       name, part.place + ".special_tokens"))
        (sequences == 0 ? before : after).push_back(id);
    } else if (piece.is_object() && piece.contains("Sequence") &&
               base::require<std::string>(piece.at("Sequence"), "id", part.place) == "A") {
      ++sequences;
    } else {
      throw DataError(part.place, ".single holds ", shorten(piece.dump()),
                      ", expected a SpecialToken or Sequence A");
    }
  }
  if (sequences != 1)
    throw DataError(part.place, ".single names the text ", sequences, " times, expected once");
  rules.before.insert(rules.before.begin(), before.begin(), before.end());
  rules.after.insert(rules.after.end(), after.begin(), after.end());
}

int read_end(const Part& part, const char* key) {
  const Json pair = part.get<Json>(key);
  if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() ||
      !base::detail::has_type<int>(pair[1]) || pair[1] < 0)
    throw DataError(part.place, ".", key, " is ", shorten(pair.dump()),
                    ", expected a token and its id");
  return pair[1].get<int>();
}

void read_processor(const Part& whole, Rules& rules) {
  for (const Part& part : flatten(whole, "processors")) {
    const std::string type = part.type();
    if (type == "TemplateProcessing") {
      read_template(part, rules);
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      rules.before.insert(rules.before.begin(), read_end(part, "cls"));
      rules.after.push_back(read_end(part, "sep"));
    } else if (type != "ByteLevel") {  // ByteLevel only moves offsets, which attune does not give
      part.refuse(
          "the post-processors TemplateProcessing, BertProcessing, RobertaProcessing and "
          "ByteLevel");
    }
  }
}

void read_decoder(const Part& whole, Rules& rules) {
  const std::vector<Part> parts = flatten(whole, "decoders");
  const char* wanted = rules.wordpiece ? "WordPiece" : "ByteLevel";
  if (parts.size() != 1 || parts[0].type() != wanted)
    whole.refuse(base::concatenate("the decoder ", wanted, " with this model"));
  if (rules.wordpiece)
    rules.decoder = {parts[0].get<std::string>("prefix"), parts[0].get<bool>("cleanup")};
}

void read_bpe(const Part& model, Rules& rules) {
  if (model.flag("byte_fallback", false))
    throw DataError(model.place, ".byte_fallback is true; attune reads byte-level BPE only");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!base::optional<std::string>(model.json, key, model.place).value_or("").empty())
      throw DataError(model.place, ".", key, " is not empty; attune reads byte-level BPE only");
  if (base::optional<double>(model.json, "dropout", model.place).value_or(0) != 0)
    throw DataError(model.place, ".dropout is set, expected null");
  rules.whole_words_first = model.flag("ignore_merges", false);
}

void read_wordpiece(const Part& model, Rules& rules) {
  const auto longest = model.get<std::size_t>("max_input_chars_per_word");
  if (longest > kLongestWordMost)
    throw DataError(model.place, ".max_input_chars_per_word is ", longest, ", expected at most ",
                    kLongestWordMost);
  rules.wordpiece = {model.get<std::string>("unk_token"),
                     model.get<std::string>("continuing_subword_prefix"), longest};
}

Json copy_parts(const Json& root) {
  Json out = Json::object();
  for (const char* key :
       {"truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"})
    out[key] = root.contains(key) ? root.at(key) : Json();
  Json& model = out["model"] = Json::object();
  for (const auto& [key, value] : root.at("model").items())
    if (key != "vocab" && key != "merges") model[key] = value;
  return out;
}

Json byte_level() {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", true}};
}

}  // namespace

Rules read_rules(const Json& root, const std::string& where) {
  if (base::optional<std::string>(root, "version", where).value_or("1.0") != "1.0")
    throw DataError(where, ": version is ", root.at("version").dump(), ", expected \"1.0\"");
  const Part model = part_of(root, "model", where);
  if (!model.json.is_object()) throw DataError(where, ": \"model\" is missing or no object");
  const auto type = base::optional<std::string>(model.json, "type", model.place).value_or("BPE");
  Rules out;
  if (type == "BPE")
    read_bpe(model, out);
  else if (type == "WordPiece")
    read_wordpiece(model, out);
  else
    throw DataError(model.place, ".type is \"", shorten(type),
                    "\", expected \"BPE\" or \"WordPiece\"");
  out.normalizer = read_normalizer(part_of(root, "normalizer", where));
  out.cuts = read_cuts(part_of(root, "pre_tokenizer", where), out.wordpiece.has_value());
  read_processor(part_of(root, "post_processor", where), out);
  read_decoder(part_of(root, "decoder", where), out);
  const Json parts = copy_parts(root);
  if (parts != gpt2_rules_json()) out.json = parts.dump();
  return out;
}

Json rules_json(const Rules& rules) {
  return rules.json.empty() ? gpt2_rules_json() : base::parse_json(rules.json, "rules");
}

Json gpt2_rules_json() {
  return {{"truncation", nullptr},
          {"padding", nullptr},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level()},
          {"post_processor", byte_level()},
          {"decoder", byte_level()},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false}}}};
}

}  // namespace text
