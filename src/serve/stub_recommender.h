#pragma once

#include <chrono>
#include <map>
#include <string>

#include "dialogue/recommender.h"

namespace serve {

// A recommender that knows nothing, for tests of all that is around one: it answers with the
// first item of the catalogue and as many words as may be said, one a step, each step as long as
// asked.
class StubRecommender final : public dialogue::Recommender {
 public:
  explicit StubRecommender(const dialogue::Catalogue& catalogue,
                           std::chrono::microseconds step = std::chrono::microseconds(0));

  std::string name() const override { return "stub"; }
  std::vector<std::vector<float>> rank(const std::vector<dialogue::State>& states) override;
  std::int64_t open(const dialogue::State& state, const dialogue::Sampling& sampling) override;
  std::vector<dialogue::ReplyStep> step() override;
  dialogue::Reply close(std::int64_t id) override;

 private:
  struct Open {
    int said = 0;
    dialogue::Reply reply;
  };
  const dialogue::Catalogue& catalogue_;
  std::chrono::microseconds step_;
  std::map<std::int64_t, Open> open_;
  std::int64_t next_ = 1;
};

}  // namespace serve
