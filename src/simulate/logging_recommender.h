#pragma once

#include <map>

#include "base/random.h"
#include "dialogue/recommender.h"
#include "simulate/world.h"

namespace simulate {

// What a listener gathers of a person's taste from the words and items of a state: one number an
// attribute, above 0: liked.
std::vector<double> heard_taste(const World& world, const dialogue::State& state);

// How a recommender of the world behaves. Shares are probabilities.
struct Behaviour {
  double attentive = .35;   // recommendations that follow heard_taste; the others are popular items
  double chat = .2;         // turns that ask a question
  double flatness = .7;     // exponent of popularity; 0: any item alike
  double avoid_named = .9;  // how much less likely items named before are
  double flattery = 0;      // recommendations that begin with a compliment
  double rambling = 0;      // recommendations that take many words
  int slate = 1;            // different items that one recommendation shows, in order
};

Behaviour logging_behaviour(const WorldSettings& settings);  // moderate, as the settings say
inline Behaviour random_behaviour() { return {0, 0, 0, 0, 0, 0, 1}; }
inline Behaviour attentive_behaviour() { return {1, 0, 0, 1, 0, 0, 1}; }  // always listens

// Recommends in templates. Its probabilities are exact: rank() gives what open() draws the item
// from, at temperature 1, and a slate's further items from what is left of it; its decision record
// has them. One step finishes every reply. States, catalogue and the world must belong together;
// the world must outlive it.
class LoggingRecommender : public dialogue::Recommender {
 public:
  LoggingRecommender(const World& world, const Behaviour& behaviour, std::string name = "logging");

  std::string name() const override { return name_; }
  std::vector<std::vector<float>> rank(const std::vector<dialogue::State>& states) override;
  std::int64_t open(const dialogue::State& state, const dialogue::Sampling& sampling) override;
  std::vector<dialogue::ReplyStep> step() override;
  dialogue::Reply close(std::int64_t id) override;

 private:
  std::vector<double> item_probabilities(const dialogue::State& state) const;

  const World& world_;
  Behaviour behaviour_;
  std::string name_;
  std::int64_t next_id_ = 1;
  std::map<std::int64_t, dialogue::Reply> open_;
};

}  // namespace simulate
