#include "corpus/opendialkg.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/files.h"
#include "base/json.h"
#include "corpus/dropped.h"
#include "corpus/entities.h"
#include "corpus/find_file.h"
#include "corpus/knowledge.h"
#include "corpus/place_mentions.h"
#include "corpus/titles.h"
#include "corpus/turn_records.h"
#include "dialogue/find_names.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;
using base::DataError;
using base::Json;
using dialogue::Dialogue;
using dialogue::Role;

constexpr const char* kNeeded = "OpenDialKG's folder needs it";
// Book dialogues are numbered behind the 3,269 movie dialogues.
constexpr int kFirstBook = 3269;

struct BookTurn {
  Role role = Role::seeker;
  std::string text;
  std::vector<std::string> items;  // titles
};
using Book = std::vector<BookTurn>;

// By dialogue id.
std::map<std::string, Book> read_books(const fs::path& file) {
  std::map<std::string, Book> books;
  base::read_lines(file, [&](std::string_view text, long line) {
    const std::string where = base::concatenate(file.string(), ":", line);
    const Json json = base::parse_json(text, where);
    if (!json.is_array()) throw DataError(where, ": expected a list of turns");
    Book& book = books[std::to_string(kFirstBook + line - 1)];
    for (const Json& turn : json) {
      const auto role = base::require<std::string>(turn, "role", where);
      if (role != "user" && role != "assistant")
        throw DataError(where, ": unknown role \"", role, "\", expected user or assistant");
      book.push_back({role == "user" ? Role::seeker : Role::recommender,
                      base::require<std::string>(turn, "text", where),
                      base::require<std::vector<std::string>>(turn, "item", where)});
    }
  });
  return books;
}

bool begins_as(const Book& book, const Dialogue& dialogue) {
  if (book.size() < dialogue.turns.size()) return false;
  for (std::size_t i = 0; i < dialogue.turns.size(); ++i)
    if (book[i].text != dialogue.turns[i].text || book[i].role != dialogue.turns[i].role)
      return false;
  return true;
}

bool recommends(const BookTurn& turn) {
  return turn.role == Role::recommender && !turn.items.empty();
}

// The turns behind the last one up to the next that recommends, which some other split may hold.
void go_on(Dialogue& dialogue, const Book& book, const Titles& titles,
           const dialogue::Catalogue& catalogue) {
  for (std::size_t i = dialogue.turns.size(); i < book.size() && !recommends(book[i]); ++i) {
    dialogue::Turn turn;
    turn.id = std::to_string(i);
    turn.role = book[i].role;
    turn.text = book[i].text;
    std::vector<int> items;
    for (const std::string& title : book[i].items)
      if (const auto& found = titles.find(title); !found.empty()) items.push_back(found.front());
    turn.mentions = place_mentions(turn.text, titles_of(items, catalogue));
    dialogue.turns.push_back(std::move(turn));
  }
}

void add_books(const fs::path& file, dialogue::Corpus& corpus, DropCounter& dropped) {
  std::map<std::string, Book> books = read_books(file);
  const Titles titles(corpus.catalogue);
  std::map<std::string, std::size_t> kept;  // turns of each book dialogue that are used
  for (Dialogue& dialogue : corpus.dialogues) {
    const auto book = books.find(dialogue.part_of);
    if (book == books.end()) continue;
    if (dialogue.source == "train") {
      if (begins_as(book->second, dialogue))
        go_on(dialogue, book->second, titles, corpus.catalogue);
      else
        dropped.add("book dialogues that differ from the turns of their split, not continued");
    }
    kept[dialogue.part_of] = std::max(kept[dialogue.part_of], dialogue.turns.size());
  }
  for (const auto& [id, book] : books) {
    if (!kept.count(id)) dropped.add("book dialogues without a turn in training or validation");
    const std::size_t rest = book.size() - std::min(kept[id], book.size());
    dropped.add("turns of book dialogues from the first recommendation on that is in neither split",
                static_cast<std::int64_t>(rest));
  }
}

