#include "recommend/rank_items.h"

#include "recommend/explain.h"

namespace recommend {

std::vector<RankedItem> rank_items(dialogue::Recommender& recommender, const TrainedModel& model,
                                   const dialogue::State& state, const Constraints& constraints,
                                   std::size_t top, double diversity, Reasons reasons) {
  const std::vector<float> row = recommender.rank({state}).front();
  const RankContext context =
      reasons == Reasons::given ? model.ranker.read_state(state) : RankContext{};
  std::vector<RankedItem> out;
  for (int item : choose_items(row, constraints, state, model.catalogue,
                               model.ranker.tables().entities, top, diversity)) {
    out.push_back({item, row[static_cast<std::size_t>(item)], {}});
    if (reasons == Reasons::given)
      out.back().reasons = explain(model.ranker, context, item, model.catalogue);
  }
  return out;
}

}  // namespace recommend
