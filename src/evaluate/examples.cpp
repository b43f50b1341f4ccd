#include "evaluate/examples.h"

#include "evaluate/comparison.h"
#include "evaluate/slices.h"

namespace evaluate {
namespace {

void add_rule(InstanceRule rule, const ModelRanking& ranking,
              const std::vector<Instance>& instances, ModelScores& scores) {
  for (const Protocol protocol : {Protocol::v1, Protocol::v2}) {
    const ProtocolRanks ranks = ranks_in(protocol, ranking, instances);
    if (!ranks.pairs.empty()) scores.protocols[rule_protocol(protocol, rule)] = score(ranks);
  }
}

}  // namespace

Examples make_examples(const std::vector<const dialogue::Dialogue*>& dialogues,
                       const ExampleOptions& options) {
  Examples examples;
  examples.own = make_instances(dialogues, options.state, InstanceRule::own);
  examples.kbrd = make_instances(dialogues, options.state, InstanceRule::kbrd);
  examples.unicrs = make_instances(dialogues, options.state, InstanceRule::unicrs);
  examples.frequencies = options.frequencies;
  if (!options.frequencies.empty())
    examples.negatives = draw_negatives(examples.own, options.frequencies, options.seed);
  return examples;
}

ExampleRankings rank_examples(dialogue::Recommender& recommender, const Examples& examples,
                              const dialogue::Catalogue& catalogue, base::Console& console) {
  std::vector<ModelRanking> rankings =
      rank_lists(recommender,
                 {{.instances = &examples.own,
                   .negatives = examples.negatives.empty() ? nullptr : &examples.negatives},
                  {.instances = &examples.kbrd},
                  {.instances = &examples.unicrs}},
                 catalogue, console);
  return {std::move(rankings[0]), std::move(rankings[1]), std::move(rankings[2])};
}

ModelScores score_examples(const ExampleRankings& rankings, const Examples& examples,
                           const metrics::BootstrapOptions& options) {
  ModelScores scores = score_ranking(rankings.own, examples.own);
  for (auto& [name, protocol] : scores.protocols)
    protocol.intervals =
        pair_intervals(ranks_in(protocol_of(name), rankings.own, examples.own), options);
  if (!examples.negatives.empty())
    for (const NegativeKind kind : kNegativeKinds)
      for (std::size_t count : kNegativeCounts)
        if (const auto ranks =
                sampled_ranks(kind, count, rankings.own, examples.own, examples.negatives))
          scores.protocols[sampled_name(kind, count)] = score(*ranks);
  add_rule(InstanceRule::kbrd, rankings.kbrd, examples.kbrd, scores);
  add_rule(InstanceRule::unicrs, rankings.unicrs, examples.unicrs, scores);
  scores.slices = score_slices(rankings.own, examples.own, examples.frequencies);
  scores.lists = score_lists(rankings.own, rankings.own.items);
  scores.dialogues = score_dialogues(rankings.own, examples.own, options);
  return scores;
}

}  // namespace evaluate
