#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dialogue/dialogue.h"

namespace corpus {

// What a published, processed split evaluates on, counted from its own files: rules differ between
// papers, and so do denominators.
struct PublishedFile {
  std::string name;             // of the file; empty: the folder has candidates only
  std::string made_by;          // "UniCRS", "iEvaLM", …: whose form it has
  std::int64_t rows = 0;        // turns of the recommender that it lists
  std::int64_t turns = 0;       // of these, evaluated: with items, and something before them
  std::int64_t targets = 0;     // items of these turns, as often as they are listed
  std::int64_t repeated = 0;    // of these, named before
  std::int64_t unranked = 0;    // of these, not among the candidates: hits are impossible
  std::int64_t candidates = 0;  // items that are ranked
};

// The files of a folder that are of a known form (plain or .xz), by name:
//   UniCRS         {context, resp, rec: [number, …], entity}
//   LLM zero-shot  the same with prev_entity (He et al., 2023): rows of the user are not counted
//   iEvaLM         {dialog_id, turn_id, context, entity, rec: [title, …], resp}
// with the candidates of item_ids.json beside them (numbers, names through entity2id.json), and
//   KGSF           movie_ids.json and id2entity.json: candidates only
// A folder with item_ids.json alone has candidates only. Throws base::DataError where it holds none
// of these, or a file is damaged.
std::vector<PublishedFile> count_published(const std::filesystem::path& folder);

// Files of a folder with whole dialogues in ReDial's own form, by name.
std::vector<std::filesystem::path> find_redial_files(const std::filesystem::path& folder);

// How many instances the rules of a paper make of dialogues.
struct RuleCount {
  std::string rule;              // "attune, Kostric & Balog"
  std::string what;              // what it says, for people
  std::int64_t turns = 0;        // instances, where a turn is one
  std::int64_t targets = 0;      // instances, where an item of a turn is one
  std::int64_t new_targets = 0;  // of these, not named in any earlier turn
};

// The rules side by side on the same dialogues. linked: by item, whether it has an entity in
// DBpedia, for the rule that needs one; without it that rule is left out.
std::vector<RuleCount> count_by_rules(const std::vector<dialogue::Dialogue>& dialogues,
                                      const std::optional<std::vector<bool>>& linked);

// By item, whether the id2entity.json of a folder gives it a URI. Throws base::DataError.
std::vector<bool> linked_items(const std::filesystem::path& folder,
                               const dialogue::Catalogue& catalogue);

}  // namespace corpus
