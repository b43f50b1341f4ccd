#include "corpus/inspired.h"

#include <algorithm>
#include <unordered_map>

#include "base/files.h"
#include "base/json.h"
#include "corpus/dropped.h"
#include "corpus/entities.h"
#include "corpus/find_file.h"
#include "corpus/inspired_outcomes.h"
#include "corpus/knowledge.h"
#include "corpus/place_mentions.h"
#include "corpus/titles.h"
#include "corpus/turn_records.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;
using base::DataError;
using base::Json;
using dialogue::Dialogue;
using dialogue::Role;
using Texts = std::vector<std::string>;

struct Utterance {
  Role role = Role::seeker;
  std::string text;
  Texts movies;    // "Knives Out (2019)"; may be more than links
  Texts links;     // URIs of movies
  Texts names;     // of the links, as in the text where it is there
  Texts entities;  // names of people, genres and what else was linked
};

using Conversation = std::vector<Utterance>;

Utterance read_utterance(const Json& json, const std::string& where) {
  Utterance out;
  const auto role = base::require<std::string>(json, "role", where);
  if (role != "SEEKER" && role != "RECOMMENDER")
    throw DataError(where, ": unknown role \"", role, "\", expected SEEKER or RECOMMENDER");
  out.role = role == "SEEKER" ? Role::seeker : Role::recommender;
  out.text = base::require<std::string>(json, "text", where);
  out.movies = base::optional<Texts>(json, "movie", where).value_or(Texts{});
  out.links = base::require<Texts>(json, "movie_link", where);
  out.names = base::require<Texts>(json, "movie_name", where);
  out.entities = base::optional<Texts>(json, "entity_name", where).value_or(Texts{});
  if (out.links.size() != out.names.size())
    throw DataError(where, ": ", out.links.size(), " movie_link and ", out.names.size(),
                    " movie_name, expected as many");
  return out;
}

// Each line's conversation.
std::vector<Conversation> read_conversations(const fs::path& file) {
  std::vector<Conversation> conversations;
  base::read_lines(file, [&](std::string_view text, long line) {
    const std::string where = base::concatenate(file.string(), ":", line);
    const Json json = base::parse_json(text, where);
    if (!json.is_array()) throw DataError(where, ": expected a list of utterances");
    Conversation conversation;
    for (std::size_t i = 0; i < json.size(); ++i)
      conversation.push_back(read_utterance(json[i], base::concatenate(where, ": [", i, "]")));
    conversations.push_back(std::move(conversation));
  });
  return conversations;
}

// What the text names first, of what it is said to name.
std::string first_named(const Utterance& utterance) {
  Texts names = utterance.names;
  names.insert(names.end(), utterance.entities.begin(), utterance.entities.end());
  std::string first;
  std::size_t place = std::string::npos;
  for (const std::string& name : names) {
    const std::size_t at = std::min(lower(utterance.text).find(lower(name)), utterance.text.size());
    if (name.empty() || at >= place) continue;
    place = at;
    first = name;
  }
  return first;
}

dialogue::Turn make_turn(const Utterance& utterance, const dialogue::Catalogue& catalogue,
                         DropCounter& dropped) {
  dialogue::Turn turn;
  turn.role = utterance.role;
  turn.text = utterance.text;
  const bool recommends = turn.role == Role::recommender;
  std::vector<dialogue::Name> names;
  for (std::size_t i = 0; i < utterance.links.size(); ++i) {
    if (const auto item = catalogue.find(last_part(utterance.links[i])))
      names.push_back({utterance.names[i], *item});
    else
      dropped.add(recommends ? "movies of the recommender that the catalogue lacks"
                             : "movies of the seeker that the catalogue lacks");
  }
  PlacedMentions placed = place_all_mentions(turn.text, names);
  turn.mentions = std::move(placed.mentions);
  dropped.add("linked movies that their turn does not name, kept without a place",
              placed.without_place);
  if (utterance.movies.size() > utterance.links.size())
    dropped.add("movies named without a link to DBpedia, not read",
                static_cast<std::int64_t>(utterance.movies.size() - utterance.links.size()));
  return turn;
}

std::vector<Dialogue> make_dialogues(const std::vector<Conversation>& conversations,
                                     const std::string& source,
                                     const dialogue::Catalogue& catalogue, DropCounter& dropped) {
  std::vector<Dialogue> dialogues;
  for (const Conversation& conversation : conversations) {
    Dialogue dialogue;
    dialogue.order = static_cast<std::int64_t>(dialogues.size()) + 1;
    dialogue.id = source + "-" + std::to_string(dialogue.order);
    dialogue.source = source;
    for (const Utterance& utterance : conversation) {
      if (dialogue.seed.empty()) dialogue.seed = first_named(utterance);
      dialogue.turns.push_back(make_turn(utterance, catalogue, dropped));
      dialogue.turns.back().id = std::to_string(dialogue.turns.size() - 1);
    }
    dialogues.push_back(std::move(dialogue));
  }
  return dialogues;
}

