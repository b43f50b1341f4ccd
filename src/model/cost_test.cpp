#include "model/cost.h"

#include <gtest/gtest.h>

#include "model/test_models.h"

namespace model {
namespace {

TEST(ForwardWork, CountsMatricesAttentionAndTheOutputLayer) {
  // Two layers 16 wide: 16 * 48 + 16 * 16 + 2 * 16 * 64 = 3072 weights each.
  const ModelConfig config = testing::tiny("gpt2");
  const Packed packed = pack({{1, 2, 3}, {4, 5}});
  const base::Work work = forward_work(config, packed, 4);
  EXPECT_EQ(work.tokens, 5);
  // Pairs seen: 1 + 2 + 3 and 1 + 2, each 2 operations for the score and 2 for the sum, 16 wide.
  EXPECT_EQ(work.operations, 2 * (2 * 5 * 3072 + 4 * 9 * 16) + 2 * 4 * 50 * 16);
}

TEST(ForwardWork, CountsWhatASegmentSeesOfItsPrefix) {
  const ModelConfig config = testing::tiny("gpt2");
  const base::Work alone = forward_work(config, pack({{1, 2, 3}, {4, 5}}), 0),
                   behind = forward_work(config, pack({{1, 2, 3}, {4, 5}}, {-1, 0}), 0);
  EXPECT_EQ(behind.operations - alone.operations, 2 * 4 * (2 * 3) * 16);
}

}  // namespace
}  // namespace model
