#include "corpus/dialogue_ids.h"

#include "base/files.h"
#include "base/json.h"
#include "corpus/titles.h"

namespace corpus {
namespace {

constexpr std::size_t kNamed = 3;  // unknown ids that a message names

std::string id_of(const base::Json& json, const std::string& where) {
  for (const char* key : {"conversationId", "dialog_id", "id"}) {
    const auto found = json.find(key);
    if (found == json.end()) continue;
    if (found->is_string()) return found->get<std::string>();
    if (found->is_number_integer()) return found->dump();
    throw base::DataError(where, ": \"", key, "\" is ", found->dump(), ", expected an id");
  }
  throw base::DataError(where, ": has neither conversationId, dialog_id nor id");
}

}  // namespace

DialogueIds read_dialogue_ids(const std::string& file) {
  DialogueIds out{file, {}};
  if (file.empty()) return out;
  base::read_lines(file, [&](std::string_view text, long line) {
    const std::string trimmed = squeeze(std::string(text));
    if (trimmed.empty()) return;
    const std::string where = base::concatenate(file, ":", line);
    out.ids.insert(trimmed.front() == '{' ? id_of(base::parse_json(text, where), where) : trimmed);
  });
  if (out.ids.empty()) throw base::DataError(file, ": names no dialogue");
  return out;
}

std::int64_t count_unknown(const DialogueIds& ids, const std::set<std::string>& found,
                           std::int64_t allowed) {
  std::int64_t unknown = 0;
  std::string first;
  for (const std::string& id : ids.ids) {
    if (found.count(id)) continue;
    if (static_cast<std::size_t>(unknown++) < kNamed) first += (first.empty() ? "" : ", ") + id;
  }
  if (unknown > allowed)
    throw base::DataError(
        ids.file, ": ", unknown, " of the ", ids.ids.size(),
        " dialogues that it names are not in the corpus (", first,
        static_cast<std::size_t>(unknown) > kNamed ? ", …" : "",
        "); take them out, or let them be missing: data.split.unknown_ids=", unknown);
  return unknown;
}

}  // namespace corpus