// Movies by the last part of their URI, in order of first appearance.
class Movies {
 public:
  // The title that an utterance gives to its link: with the year where one of its movies has it.
  void add(const std::string& link, const std::string& name, const Texts& movies) {
    std::string title = name;
    for (const std::string& movie : movies)
      if (movie.starts_with(name + " (") && year_in_brackets(movie)) title = movie;
    const auto [place, is_new] = places_.emplace(last_part(link), items_.size());
    if (is_new) items_.push_back({last_part(link), title, "movie", year_in_brackets(title), {}});
    dialogue::Item& item = items_[place->second];
    if (item.year || !year_in_brackets(title)) return;
    item.title = title;
    item.year = year_in_brackets(title);
  }
  // One that no dialogue names: what its URI says.
  void add(const std::string& uri) {
    if (places_.count(last_part(uri))) return;
    const auto year = year_in_brackets(last_part(uri));
    const std::string name = readable_name(uri);
    add(uri, name, year ? Texts{name + " (" + std::to_string(*year) + ")"} : Texts{});
  }
  std::vector<dialogue::Item> take() { return std::move(items_); }

 private:
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<dialogue::Item> items_;
};

void add_candidates(const fs::path& folder, Movies& movies) {
  const fs::path file = find_file(folder, "item_ids.json");
  if (file.empty()) return;
  const Entities entities(need_file(folder, "entity2id.json", "item_ids.json needs it"));
  const Json ids = base::read_json(file);
  if (!ids.is_array()) throw DataError(file, ": expected a list of numbers");
  for (const Json& id : ids) {
    const std::string* uri = id.is_number_integer() ? entities.name(id.get<int>()) : nullptr;
    if (!uri) throw DataError(file, ": item ", id.dump(), " has no name in entity2id.json");
    movies.add(*uri);
  }
}

}  // namespace

bool is_inspired(const fs::path& folder) {
  return !find_file(folder / "unicrs", "train_data_dbpedia.jsonl").empty();
}

bool is_inspired_line(const std::string& line) {
  return line.starts_with('[') && line.find("\"movie_link\"") != std::string::npos;
}

dialogue::Corpus read_inspired_file(const fs::path& file, const dialogue::Catalogue& catalogue) {
  DropCounter dropped;
  dialogue::Corpus corpus{
      catalogue, make_dialogues(read_conversations(file), source_of(file), catalogue, dropped)};
  corpus.dropped = dropped.take();
  return corpus;
}

dialogue::Corpus read_inspired(const fs::path& folder) {
  const fs::path unicrs = folder / "unicrs";
  const std::string because = "INSPIRED's folder needs it";
  std::vector<std::pair<std::string, std::vector<Conversation>>> parts;
  Movies movies;
  for (const char* source : {"train", "valid"}) {
    const std::string name = std::string(source) + "_data_dbpedia.jsonl";
    parts.emplace_back(source, read_conversations(need_file(unicrs, name, because)));
    for (const Conversation& conversation : parts.back().second)
      for (const Utterance& utterance : conversation)
        for (std::size_t i = 0; i < utterance.links.size(); ++i)
          movies.add(utterance.links[i], utterance.names[i], utterance.movies);
  }
  add_candidates(
      fs::absolute(folder).lexically_normal() / ".." / "crs_splits" / "llm_zeroshot_inspired",
      movies);
  dialogue::Corpus corpus;
  corpus.catalogue = dialogue::Catalogue(movies.take());
  if (!find_file(unicrs, "dbpedia_subkg.json").empty())
    corpus.catalogue = with_knowledge(corpus.catalogue, {unicrs}).catalogue;
  DropCounter dropped;
  for (const auto& [source, conversations] : parts)
    for (Dialogue& dialogue : make_dialogues(conversations, source, corpus.catalogue, dropped))
      corpus.dialogues.push_back(std::move(dialogue));
  int joined = 0;
  if (const fs::path outcomes = find_file(folder, "dev.tsv"); !outcomes.empty())
    joined = add_inspired_outcomes(outcomes, corpus.dialogues);
  dropped.add("dialogues whose outcome is not known",
              static_cast<std::int64_t>(corpus.dialogues.size()) - joined);
  corpus.dropped = dropped.take();
  return corpus;
}

}  // namespace corpus
