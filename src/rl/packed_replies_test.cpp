#include "rl/packed_replies.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace rl {
namespace {

Episode episode(std::vector<int> prompt, std::vector<int> tokens) {
  Episode out;
  out.prompt = std::move(prompt);
  out.tokens = std::move(tokens);
  return out;
}

std::vector<const Episode*> pointers(const std::vector<Episode>& all) {
  std::vector<const Episode*> out;
  for (const Episode& one : all) out.push_back(&one);
  return out;
}

std::vector<int> ids(const model::Packed& packed) {
  const auto* begin = packed.ids.data_ptr<std::int64_t>();
  return {begin, begin + packed.ids.size(0)};
}

using Bounds = std::vector<std::int64_t>;

// Two replies to 1 2 3, one to 4 5 between them.
const std::vector<Episode>& mixed() {
  static const std::vector<Episode> all = {episode({1, 2, 3}, {10, 11}),
                                           episode({4, 5}, {20, 21, 22}), episode({1, 2, 3}, {30})};
  return all;
}

TEST(PackReplies, PutsAPromptOfSeveralRepliesOnceAndBeforeThem) {
  const PackedReplies packed = pack_replies(pointers(mixed()));
  EXPECT_EQ(ids(packed.packed), (std::vector<int>{1, 2, 3, 10, 4, 5, 20, 21}));
  // The prompt, its reply, prompt and reply of another, and a reply of one token: nothing of it.
  EXPECT_EQ(packed.packed.bounds, (Bounds{0, 3, 4, 8, 8}));
  EXPECT_EQ(packed.packed.prefix, (Bounds{-1, 0, -1, 0}));
  EXPECT_EQ(packed.row_before(0, 0), 2);  // 3
  EXPECT_EQ(packed.row_before(0, 1), 3);  // 10
  EXPECT_EQ(packed.row_before(1, 0), 5);  // 5
  EXPECT_EQ(packed.row_before(1, 2), 7);  // 21
  EXPECT_EQ(packed.row_before(2, 0), 2);  // 3
}

TEST(PackReplies, RepeatsPromptsWhereThatIsAsked) {
  const PackedReplies packed = pack_replies(pointers(mixed()), Prompts::repeated);
  EXPECT_EQ(ids(packed.packed), (std::vector<int>{1, 2, 3, 10, 4, 5, 20, 21, 1, 2, 3}));
  EXPECT_EQ(packed.packed.bounds, (Bounds{0, 4, 8, 11}));
  EXPECT_TRUE(packed.packed.prefix.empty());
  EXPECT_EQ(packed.row_before(2, 0), 10);
  EXPECT_EQ(packed.row_before(1, 1), 6);
}

TEST(PackReplies, PromptsThatAllDifferStandWithTheirReplies) {
  const std::vector<Episode> all = {episode({1, 2}, {10, 11}), episode({1, 2, 3}, {12, 13})};
  const PackedReplies shared = pack_replies(pointers(all)),
                      repeated = pack_replies(pointers(all), Prompts::repeated);
  EXPECT_EQ(ids(shared.packed), ids(repeated.packed));
  EXPECT_EQ(shared.packed.bounds, repeated.packed.bounds);
  EXPECT_TRUE(shared.packed.prefix.empty());
}

TEST(PackReplies, RefusesWhatIsEmpty) {
  const std::vector<Episode> none = {episode({}, {1})}, silent = {episode({1}, {})};
  EXPECT_THROW(pack_replies(pointers(none)), base::Error);
  EXPECT_THROW(pack_replies(pointers(silent)), base::Error);
}

TEST(LongestReply, CountsTokens) {
  EXPECT_EQ(longest_reply(pointers(mixed())), 3);
  EXPECT_EQ(longest_reply({}), 0);
}

}  // namespace
}  // namespace rl
