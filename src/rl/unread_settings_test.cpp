#include "rl/unread_settings.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace rl {
namespace {

std::string complaint(const RlSettings& settings) {
  try {
    refuse_unread(settings);
  } catch (const base::UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(UnreadSettings, AreRefusedWithThoseThatReadThem) {
  RlSettings settings;
  settings.algorithm = "dpo";
  EXPECT_EQ(complaint(settings), "");
  settings.dual_clip = 3;
  EXPECT_EQ(complaint(settings),
            "dual_clip is 3.0, but dpo does not read it; it is for ppo, grpo, rloo, reinforce_pp. "
            "Leave it at 0.0");
  settings = {};
  settings.weight_beta = .5;
  EXPECT_NE(complaint(settings).find("reward_weighted"), std::string::npos);
  settings.algorithm = "reward_weighted";
  EXPECT_EQ(complaint(settings), "");
}

TEST(UnreadSettings, RolloutsInInt8AreForWhoWeighsThem) {
  RlSettings settings;
  settings.rollout_weights = "int8";
  EXPECT_EQ(complaint(settings), "");
  settings.algorithm = "best_of_n";
  EXPECT_NE(complaint(settings).find("rollout_weights is \"int8\""), std::string::npos);
}

TEST(UnreadSettings, WhatStandsForAutoIsNoneOfThem) {
  RlSettings settings;
  settings.algorithm = "kto";
  settings.desirable = "above_mean";
  settings.advantage_scale = "none";
  EXPECT_EQ(complaint(settings), "");
}

TEST(UnreadSettings, PublishedMethodsHaveNone) {
  for (const std::string& method : published_methods()) {
    RlSettings settings;
    static_cast<AlgorithmSettings&>(settings) = published(method);
    EXPECT_EQ(complaint(settings), "") << method;
  }
}

}  // namespace
}  // namespace rl
