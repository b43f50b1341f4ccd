#include "reward/validation.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace reward {
namespace {

// Scores items 0, 1, 2 by 1, 0, -1 in every state and for every head.
Predictor by_item() {
  std::vector<model::ParameterSet> members;
  members.push_back(start_member(torch::zeros({3, 2}), 3, 1));
  torch::NoGradGuard no_grad;
  torch::Tensor weight = members[0].at("facts.weight");
  weight.select(1, 0).fill_(1);
  torch::Tensor facts = torch::zeros({3, kItemFeatures});
  facts.select(1, 0).copy_(torch::tensor({1.f, 0.f, -1.f}));
  return Predictor(std::move(members), facts, side_by_side({{}, {}, {}}));
}

constexpr int kDialogues = 40;  // the second half is held out

struct Data {
  std::vector<Outcome> outcomes;
  std::vector<bool> held_out;
  std::vector<dialogue::Dialogue> recommendations;

  // In each dialogue item 0 and item 2 were recommended; `known` says what came of them in those
  // that are not held out, `held` in those that are.
  Data(bool known_likes_first, bool held_likes_first) {
    for (int d = 0; d < kDialogues; ++d) {
      held_out.push_back(d >= kDialogues / 2);
      const bool likes_first = held_out.back() ? held_likes_first : known_likes_first;
      for (const int item : {0, 2}) {
        Outcome outcome;
        outcome.dialogue = d;
        outcome.turn = 1;
        outcome.item = item;
        const bool liked = (item == 0) == likes_first;
        outcome.liked = liked;
        const auto set = [&](Head head, double value) {
          outcome.targets[static_cast<std::size_t>(head)] = value;
          outcome.weights[static_cast<std::size_t>(head)] = 1;
        };
        set(Head::liked, liked);
        set(Head::blend, liked ? 1 : -1);
        outcomes.push_back(outcome);
      }
    }
    recommend({0});
    recommend({2});
  }
  void recommend(std::vector<int> items) {
    dialogue::Turn turn;
    turn.role = dialogue::Role::recommender;
    for (std::size_t i = 0; i < items.size(); ++i) turn.mentions.push_back({items[i], i, i + 1});
    turn.text = std::string(items.size(), '@');
    recommendations.emplace_back();
    recommendations.back().turns = {turn};
  }

  std::vector<TargetQuality> validate() const {
    std::vector<const dialogue::Dialogue*> pointers;
    for (const dialogue::Dialogue& dialogue : recommendations) pointers.push_back(&dialogue);
    return validate_predictor(by_item(), outcomes,
                              std::vector<recommend::RankContext>(outcomes.size()),
                              recommend::Counts(pointers, recommend::WordTable{}, 3), held_out, 1);
  }
};

TargetQuality of(const std::vector<TargetQuality>& all, Head head) {
  return all.at(static_cast<std::size_t>(head));
}

TEST(Validation, APredictorThatIsRightWhereTheBaselinesAreNotPasses) {
  const auto all = Data(false, true).validate();
  ASSERT_EQ(all.size(), static_cast<std::size_t>(kHeads));
  const TargetQuality liked = of(all, Head::liked);
  EXPECT_EQ(liked.target, "liked");
  EXPECT_EQ(liked.auc->estimate, 1);
  EXPECT_EQ(liked.auc_within->estimate, 1);
  EXPECT_EQ(liked.rate_auc->estimate, 0);  // by the dialogues that are not held out
  EXPECT_EQ(liked.rate_within->estimate, 0);
  EXPECT_EQ(liked.popularity_within->estimate, .5);  // as often as each other
  EXPECT_TRUE(liked.auc_passed && liked.within_passed && liked.passed);
  const TargetQuality blend = of(all, Head::blend);
  EXPECT_NEAR(blend.pearson->estimate, 1, 1e-6);
  EXPECT_EQ(blend.pearson->clusters, static_cast<std::size_t>(kDialogues / 2));
  EXPECT_TRUE(blend.passed);
  EXPECT_FALSE(blend.auc);
}

TEST(Validation, APredictorThatIsWrongFails) {
  const auto all = Data(true, false).validate();
  EXPECT_EQ(of(all, Head::liked).auc->estimate, 0);
  EXPECT_FALSE(of(all, Head::liked).passed);
  EXPECT_NEAR(of(all, Head::blend).pearson->estimate, -1, 1e-6);
  EXPECT_FALSE(of(all, Head::blend).passed);
}

TEST(Validation, ABaselineThatIsAsGoodFailsIt) {
  const TargetQuality rate = of(Data(true, true).validate(), Head::liked);
  EXPECT_EQ(rate.rate_within->estimate, 1);
  EXPECT_FALSE(rate.passed || rate.auc_passed);
  Data popular(false, true);
  popular.recommend({0});
  EXPECT_EQ(of(popular.validate(), Head::liked).popularity_within->estimate, 1);
  EXPECT_FALSE(of(popular.validate(), Head::liked).passed);
  Data rare(false, true);
  rare.recommend({2});
  EXPECT_EQ(of(rare.validate(), Head::liked).inverse_popularity_within->estimate, 1);
  EXPECT_FALSE(of(rare.validate(), Head::liked).passed);
}

TEST(Validation, LooksAtFormsOnlyForWhatWasLiked) {
  Data data(false, true);
  for (Outcome& outcome : data.outcomes) outcome.liked.reset();  // readers' estimates remain
  const TargetQuality liked = of(data.validate(), Head::liked);
  EXPECT_FALSE(liked.auc || liked.auc_within || liked.passed);
  EXPECT_TRUE(liked.pearson);
}

TEST(Validation, WithoutLabelsThereAreNoIntervalsAndNothingPasses) {
  Data data(false, true);
  data.held_out.assign(data.held_out.size(), false);
  for (const TargetQuality& quality : data.validate()) {
    EXPECT_FALSE(quality.pearson || quality.auc || quality.auc_within);
    EXPECT_FALSE(quality.passed) << quality.target;
  }
  const base::Json json = to_json(data.validate());
  EXPECT_EQ(json.size(), static_cast<std::size_t>(kHeads));
  EXPECT_TRUE(json[0].at("pearson").is_null());
  EXPECT_EQ(json[0].at("passed"), false);
}

TEST(Validation, ItsTableNamesEachVerdict) {
  std::string text;
  for (const std::string& line : describe(Data(false, true).validate())) text += line + "\n";
  EXPECT_NE(text.find("liked: AUC within dialogues 1.000"), std::string::npos) << text;
  EXPECT_NE(text.find("blend: Pearson 1.000"), std::string::npos) << text;
  EXPECT_NE(text.find("engagement: Pearson - against the paper's .6: FAILED"), std::string::npos)
      << text;
}

}  // namespace
}  // namespace reward
