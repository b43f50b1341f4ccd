#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "evaluate/ranking.h"

namespace evaluate {

// The rankings that an evaluation left in its folder, read back from its TREC files and
// instances.jsonl (docs/formats.md).
struct EvaluationFolder {
  struct Pairs {
    std::vector<std::string> names;                         // "QUERY ITEM", as in qrels.trec
    std::vector<std::int64_t> clusters;                     // the conversation of each
    std::map<std::string, std::vector<std::size_t>> ranks;  // by model, one a pair, from 0
  };
  std::filesystem::path folder;
  std::vector<std::string> models;      // that have files, in the order of its report
  std::map<Protocol, Pairs> protocols;  // the protocols that have a pair
};

// A pair's rank where a model's list does not hold the item: behind every cutoff up
// to kListed.
inline constexpr std::size_t kNotListed = static_cast<std::size_t>(-1);

// Throws base::DataError naming file and line where a file is missing or damaged, names a query or
// an item that the others do not know, or ranks a query or a relevant item twice or not in order.
EvaluationFolder read_evaluation(const std::filesystem::path& folder);

// The pairs of one model, as pair_values takes them; `messages` is empty. Throws base::Error
// (internal) where it has none there.
ProtocolRanks ranks_in(Protocol protocol, const EvaluationFolder& evaluation,
                       const std::string& model);

}  // namespace evaluate
