#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dialogue/dialogue.h"

namespace corpus {

// What files said of the items of a catalogue.
struct Knowledge {
  dialogue::Catalogue catalogue;           // the same items in the same order, with more attributes
  int items_with_attributes = 0;           // any at all, those that were there before included
  std::map<std::string, int> with;         // attribute -> items that have it: {"genre", 6570}
  std::int64_t values = 0;                 // added: one for each item, attribute and value
  std::int64_t edges = 0;                  // of items, read from graphs
  std::vector<dialogue::Dropped> dropped;  // only what occurs
};

// Fills attributes, and the domain and year where they are not known, from folders as published. A
// folder is recognised by what it holds; each file may be packed (.xz):
//
//   id2info.json       {id: {name, genre, director, plot, …}}: each key but name and imdb_id is an
//                      attribute, plot with one value. An entry is of the item with its id where
//                      most entries that share an item's id share its title too, else of the items
//                      with its title. "year" fills Item::year. Where a folder has a graph of the
//                      same facts (kg.json) that is not read.
//   dbpedia_subkg.json {head: [[relation, tail], …]} with entity2id.json and relation2id.json: an
//                      item's own edges only. The attribute is the relation's last part
//                      ("starring"), the value readable_name of the tail; "self_loop" says nothing.
//   id2entity.json     {item id: URI or null}: what items are called in the graphs of all folders
//                      given. Without it an item is found by its id as URI or a URI's last part.
//
// A value that an attribute has already, in either case, is not added again. Edges to a number
// without a name, entries of no item of the catalogue and items that no graph knows are counted in
// `dropped`. Throws base::DataError where a folder holds none of these, a file is damaged or needs
// another that is missing, or two names share a number.
Knowledge with_knowledge(const dialogue::Catalogue& catalogue,
                         const std::vector<std::filesystem::path>& folders);

}  // namespace corpus
