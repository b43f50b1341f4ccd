#include "corpus/redial.h"

#include <algorithm>
#include <cctype>
#include <unordered_map>

#include "base/files.h"
#include "base/json.h"
#include "corpus/entities.h"
#include "corpus/find_file.h"
#include "corpus/titles.h"
#include "dialogue/html_entities.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;
using base::DataError;
using base::Json;

// Room between two conversationIds for the dialogues that have none.
constexpr std::int64_t kOrderStep = 1000;
// The catalogue's ids have five digits or six; "@5" or "@9pm" is somebody's writing.
constexpr std::size_t kIdDigits = 5;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// ---- titles ----

// The fields of one row of comma-separated values; quotes are doubled inside quoted fields.
std::vector<std::string> split_row(std::string_view row, const std::string& where) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const char c = row[i];
    if (quoted && c == '"' && i + 1 < row.size() && row[i + 1] == '"') {
      fields.back() += row[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (quoted) throw DataError(where, ": a quoted field without its closing quote");
  return fields;
}

// ---- dialogues ----

struct Row {
  dialogue::Dialogue dialogue;
  std::optional<std::int64_t> conversation;
  std::optional<std::int64_t> train_index;
};

const Json& member(const Json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end()) throw DataError(where, ": \"", key, "\" is missing");
  return *found;
}

// "20001" and 20001 are the same id.
std::string id_text(const Json& value, const char* key, const std::string& where) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  throw DataError(where, ": \"", key, "\" is ", value.dump(), ", expected an id");
}

int find_movie(const std::string& id, const dialogue::Catalogue& catalogue, const char* in,
               const std::string& where) {
  const auto movie = catalogue.find(id);
  if (!movie)
    throw DataError(where, ": ", in, " names movie ", id,
                    ", which movies_with_mentions.csv lacks; do the two files belong together?");
  return *movie;
}

std::vector<dialogue::Mention> find_mentions(const std::string& text,
                                             const dialogue::Catalogue& catalogue,
                                             const std::string& where) {
  std::vector<dialogue::Mention> mentions;
  for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at + 1)) {
    std::size_t end = at + 1;
    while (end < text.size() && is_digit(text[end])) ++end;
    const std::string id = text.substr(at + 1, end - at - 1);
    if (id.empty()) continue;
    const auto movie =
        id.size() < kIdDigits ? catalogue.find(id) : find_movie(id, catalogue, "a message", where);
    if (movie) mentions.push_back({*movie, at, end});
  }
  return mentions;
}

std::optional<bool> said(const Json& entry, const char* key, const std::string& where) {
  const auto value = base::optional<int>(entry, key, where);
  if (value && (*value < 0 || *value > 2))
    throw DataError(where, ": \"", key, "\" is ", *value, ", expected 0, 1 or 2 (did not say)");
  return !value || *value == 2 ? std::nullopt : std::optional<bool>(*value == 1);
}

// A form is {id: {suggested, seen, liked}}, in the reconstructed file {id: liked}; an empty one may
// be [].
std::vector<dialogue::Label> read_form(const Json& json, const char* form, const char* liked_only,
                                       const dialogue::Catalogue& catalogue,
                                       const std::string& where) {
  std::vector<dialogue::Label> labels;
  const char* key = json.contains(form) ? form : liked_only;
  const auto found = json.find(key);
  if (found == json.end() || found->is_null() || (found->is_array() && found->empty()))
    return labels;
  if (!found->is_object()) throw DataError(where, ": \"", key, "\" is no object");
  for (const auto& [id, entry] : found->items()) {
    dialogue::Label label;
    label.item = find_movie(id, catalogue, key, where);
    if (entry.is_object()) {
      label.suggested = said(entry, "suggested", where);
      label.seen = said(entry, "seen", where);
      label.liked = said(entry, "liked", where);
    } else {
      label.liked = said(*found, id.c_str(), where);
    }
    labels.push_back(label);
  }
  return labels;
}

