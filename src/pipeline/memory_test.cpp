#include "pipeline/memory.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace {

ModelSize size(int rank) {
  model::LoraSettings lora;
  lora.rank = rank;
  return size_of(model::gpt2_config(2, 2, 16, 32, 100), lora, 120, 20);
}

// Weights, their gradients and two moments at 4 bytes, and the cast at 2; activations beside.
TEST(Memory, ACriticApartIsCountedWithWeightsMomentsAndActivations) {
  const ModelSize whole = size(0);
  EXPECT_EQ(critic_memory(whole, 0, 0), 18 * whole.weights);
  EXPECT_GT(critic_memory(whole, 8, 32), critic_memory(whole, 4, 32));
}

TEST(Memory, ACriticApartBesideAnAdapterIsAnotherAdapter) {
  const ModelSize adapter = size(2);
  EXPECT_LT(adapter.trained, adapter.weights);
  EXPECT_EQ(critic_memory(adapter, 0, 0), 16 * adapter.trained);
}

TEST(Memory, WhoWritesHasTheMatricesOnceMoreThanWhoReads) {
  const ModelSize whole = size(0);
  EXPECT_EQ(serving_memory(whole, 0, 0), 6 * whole.weights);
  EXPECT_EQ(serving_memory(whole, 1, 0), 8 * whole.weights);
  EXPECT_GT(serving_memory(whole, 2, 32), serving_memory(whole, 1, 32));
}

}  // namespace
}  // namespace pipeline
