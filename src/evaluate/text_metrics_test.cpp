#include "evaluate/text_metrics.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/files.h"
#include "evaluate/test_recommender.h"

namespace evaluate {
namespace {

dialogue::Action action(int item, const std::string& text, const std::vector<int>& named) {
  dialogue::Action action;
  action.recommends = true;
  action.item = item;
  action.text = text;
  for (int other : named) action.mentions.push_back({other, 0, 1});
  return action;
}

class TextMetrics : public testing::Test {
 protected:
  std::vector<Response> collect(const dialogue::Action& action, std::size_t limit = 0) {
    test::FixedRecommender recommender("fixed", {}, action);
    return collect_responses(recommender, instances_, test::letters(6), {}, limit);
  }
  std::vector<dialogue::Dialogue> dialogues_ = test::two_dialogues();
  std::vector<Instance> instances_ = make_instances(test::pointers(dialogues_));
};

TEST_F(TextMetrics, PromptAndReferenceHaveTitles) {
  const auto responses = collect(action(1, " Try\nB! ", {1}));
  ASSERT_EQ(responses.size(), 3u);
  EXPECT_EQ(responses[1].query, "7/3");
  EXPECT_EQ(responses[1].prompt, "User: like A\nSystem: B or C or B\nUser: hm ok");
  EXPECT_EQ(responses[1].reference, "A, D");
  EXPECT_EQ(responses[1].response, "Try B!");
}

TEST_F(TextMetrics, ItemsAreMaskedByOneWord) {
  dialogue::Action named = action(1, "See B or A!", {});
  named.mentions = {{1, 4, 5}, {0, 9, 10}};
  const auto responses = collect(named);
  EXPECT_EQ(responses[0].masked_reference, "ITEM or ITEM or ITEM");
  EXPECT_EQ(responses[0].masked_response, "See ITEM or ITEM!");
  const TextScores scores = score_text(responses);
  EXPECT_EQ(scores.masked_signature,
            "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|items:masked|version:attune-1");
  EXPECT_GT(*scores.masked_bleu4, scores.bleu4);
}

TEST_F(TextMetrics, ALimitChoosesAtEvenDistances) {
  const auto responses = collect(action(1, "B", {1}), 2);
  ASSERT_EQ(responses.size(), 2u);
  EXPECT_EQ(responses[0].query, "7/1");
  EXPECT_EQ(responses[1].query, "7/3");
  EXPECT_EQ(collect(action(1, "B", {1}), 9).size(), 3u);
}

TEST_F(TextMetrics, ScoresAreWorkedOutByHand) {
  std::vector<Response> responses(4);
  responses[0] = {"1", "", "you might like the film A", "you might like the film A",
                  action(0, "", {0})};
  responses[1] = {"2", "", "see B", "see B", action(1, "", {1, 2})};  // names another one too
  responses[2] = {"3", "", "hello", "hello", {}};                     // does not recommend
  responses[3] = {"4", "", "see C", "see C", action(2, "", {})};      // names none
  const TextScores scores = score_text(responses, Likelihood{-10 * std::log(8.), 10, 6});
  EXPECT_NEAR(scores.bleu4, 100, 1e-9);
  EXPECT_EQ(scores.signature, "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:attune-1");
  EXPECT_NEAR(scores.distinct[0], 10. / 11, 1e-12);  // "see" twice among 11 tokens
  EXPECT_NEAR(scores.distinct[1], 1, 1e-12);
  EXPECT_NEAR(scores.mean_length, 11. / 4, 1e-12);
  EXPECT_EQ(scores.recommending, 3);
  EXPECT_NEAR(*scores.faithfulness, 1. / 3, 1e-12);
  EXPECT_NEAR(*scores.perplexity, 8, 1e-9);
  EXPECT_EQ(scores.perplexity_tokens, 10);
  EXPECT_NEAR(*scores.bits_per_byte, 5, 1e-9);  // 10 tokens of 3 bits over 6 bytes
  EXPECT_NEAR(*scores.chrf, 100, 1e-9);
  EXPECT_NEAR(*scores.rouge_l, 1, 1e-12);
  EXPECT_FALSE(scores.masked_bleu4);
  EXPECT_FALSE(score_text(responses, Likelihood{-1, 10}).bits_per_byte);
}

TEST_F(TextMetrics, ResponsesAreWrittenWithTheirKeys) {
  base::TemporaryFolder folder;
  auto responses = collect(action(1, "B \"\xff\"", {1}));  // half a character, as a model may say
  write_responses(folder.path(), "ppo", responses);
  int lines = 0;
  base::read_lines(folder.path() / "ppo.responses.jsonl", [&](std::string_view line, long) {
    const base::Json json = base::parse_json(line, "test");
    EXPECT_EQ(json.size(), 6u);
    EXPECT_EQ(json["query"], responses[static_cast<std::size_t>(lines)].query);
    EXPECT_EQ(json["response"], "B \"\xEF\xBF\xBD\"");
    ++lines;
  });
  EXPECT_EQ(lines, 3);
}

}  // namespace
}  // namespace evaluate