void check_movies(const Json& json, const dialogue::Catalogue& catalogue,
                  const std::string& where) {
  const Json& movies = member(json, "movieMentions", where);
  if (movies.is_array() && movies.empty()) return;
  if (!movies.is_object()) throw DataError(where, ": \"movieMentions\" is no object");
  for (const auto& [id, title] : movies.items())
    if (id.size() >= kIdDigits) find_movie(id, catalogue, "movieMentions", where);
}

dialogue::Turn read_message(const Json& message, const Json& seeker, const Json& recommender,
                            std::size_t index, const dialogue::Catalogue& catalogue,
                            const std::string& where) {
  dialogue::Turn turn;
  const auto id = message.find("messageId");
  turn.id = id == message.end() ? std::to_string(index) : id_text(*id, "messageId", where);
  const Json& sender = member(message, "senderWorkerId", where);
  if (sender != seeker && sender != recommender)
    throw DataError(where, ": \"senderWorkerId\" is ", sender.dump(), ", expected ", seeker.dump(),
                    " or ", recommender.dump());
  turn.role = sender == seeker ? dialogue::Role::seeker : dialogue::Role::recommender;
  turn.text = base::require<std::string>(message, "text", where);
  turn.time = base::optional<double>(message, "timeOffset", where);
  turn.mentions = find_mentions(turn.text, catalogue, where);
  return turn;
}

Row read_row(const Json& json, const std::string& source, const dialogue::Catalogue& catalogue,
             long line, const std::string& where) {
  Row row;
  row.train_index = base::optional<std::int64_t>(json, "trainIndex", where);
  const Json& conversation = member(json, "conversationId", where);
  if (!conversation.is_null()) {
    row.dialogue.id = id_text(conversation, "conversationId", where);
    const bool number = !row.dialogue.id.empty() && row.dialogue.id.size() < 16 &&
                        std::all_of(row.dialogue.id.begin(), row.dialogue.id.end(), is_digit);
    row.conversation = number ? std::stoll(row.dialogue.id) : line;
    row.dialogue.order = *row.conversation * kOrderStep;
  } else if (row.train_index) {
    row.dialogue.id = "train-" + std::to_string(*row.train_index);
  } else {
    throw DataError(where, ": \"conversationId\" is null and there is no \"trainIndex\"");
  }
  row.dialogue.source = source;
  check_movies(json, catalogue, where);
  const Json& seeker = member(json, "initiatorWorkerId", where);
  const Json& recommender = member(json, "respondentWorkerId", where);
  // The reconstructed file numbers the two people of each dialogue 0 and 1: no worker ids.
  if (!json.contains("reconstruction")) {
    row.dialogue.seeker = id_text(seeker, "initiatorWorkerId", where);
    row.dialogue.recommender = id_text(recommender, "respondentWorkerId", where);
  }
  const Json& messages = member(json, "messages", where);
  if (!messages.is_array()) throw DataError(where, ": \"messages\" is no list");
  for (const Json& message : messages)
    row.dialogue.turns.push_back(
        read_message(message, seeker, recommender, row.dialogue.turns.size(), catalogue, where));
  row.dialogue.seeker_labels =
      read_form(json, "initiatorQuestions", "initiatorLiked", catalogue, where);
  row.dialogue.recommender_labels =
      read_form(json, "respondentQuestions", "respondentLiked", catalogue, where);
  return row;
}

std::vector<Row> read_rows(const fs::path& file, const dialogue::Catalogue& catalogue) {
  const std::string name = file.filename().string();
  const std::string source = name.substr(0, name.find('.'));
  std::vector<Row> rows;
  std::unordered_map<std::string, long> lines;
  base::read_lines(file, [&](std::string_view text, long line) {
    const std::string where = base::concatenate(file.string(), ":", line);
    rows.push_back(read_row(base::parse_json(text, where), source, catalogue, line, where));
    const std::string& id = rows.back().dialogue.id;
    const auto [first, is_new] = lines.emplace(id, line);
    if (!is_new)
      throw DataError(where, ": conversation ", id, " was already on line ", first->second);
  });
  return rows;
}

