#include "recommend/extend.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "recommend/test_model.h"
#include "recommend/trained_recommender.h"

namespace recommend {
namespace {

dialogue::Item new_item(const char* id) {
  dialogue::Item item;
  item.id = id;
  item.title = "A new one (2030)";
  item.attributes["genre"] = {"western"};
  return item;
}

TEST(Extend, OldItemsKeepTheirOrderAndTheNewOneCanBeRankedAndNamed) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  const TrainedModel larger = extend_catalogue(model, {new_item("brand-new")});
  EXPECT_EQ(larger.catalogue.size(), model.catalogue.size() + 1);
  TrainedRecommender before("before", model), after("after", larger);
  const dialogue::State state = dialogue::state_before(training[0], 1);
  const std::vector<float> was = before.rank({state})[0], is = after.rank({state})[0];
  ASSERT_EQ(is.size(), was.size() + 1);
  // Item 0 was named: its probability is the copy model's, not shared with new ones.
  for (std::size_t i = 1; i + 1 < was.size(); ++i)
    EXPECT_NEAR(is[i] - is[i + 1], was[i] - was[i + 1], 1e-3);
  EXPECT_GT(is.back(), -30);
}

TEST(Extend, ComesBackFromItsFolder) {
  const auto training = testing::dialogues(6);
  const TrainedModel larger = extend_catalogue(testing::model(training), {new_item("brand-new")});
  base::TemporaryFolder folder;
  write_trained(folder.path(), larger);
  EXPECT_EQ(read_trained(folder.path()).hash(), larger.hash());
}

TEST(Extend, AnIdThatIsTakenIsRefused) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  EXPECT_THROW(extend_catalogue(model, {new_item(model.catalogue[0].id.c_str())}), base::Error);
}

}  // namespace
}  // namespace recommend
