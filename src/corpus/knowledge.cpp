#include "corpus/knowledge.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/files.h"
#include "base/json.h"
#include "corpus/dropped.h"
#include "corpus/entities.h"
#include "corpus/find_file.h"
#include "corpus/titles.h"

namespace corpus {
namespace {

namespace fs = std::filesystem;
using base::DataError;
using base::Json;
using dialogue::Item;

bool only_digits(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Collects what is said of items.
class Collector {
 public:
  explicit Collector(const dialogue::Catalogue& catalogue)
      : catalogue_(catalogue), titles_(catalogue), items_(catalogue.items()) {}

  void read_info(const fs::path& file);
  void read_names(const fs::path& file);
  void read_graph(const fs::path& folder, const fs::path& file);
  Knowledge take();

 private:
  Item& at(int item) { return items_[static_cast<std::size_t>(item)]; }
  void add(int item, const std::string& attribute, const std::string& value) {
    if (value.empty()) return;
    std::vector<std::string>& values = at(item).attributes[attribute];
    const bool known = std::any_of(values.begin(), values.end(), [&](const std::string& there) {
      return lower(there) == lower(value);
    });
    if (known) return;
    values.push_back(value);
    ++out_.values;
  }
  bool is_by_id(const Json& info, const fs::path& file) const;
  std::vector<int> items_of(const std::string& id, const std::string& name, bool by_id) const;
  void add_info(int item, const std::string& key, const Json& value, const std::string& where);
  std::optional<int> entity_of(int item, const Entities& entities) const;

  const dialogue::Catalogue& catalogue_;  // as given
  Titles titles_;
  std::vector<Item> items_;
  std::unordered_map<std::string, std::string> uris_;  // of items, by id
  Knowledge out_;
  DropCounter dropped_;
};

bool Collector::is_by_id(const Json& info, const fs::path& file) const {
  std::size_t shared = 0, same = 0;
  for (const auto& [id, entry] : info.items()) {
    const auto item = catalogue_.find(id);
    if (!item) continue;
    ++shared;
    const auto name = base::require<std::string>(entry, "name", file.string() + ": " + id);
    const std::vector<int>& same_title = titles_.find(name);
    same += std::find(same_title.begin(), same_title.end(), *item) != same_title.end();
  }
  return 2 * same > shared;
}

std::vector<int> Collector::items_of(const std::string& id, const std::string& name,
                                     bool by_id) const {
  if (!by_id) return titles_.find(name);
  const auto item = catalogue_.find(id);
  return item ? std::vector<int>{*item} : std::vector<int>{};
}

void Collector::add_info(int item, const std::string& key, const Json& value,
                         const std::string& where) {
  if (key == "name" || key == "imdb_id") return;
  const auto text = [&](const Json& of) {
    if (!of.is_string())
      throw DataError(where, ": \"", key, "\" holds ", of.dump(), ", expected a text");
    return of.get<std::string>();
  };
  if (key == "year") {
    const std::string year = text(value);
    if (!only_digits(year) || year.size() != 4)
      dropped_.add("years that are no four digits");
    else if (!at(item).year)
      at(item).year = std::stoi(year);
  } else if (value.is_array()) {
    for (const Json& one : value) add(item, key, text(one));
  } else {
    add(item, key, text(value));
  }
}

void Collector::read_info(const fs::path& file) {
  const Json info = base::read_json(file);
  if (!info.is_object()) throw DataError(file, ": expected an object {id: {name, …}}");
  const bool by_id = is_by_id(info, file);
  for (const auto& [id, entry] : info.items()) {
    const std::string where = file.string() + ": " + id;
    const auto name = base::require<std::string>(entry, "name", where);
    const std::vector<int> items = items_of(id, name, by_id);
    if (items.empty()) dropped_.add("entries of id2info.json for no item of the catalogue");
    for (int item : items)
      for (const auto& [key, value] : entry.items()) add_info(item, key, value, where);
  }
}

void Collector::read_names(const fs::path& file) {
  const Json names = base::read_json(file);
  if (!names.is_object()) throw DataError(file, ": expected an object {item id: URI}");
  for (const auto& [id, uri] : names.items()) {
    if (uri.is_null()) continue;
    if (!uri.is_string())
      throw DataError(file, ": \"", id, "\" is ", uri.dump(), ", expected a URI or null");
    if (!catalogue_.find(id))
      dropped_.add("entries of id2entity.json for no item of the catalogue");
    else
      uris_.emplace(id, uri.get<std::string>());
  }
}

std::optional<int> Collector::entity_of(int item, const Entities& entities) const {
  const std::string& id = catalogue_[item].id;
  if (const auto uri = uris_.find(id); uri != uris_.end()) return entities.find(uri->second);
  if (const auto as_it_is = entities.find(id)) return as_it_is;
  return entities.find("<http://dbpedia.org/resource/" + id + ">");
}

void Collector::read_graph(const fs::path& folder, const fs::path& file) {
  const char* const because = "dbpedia_subkg.json needs it";
  const Entities entities(need_file(folder, "entity2id.json", because));
  const Entities relations(need_file(folder, "relation2id.json", because));
  const Json graph = base::read_json(file);
  if (!graph.is_object())
    throw DataError(file, ": expected an object {head: [[relation, tail], …]}");
  std::unordered_map<std::string, const Json*> edges_of;
  for (const auto& [head, edges] : graph.items()) edges_of.emplace(head, &edges);
  for (int item = 0; item < catalogue_.size(); ++item) {
    const auto entity = entity_of(item, entities);
    if (!entity) {
      dropped_.add("items that " + folder.filename().string() + " has no entity for");
      continue;
    }
    const std::string head = std::to_string(*entity);
    const auto edges = edges_of.find(head);
    if (edges == edges_of.end()) continue;
    if (!edges->second->is_array()) throw DataError(file, ": ", head, " holds no list of edges");
    for (const Json& edge : *edges->second) {
      if (!edge.is_array() || edge.size() != 2 || !edge[0].is_number_integer() ||
          !edge[1].is_number_integer())
        throw DataError(file, ": ", head, " has the edge ", edge.dump(),
                        ", expected [relation, tail]");
      const std::string* relation = relations.name(edge[0].get<int>());
      const std::string* tail = entities.name(edge[1].get<int>());
      if (relation && *relation == "self_loop") continue;
      ++out_.edges;
      if (!relation || !tail) {
        dropped_.add("edges to nowhere: a relation or an entity without a name");
        continue;
      }
      add(item, last_part(*relation), readable_name(*tail));
    }
  }
}

Knowledge Collector::take() {
  for (Item& item : items_) {
    out_.items_with_attributes += !item.attributes.empty();
    for (const auto& [name, values] : item.attributes) ++out_.with[name];
  }
  out_.dropped = dropped_.take();
  out_.catalogue = dialogue::Catalogue(std::move(items_));
  return std::move(out_);
}

}  // namespace

Knowledge with_knowledge(const dialogue::Catalogue& catalogue,
                         const std::vector<fs::path>& folders) {
  Collector collector(catalogue);
  // Names first: they are those of every graph.
  std::set<fs::path> recognised;
  for (const fs::path& folder : folders)
    if (const fs::path file = find_file(folder, "id2entity.json"); !file.empty()) {
      collector.read_names(file);
      recognised.insert(folder);
    }
  for (const fs::path& folder : folders) {
    const fs::path info = find_file(folder, "id2info.json");
    const fs::path graph = find_file(folder, "dbpedia_subkg.json");
    if (!info.empty()) collector.read_info(info);
    if (!graph.empty()) collector.read_graph(folder, graph);
    if (info.empty() && graph.empty() && !recognised.count(folder))
      throw DataError(folder,
                      ": no knowledge of items there: neither id2info.json, dbpedia_subkg.json nor "
                      "id2entity.json (.xz too)");
  }
  return collector.take();
}

}  // namespace corpus
