#include "recommend/ranker.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "recommend/test_model.h"
#include "recommend/trained_recommender.h"

namespace recommend {
namespace {

RankBatch batch_of(const TrainedModel& model, const std::vector<dialogue::State>& states) {
  RankBatch batch;
  for (const dialogue::State& state : states)
    batch.contexts.push_back(model.ranker.read_state(state));
  batch.language_hidden = torch::ones({static_cast<std::int64_t>(states.size()), 16});
  batch.items = model.ranker.item_tables(
      model.language.parameters.at("wte.weight").detach().narrow(0, model.tokens.item(0), 3));
  return batch;
}

TEST(Ranker, GivesADistributionAndLeavesNamedItemsToTheCopyModel) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  const RankBatch batch = batch_of(
      model, {dialogue::state_before(training[0], 1), dialogue::state_before(training[1], 3)});
  torch::NoGradGuard no_grad;
  const torch::Tensor log_probs = model.ranker.log_probs(batch);
  EXPECT_LT((log_probs.exp().sum(1) - 1).abs().max().item<float>(), 1e-5);
  EXPECT_LT(model.ranker.logits(batch)[0][0].item<float>(), -1e8);  // item 0 was named
  EXPECT_LT(log_probs[0][0].item<float>(), log_probs[0].narrow(0, 1, 2).max().item<float>());
}

TEST(Ranker, ComesBackFromItsFolderAndNoticesAMissingTensor) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  base::TemporaryFolder folder;
  write_trained(folder.path(), model);
  const TrainedModel back = read_trained(folder.path());
  EXPECT_EQ(back.hash(), model.hash());
  torch::NoGradGuard no_grad;
  const RankBatch batch = batch_of(model, {dialogue::state_before(training[0], 2)});
  EXPECT_TRUE(at::equal(back.ranker.log_probs(batch), model.ranker.log_probs(batch)));
  std::filesystem::copy_file(folder.path() / "model/model.safetensors",
                             folder.path() / "ranker/ranker.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THROW(read_trained(folder.path()), base::Error);
}

TEST(Ranker, ATermSwitchedOffChangesTheRankingAndNothingElse) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  const RankBatch batch = batch_of(model, {dialogue::state_before(training[0], 2)});
  torch::NoGradGuard no_grad;
  const torch::Tensor before = model.ranker.logits(batch);
  const torch::Tensor named = model.ranker.log_probs(batch);
  for (const std::string& term : model.ranker.settings().terms)
    EXPECT_FALSE(term == "copy" ? at::equal(model.ranker.without_term(term).log_probs(batch), named)
                                : at::equal(model.ranker.without_term(term).logits(batch), before))
        << term;
  EXPECT_TRUE(at::equal(model.ranker.without_term("copy").logits(batch), before));
  EXPECT_TRUE(at::equal(model.ranker.logits(batch), before));
}

TEST(Ranker, AnUnknownTermIsRefused) {
  RankerSettings settings;
  settings.terms = {"horoscope"};
  EXPECT_THROW(Ranker(settings, testing::tables({}), 4, 1), base::UsageError);
}

TEST(TrainRanker, LearnsWhatFollowsWhat) {
  const auto training = testing::dialogues(60);
  const TrainedModel start = testing::model(training);
  model::Weights weights;
  {
    torch::NoGradGuard no_grad;
    weights = model::cast(start.language, torch::kFloat32);
  }
  const auto pointers = testing::pointers(training);
  base::TemporaryFolder folder;
  RankerSettings settings = start.ranker.settings();
  settings.epochs = 20;
  settings.batch = 16;
  settings.learning_rate = 1e-2;
  const Ranker ranker =
      train_ranker(settings, {start.catalogue, pointers, pointers, start.state, weights,
                              start.tokens, 1, folder.path(), base::silent_console()});
  const TrainedModel trained{start.catalogue, start.state, start.tokens, start.language, ranker};
  TrainedRecommender recommender("sft", trained);
  for (int liked = 0; liked < 3; ++liked) {  // dialogue i recommends item i + 1
    const std::vector<float> row =
        recommender.rank({dialogue::state_before(training[static_cast<std::size_t>(liked)], 1)})[0];
    EXPECT_GT(row[static_cast<std::size_t>((liked + 1) % 3)],
              row[static_cast<std::size_t>((liked + 2) % 3)]);
  }
}

