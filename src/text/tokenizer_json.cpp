#include "text/tokenizer_json.h"

#include "text/rules_json.h"

namespace text {
namespace {

using base::DataError;
using base::Json;

std::string start_of(const Json& json) { return json.dump().substr(0, 60); }

VocabularySource::RawMerge read_merge(const Json& entry, long place, const std::string& where) {
  if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string())
    return {place, entry[0].get<std::string>(), entry[1].get<std::string>()};
  if (entry.is_string()) {
    const auto text = entry.get<std::string>();
    const std::size_t space = text.find(' ');
    if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos)
      return {place, text.substr(0, space), text.substr(space + 1)};
  }
  throw DataError(where, ": merge ", place, " is ", start_of(entry),
                  ", expected \"left right\" or [\"left\", \"right\"]");
}

}  // namespace

std::vector<std::pair<std::string, int>> read_ids(const Json& object, const std::string& where) {
  if (!object.is_object()) throw DataError(where, ": expected an object of tokens and ids");
  std::vector<std::pair<std::string, int>> out;
  for (const auto& [token, id] : object.items()) {
    if (!id.is_number_integer() || id < 0 || id > 100'000'000)
      throw DataError(where, ": token \"", token, "\" has id ", start_of(id),
                      ", expected a whole number from 0 on");
    out.emplace_back(token, id.get<int>());
  }
  return out;
}

AddedToken read_added(const Json& entry, int id, const std::string& where) {
  const auto flag = [&](const char* key, bool otherwise) {
    return base::optional<bool>(entry, key, where).value_or(otherwise);
  };
  if (id < 0 || id > 100'000'000)
    throw DataError(where, ": an added token has id ", id, ", expected a number from 0 on");
  AddedToken out{base::require<std::string>(entry, "content", where), id};
  const bool is_special = flag("special", false);
  out.kind = is_special ? AddedKind::control : AddedKind::word;
  out.single_word = flag("single_word", false);
  out.lstrip = flag("lstrip", false);
  out.rstrip = flag("rstrip", false);
  out.normalized = flag("normalized", !is_special);
  return out;
}

void read_merge_line(std::string_view line, long number, const std::string& file,
                     std::vector<VocabularySource::RawMerge>& out) {
  if (line.empty() || (number == 1 && line.starts_with("#version"))) return;
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || space + 1 == line.size() ||
      line.find(' ', space + 1) != std::string_view::npos)
    throw DataError(file, ":", number, ": \"", line.substr(0, 60),
                    "\", expected two tokens with a space between");
  out.push_back({number, std::string(line.substr(0, space)), std::string(line.substr(space + 1))});
}

Tokenizer parse_tokenizer(std::string_view json, const std::string& where) {
  const Json root = base::parse_json(json, where);
  if (!root.is_object() || !root.contains("model") || !root.at("model").is_object())
    throw DataError(where, ": \"model\" is missing or no object");
  const Json& model = root.at("model");
  VocabularySource source{where, {}, where, ": merge ", {}, where, {}, read_rules(root, where)};
  if (!model.contains("vocab")) throw DataError(where, ": \"model.vocab\" is missing");
  source.vocabulary = read_ids(model.at("vocab"), where + ": model.vocab");
  if (!source.rules.wordpiece) {
    if (!model.contains("merges")) throw DataError(where, ": \"model.merges\" is missing");
    if (!model.at("merges").is_array()) throw DataError(where, ": model.merges is no list");
    for (const Json& entry : model.at("merges"))
      source.merges.push_back(
          read_merge(entry, static_cast<long>(source.merges.size()) + 1, where));
  }
  const Json added = base::optional<Json>(root, "added_tokens", where).value_or(Json::array());
  if (!added.is_array()) throw DataError(where, ": added_tokens is no list");
  for (const Json& entry : added)
    source.added.push_back(read_added(entry, base::require<int>(entry, "id", where), where));
  return Tokenizer(assemble(std::move(source)));
}

}  // namespace text