// Gives an order to rows without a conversationId. `others` are the sorted conversationIds of
// dialogues in other files of the same training set. The official file is sorted by conversationId
// and trainIndex counts its lines, so the lines between this row and the one before it in this file
// are others': that many of the others after that row's id come first.
void place_rows_without_id(std::vector<Row>& rows, const std::vector<std::int64_t>& others) {
  std::vector<Row*> sorted;
  for (Row& row : rows)
    if (row.train_index) sorted.push_back(&row);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Row* a, const Row* b) { return *a->train_index < *b->train_index; });
  std::int64_t before = 0;        // conversationId of the last row that has one
  std::int64_t index = -1;        // and its trainIndex
  std::int64_t rows_between = 0;  // rows without id since then
  for (Row* row : sorted) {
    if (row->conversation) {
      before = *row->conversation;
      index = *row->train_index;
      rows_between = 0;
      continue;
    }
    const std::int64_t skipped = *row->train_index - index - 1 - rows_between++;
    const auto first = std::upper_bound(others.begin(), others.end(), before);
    const std::int64_t left = others.end() - first;
    const std::int64_t behind =
        skipped == 0 || left == 0 ? before : *(first + std::min(skipped, left) - 1);
    row->dialogue.order = behind * kOrderStep + rows_between;
  }
}

const char* const kFolder =
    "ReDial's folder holds train_data.jsonl, or train_part and train_rest_reconstructed";

void sort_by_order(std::vector<dialogue::Dialogue>& dialogues) {
  std::stable_sort(dialogues.begin(), dialogues.end(),
                   [](const auto& a, const auto& b) { return a.order < b.order; });
}

}  // namespace

dialogue::Catalogue read_redial_catalogue(const fs::path& file) {
  std::vector<dialogue::Item> items;
  base::read_lines(file, [&](std::string_view text, long line) {
    const std::string where = base::concatenate(file.string(), ":", line);
    const std::vector<std::string> fields = split_row(text, where);
    if (fields.size() < 2)
      throw DataError(where, ": ", fields.size(), " field, expected movieId,movieName");
    if (line == 1 && fields[0] == "movieId") return;
    dialogue::Item item;
    item.id = fields[0];
    if (item.id.empty() || !std::all_of(item.id.begin(), item.id.end(), is_digit))
      throw DataError(where, ": movieId is \"", item.id, "\", expected digits");
    item.title = squeeze(dialogue::without_html_entities(fields[1]));
    item.domain = "movie";
    item.year = year_in_brackets(item.title);
    items.push_back(std::move(item));
  });
  try {
    return dialogue::Catalogue(std::move(items));
  } catch (const base::Error& error) {
    throw DataError(file, ": ", error.what());
  }
}

std::vector<dialogue::Dialogue> read_redial_file(const fs::path& file,
                                                 const dialogue::Catalogue& catalogue) {
  std::vector<Row> rows = read_rows(file, catalogue);
  place_rows_without_id(rows, {});
  std::vector<dialogue::Dialogue> dialogues;
  for (Row& row : rows) dialogues.push_back(std::move(row.dialogue));
  return dialogues;
}

dialogue::Corpus read_redial(const fs::path& folder) {
  dialogue::Corpus corpus;
  corpus.catalogue = read_redial_catalogue(folder / "movies_with_mentions.csv");
  const fs::path published = find_file(folder, "train_data.jsonl");
  if (!published.empty() && find_file(folder, "train_part.jsonl").empty()) {
    corpus.dialogues = read_redial_file(published, corpus.catalogue);
    sort_by_order(corpus.dialogues);
    return corpus;
  }
  corpus.dialogues =
      read_redial_file(need_file(folder, "train_part.jsonl", kFolder), corpus.catalogue);
  std::vector<std::int64_t> ids;
  for (const dialogue::Dialogue& dialogue : corpus.dialogues)
    ids.push_back(dialogue.order / kOrderStep);
  std::sort(ids.begin(), ids.end());
  std::vector<Row> rest =
      read_rows(need_file(folder, "train_rest_reconstructed.jsonl", kFolder), corpus.catalogue);
  place_rows_without_id(rest, ids);
  for (Row& row : rest) corpus.dialogues.push_back(std::move(row.dialogue));
  sort_by_order(corpus.dialogues);
  return corpus;
}

}  // namespace corpus