TEST(TrainedRecommender, ARecommendingReplyNamesTheChosenItemAndNoOther) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  TrainedRecommender recommender("sft", model, {.slots = 8, .type = torch::kFloat32, .hash = "x"});
  for (int max_tokens : {1, 2, 6}) {
    dialogue::Sampling sampling;
    sampling.max_tokens = max_tokens;
    sampling.seed = 5;
    const std::vector<dialogue::State> states(60, dialogue::state_before(training[0], 1));
    int recommending = 0;
    for (const dialogue::Reply& reply : dialogue::reply_to_all(recommender, states, sampling)) {
      recommending += reply.action.recommends;
      EXPECT_TRUE(dialogue::names_exactly(reply.action)) << reply.action.text;
    }
    EXPECT_GT(recommending, 0);
  }
}

TEST(TrainedRecommender, OfWordsOnlyTheLikeliestAreDrawnAndRecordedAsDrawn) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  TrainedRecommender recommender("sft", model, {.slots = 8, .type = torch::kFloat32, .hash = "x"});
  const std::vector<dialogue::State> states(40, dialogue::state_before(training[0], 1));
  const auto bits = [&](const dialogue::Sampling& sampling) {  // of the words, a token
    double sum = 0;
    int count = 0;
    for (const dialogue::Reply& reply : dialogue::reply_to_all(recommender, states, sampling)) {
      EXPECT_LT(reply.decision.log_probs[0], 0);  // the mode is drawn from both
      for (std::size_t t = reply.action.recommends ? 2 : 1; t < reply.decision.tokens.size(); ++t) {
        sum -= reply.decision.log_probs[t];
        ++count;
      }
    }
    return sum / count;
  };
  EXPECT_EQ(bits({.max_tokens = 6, .top_k = 1}), 0);
  EXPECT_NEAR(bits({.max_tokens = 6, .top_p = 1e-6}), 0, 1e-12);
  const double all = bits({.max_tokens = 6}), some = bits({.max_tokens = 6, .top_k = 3});
  EXPECT_GT(some, 0);
  EXPECT_LE(some, std::log(3) + 1e-9);
  EXPECT_LT(some, all);
}

// What is recorded is what the words were drawn by, and not what the model would say in fp32.
TEST(TrainedRecommender, WordsInInt8AreRecordedAsDrawn) {
  torch::NoGradGuard no_grad;
  const auto training = testing::dialogues(6);
  const TrainedModel trained = testing::model(training);
  TrainedRecommender recommender(
      "sft", trained, {.slots = 8, .hash = "x", .numbers = kernels::MatrixNumbers::int8});
  const dialogue::State state = dialogue::state_before(training[0], 1);
  const model::Weights weights = model::cast(trained.language, torch::kFloat32);
  const torch::Tensor head = weights.head.narrow(0, 0, trained.tokens.word_rows());
  const auto apart = [&](const dialogue::Reply& reply, kernels::MatrixNumbers numbers) {
    model::Decoder decoder(weights, 1, weights.config.context, numbers);
    const kernels::DecodingHead words(head, numbers);
    const std::vector<int>& tokens = reply.decision.tokens;
    const auto started =
        decoder.start({trained.tokens.encode_prompt(state, static_cast<int>(decoder.room()) - 10)});
    double most = 0;
    for (std::size_t t = 1; t < tokens.size(); ++t) {
      const torch::Tensor hidden = decoder.append(started.slots, {tokens[t - 1]});
      const torch::Tensor log_probs = at::log_softmax(words.logits(hidden)[0], 0);
      most = std::max(most,
                      std::fabs(log_probs[tokens[t]].item<double>() - reply.decision.log_probs[t]));
    }
    return most;
  };
  int chatting = 0;
  for (const dialogue::Reply& reply : dialogue::reply_to_all(
           recommender, std::vector<dialogue::State>(20, state), {.max_tokens = 6})) {
    EXPECT_EQ(reply.decision.model, "sft@x+int8");
    if (reply.action.recommends) continue;
    ++chatting;
    EXPECT_LT(apart(reply, kernels::MatrixNumbers::int8), 1e-5);
    EXPECT_GT(apart(reply, kernels::MatrixNumbers::computed), 1e-5);
  }
  EXPECT_GT(chatting, 0);
}

