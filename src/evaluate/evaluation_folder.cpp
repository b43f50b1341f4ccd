#include "evaluate/evaluation_folder.h"

#include <functional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "evaluate/report.h"

namespace evaluate {
namespace {

namespace fs = std::filesystem;

struct Message {
  std::int64_t conversation = 0;
  std::set<std::string> items;
};
using Messages = std::map<std::string, Message>;  // by query

Messages read_instances(const fs::path& file) {
  if (!fs::exists(file))
    throw base::DataError(file,
                          ": no such file. An evaluation by an earlier version has none: evaluate "
                          "again, `attune evaluate RUN run.redo=true`");
  Messages messages;
  base::read_lines(file, [&](std::string_view line, long number) {
    const std::string where = base::concatenate(file.string(), ":", number);
    const base::Json json = base::parse_json(line, where);
    Message message;
    message.conversation = base::require<std::int64_t>(json, "conversation", where);
    for (const base::Json& item : base::require<base::Json>(json, "items", where))
      message.items.insert(base::require<std::string>(item, "item", where));
    const auto query = base::require<std::string>(json, "query", where);
    if (!messages.emplace(query, std::move(message)).second)
      throw base::DataError(where, ": query ", query, " stands there twice");
  });
  return messages;
}

using Fields = std::vector<std::string_view>;
using TakeLine = std::function<void(const Fields& fields, const std::string& file, long number)>;

// Calls `take` for each line, cut at its spaces.
void read_trec(const fs::path& path, const char* form, std::size_t count, const TakeLine& take) {
  const std::string file = path.string();
  Fields fields;
  base::read_lines(path, [&](std::string_view line, long number) {
    fields.clear();
    for (std::size_t at = line.find_first_not_of(' '); at != std::string_view::npos;) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      fields.push_back(line.substr(at, end - at));
      at = line.find_first_not_of(' ', end);
    }
    if (fields.size() != count)
      throw base::DataError(file, ":", number, ": ", fields.size(), " fields, expected ", form);
    take(fields, file, number);
  });
}

// The relevant items of a query, with the number of each pair.
using Wanted = std::unordered_map<std::string, std::vector<std::pair<std::string, std::size_t>>>;

EvaluationFolder::Pairs read_pairs(const fs::path& path, const Messages& messages, Wanted& wanted) {
  EvaluationFolder::Pairs pairs;
  read_trec(path, "QUERY 0 ITEM 1", 4, [&](const Fields& fields, const std::string& file, long n) {
    const std::string query(fields[0]), item(fields[2]);
    const auto message = messages.find(query);
    if (message == messages.end() || !message->second.items.contains(item))
      throw base::DataError(file, ":", n, ": instances.jsonl has no item ", item, " in a query ",
                            query);
    auto& own = wanted[query];
    for (const auto& [other, pair] : own)
      if (other == item) throw base::DataError(file, ":", n, ": item ", item, " is there twice");
    own.emplace_back(item, pairs.names.size());
    pairs.names.push_back(query + " " + item);
    pairs.clusters.push_back(message->second.conversation);
  });
  return pairs;
}

// The rank of every pair in a model's file.
std::vector<std::size_t> read_ranks(const fs::path& path, const Wanted& wanted, std::size_t pairs) {
  std::vector<std::size_t> ranks(pairs, kNotListed);
  std::unordered_set<std::string> done;
  Wanted::const_iterator query = wanted.end();  // that the lines are about
  std::size_t rank = 0;
  const auto take = [&](const Fields& fields, const std::string& file, long number) {
    if (query == wanted.end() || query->first != fields[0]) {
      query = wanted.find(std::string(fields[0]));
      if (query == wanted.end())
        throw base::DataError(file, ":", number, ": qrels.trec has no query ", fields[0]);
      if (!done.insert(query->first).second)
        throw base::DataError(file, ":", number, ": query ", fields[0], " was ranked before");
      rank = 0;
    }
    if (fields[3] != std::to_string(++rank))
      throw base::DataError(file, ":", number, ": rank ", fields[3], ", expected ", rank);
    for (const auto& [item, pair] : query->second) {
      if (item != fields[2]) continue;
      if (ranks[pair] != kNotListed)
        throw base::DataError(file, ":", number, ": item ", item, " was ranked before");
      ranks[pair] = rank - 1;
    }
  };
  read_trec(path, "QUERY Q0 ITEM RANK SCORE MODEL", 6, take);
  for (const auto& [name, items] : wanted)
    if (!done.contains(name))
      throw base::DataError(path, ": ranks nothing for query ", name, " of qrels.trec");
  return ranks;
}

}  // namespace

EvaluationFolder read_evaluation(const fs::path& folder) {
  EvaluationFolder out{folder, {}, {}};
  const Messages messages = read_instances(folder / "instances.jsonl");
  for (const ModelScores& model : read_report_models(folder / "report.json"))
    if (fs::exists(folder / protocol_name(Protocol::v1) / (model.name + ".trec")))
      out.models.push_back(model.name);
  for (const Protocol protocol : kProtocols) {
    const fs::path place = folder / protocol_name(protocol);
    if (protocol != Protocol::v1 && !fs::exists(place)) continue;
    Wanted wanted;
    EvaluationFolder::Pairs pairs = read_pairs(place / "qrels.trec", messages, wanted);
    for (const std::string& model : out.models)
      pairs.ranks[model] = read_ranks(place / (model + ".trec"), wanted, pairs.names.size());
    if (!pairs.names.empty()) out.protocols.emplace(protocol, std::move(pairs));
  }
  return out;
}

ProtocolRanks ranks_in(Protocol protocol, const EvaluationFolder& evaluation,
                       const std::string& model) {
  const EvaluationFolder::Pairs& pairs = evaluation.protocols.at(protocol);
  const auto found = pairs.ranks.find(model);
  base::check(found != pairs.ranks.end(), evaluation.folder.string(), " has no rankings of ",
              model);
  return {found->second, pairs.clusters, {}};
}

}  // namespace evaluate