// Common words are names only as they are written: "Her", "Love".
void seed_from_text(dialogue::Corpus& corpus, const Entities& entities) {
  std::vector<dialogue::Name> names;
  for (const std::string& name : entities.names()) {
    const bool is_phrase = name.find(' ') != std::string::npos;
    names.push_back({name, static_cast<int>(names.size()),
                     is_phrase ? dialogue::Name::Case::either : dialogue::Name::Case::exact});
  }
  const dialogue::NameFinder finder(names);
  for (Dialogue& dialogue : corpus.dialogues)
    for (std::size_t i = 0; i < dialogue.turns.size() && dialogue.seed.empty(); ++i) {
      const auto found = finder.find(dialogue.turns[i].text);
      if (!found.empty()) dialogue.seed = names[static_cast<std::size_t>(found.front().id)].words;
    }
}

// Records of one conversation may name an entity in one part only.
void share_seeds(std::vector<Dialogue>& dialogues) {
  std::unordered_map<std::string, std::string> seeds;
  for (const Dialogue& dialogue : dialogues)
    if (!dialogue.seed.empty()) seeds.emplace(dialogue.part_of, dialogue.seed);
  for (Dialogue& dialogue : dialogues)
    if (const auto seed = seeds.find(dialogue.part_of); seed != seeds.end())
      dialogue.seed = seed->second;
}

dialogue::Catalogue catalogue_of(std::vector<dialogue::Item> items, const fs::path& file) {
  try {
    return dialogue::Catalogue(std::move(items));
  } catch (const base::Error& error) {
    throw DataError(file, ": ", error.what());
  }
}

std::string domain_of(const dialogue::Item& item) {
  if (item.attributes.count("actor") || item.attributes.count("director")) return "movie";
  return item.attributes.count("writer") ? "book" : "";
}

}  // namespace

bool is_opendialkg(const fs::path& folder) {
  return !find_file(folder, "train_data_processed.jsonl").empty() &&
         !find_file(folder, "item_ids.json").empty();
}

dialogue::Catalogue read_opendialkg_catalogue(const fs::path& folder) {
  const Entities entities(need_file(folder, "entity2id.json", kNeeded));
  const fs::path file = need_file(folder, "item_ids.json", kNeeded);
  const Json ids = base::read_json(file);
  if (!ids.is_array()) throw DataError(file, ": expected a list of numbers");
  std::vector<dialogue::Item> items;
  for (const Json& id : ids) {
    if (!id.is_number_integer()) throw DataError(file, ": ", id.dump(), " is no whole number");
    const std::string* name = entities.name(id.get<int>());
    if (!name) throw DataError(file, ": item ", id.dump(), " has no name in entity2id.json");
    items.push_back({id.dump(), *name, "", {}, {}});
  }
  need_file(folder, "id2info.json", kNeeded);
  items = with_knowledge(catalogue_of(std::move(items), file), {folder}).catalogue.items();
  for (dialogue::Item& item : items) item.domain = domain_of(item);
  return dialogue::Catalogue(std::move(items));
}

dialogue::Corpus read_opendialkg(const fs::path& folder) {
  dialogue::Corpus corpus;
  corpus.catalogue = read_opendialkg_catalogue(folder);
  DropCounter dropped;
  for (const char* source : {"train", "valid"}) {
    const std::string name = std::string(source) + "_data_processed.jsonl";
    MergedRecords merged = merge_turn_records(read_turn_records(need_file(folder, name, kNeeded)),
                                              source, corpus.catalogue);
    for (Dialogue& dialogue : merged.dialogues) corpus.dialogues.push_back(std::move(dialogue));
    for (const Dropped& entry : merged.dropped) dropped.add(entry.what, entry.count);
  }
  if (const fs::path books = find_file(folder, "dialog_Books.jsonl"); !books.empty())
    add_books(books, corpus, dropped);
  share_seeds(corpus.dialogues);
  seed_from_text(corpus, Entities(need_file(folder, "entity2id.json", kNeeded)));
  share_seeds(corpus.dialogues);
  std::stable_sort(corpus.dialogues.begin(), corpus.dialogues.end(),
                   [](const Dialogue& a, const Dialogue& b) { return a.order < b.order; });
  corpus.dropped = dropped.take();
  return corpus;
}

}  // namespace corpus