TEST(TrainedRecommender, NextToNoTemperatureIsNone) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  const dialogue::State state = dialogue::state_before(training[0], 1);
  for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16}) {
    TrainedRecommender recommender("sft", model, {.slots = 8, .type = type, .hash = "x"});
    const auto reply = [&](const dialogue::Sampling& sampling) {
      return dialogue::reply_to_all(recommender, {state}, sampling).at(0).decision;
    };
    const dialogue::DecisionRecord none = reply({.temperature = 0, .max_tokens = 6});
    for (const double top_p : {1., .5}) {
      const auto least = reply({.temperature = 1e-40, .max_tokens = 6, .top_p = top_p});
      EXPECT_EQ(least.tokens, none.tokens);
      EXPECT_EQ(least.log_probs, none.log_probs);
      EXPECT_EQ(least.candidates, none.candidates);
    }
  }
}

TEST(TrainedRecommender, AReplyOfSeveralItemsNamesEachOfThemOnceAndRecordsWhatItDrew) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  {  // items are likely words
    torch::NoGradGuard no_grad;
    model.language.parameters.at("ln_f.bias").fill_(1);
    model.language.parameters.at("wte.weight").narrow(0, model.tokens.item(0), 3).add_(.2);
  }
  TrainedRecommender recommender("sft", model, {.slots = 8, .type = torch::kFloat32, .hash = "x"});
  dialogue::Sampling sampling;
  sampling.max_tokens = 40;
  sampling.max_items = 2;
  const dialogue::State state = dialogue::state_before(training[0], 1);  // item 0 was named
  std::size_t several = 0;
  for (const dialogue::Reply& reply :
       dialogue::reply_to_all(recommender, std::vector(60, state), sampling)) {
    std::vector<int> named, shown;
    for (const dialogue::Mention& mention : reply.action.mentions) named.push_back(mention.item);
    for (const dialogue::Shown& one : reply.decision.shown) {
      shown.push_back(one.item);
      EXPECT_NE(one.item, 0);
      EXPECT_GT(one.propensity, 0);
    }
    EXPECT_EQ(named, shown) << reply.action.text;
    EXPECT_EQ(reply.decision.tokens.size(), reply.decision.log_probs.size());
    several += shown.size() == 2;
    if (shown.size() == 2) {
      EXPECT_NEAR(reply.decision.shown[1].propensity, 1, 1e-6);  // the one that is left of three
    }
  }
  EXPECT_GT(several, 0u);
}

TEST(TrainedRecommender, OnlyWhatWasAskedForIsRecommendedWhereThereIsAny) {
  const auto training = testing::dialogues(6);
  TrainedModel model = testing::model(training);
  std::vector<dialogue::Item> items = model.catalogue.items();
  items[1].year = 1994;
  items[2].year = 2004;
  model.catalogue = dialogue::Catalogue(items);
  TrainedRecommender recommender("sft", model, {.slots = 8, .type = torch::kFloat32, .hash = "x"});
  const auto years = [&](const std::string& text, bool stated) {
    dialogue::Dialogue asking = training[0];
    asking.turns.resize(1);
    asking.turns[0].text += text;
    dialogue::Sampling sampling;
    sampling.stated = stated;
    std::set<int> seen;
    for (const dialogue::Reply& reply : dialogue::reply_to_all(
             recommender, std::vector(60, dialogue::state_before(asking, 1)), sampling))
      for (const dialogue::Shown& one : reply.decision.shown) seen.insert(one.item);
    return seen;
  };
  EXPECT_EQ(years(" something from the 90s", true), (std::set{1}));
  EXPECT_EQ(years(" something from the 90s", false), (std::set{1, 2}));
  EXPECT_EQ(years(" something from the 50s", true), (std::set{1, 2}));  // there is none
}

TEST(TrainedRecommender, AReplyDependsOnItsStreamOnlyAndNotOnItsNeighbours) {
  const auto training = testing::dialogues(6);
  const TrainedModel model = testing::model(training);
  TrainedRecommender recommender("sft", model, {.slots = 2, .type = torch::kFloat32, .hash = "x"});
  dialogue::Sampling sampling;
  sampling.max_tokens = 8;
  sampling.seed = 3;
  const dialogue::State a = dialogue::state_before(training[0], 1),
                        b = dialogue::state_before(training[1], 3);
  const auto together = dialogue::reply_to_all(recommender, {b, a, b}, sampling);
  sampling.stream = 1;
  const auto alone = dialogue::reply_to_all(recommender, {a}, sampling);
  EXPECT_EQ(together[1].decision.tokens, alone[0].decision.tokens);
  EXPECT_EQ(alone[0].decision.tokens.size(), alone[0].decision.log_probs.size());
  EXPECT_EQ(alone[0].action.recommends, !alone[0].decision.shown.empty());
}

}  // namespace
}  // namespace recommend
