#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dialogue/recommender.h"

namespace evaluate::test {

// Ranks by a function of the state and always recommends one item in the words given.
class FixedRecommender : public dialogue::Recommender {
 public:
  using Rank = std::function<std::vector<float>(const dialogue::State& state)>;
  FixedRecommender(std::string name, Rank rank, dialogue::Action action = {})
      : name_(std::move(name)), rank_(std::move(rank)), action_(std::move(action)) {}

  std::string name() const override { return name_; }
  std::vector<std::vector<float>> rank(const std::vector<dialogue::State>& states) override {
    std::vector<std::vector<float>> rows;
    for (const dialogue::State& state : states) rows.push_back(rank_(state));
    return rows;
  }
  std::int64_t open(const dialogue::State&, const dialogue::Sampling&) override { return ++last_; }
  std::vector<dialogue::ReplyStep> step() override {
    std::vector<dialogue::ReplyStep> steps;
    while (stepped_ < last_) steps.push_back({++stepped_, action_.text, true});
    return steps;
  }
  dialogue::Reply close(std::int64_t id) override { return {id, action_, {}}; }

 private:
  std::string name_;
  Rank rank_;
  dialogue::Action action_;
  std::int64_t last_ = 0, stepped_ = 0;
};

inline dialogue::Catalogue letters(int count) {  // titles A, B, …; ids 100, 101, …
  std::vector<dialogue::Item> items;
  for (int i = 0; i < count; ++i)
    items.push_back(
        {std::to_string(100 + i), std::string(1, static_cast<char>('A' + i)), "", {}, {}});
  return dialogue::Catalogue(std::move(items));
}

// A turn that names items by "@" in its text.
inline dialogue::Turn turn(std::string id, dialogue::Role role, std::string text,
                           const std::vector<int>& items = {}) {
  dialogue::Turn turn;
  turn.id = std::move(id);
  turn.role = role;
  turn.text = std::move(text);
  std::size_t from = 0;
  for (int item : items) {
    const std::size_t at = turn.text.find('@', from);
    turn.mentions.push_back({item, at, at + 1});
    from = at + 1;
  }
  return turn;
}

// Two dialogues over letters(6):
//   7:  u "like @A", r "@B or @C or @B" (7/1), u "", r "@A, @D" (7/3)
//   8:  r "@E" (no context), u "hm", r "nothing", r "@E @F" (8/3)
// Seeker's form of 7: B liked, not seen; C not liked; D liked, seen. Of 8: F liked, seen not said.
inline std::vector<dialogue::Dialogue> two_dialogues() {
  constexpr auto kSeeker = dialogue::Role::seeker;
  constexpr auto kRecommender = dialogue::Role::recommender;
  dialogue::Dialogue first, second;
  first.id = "7";
  first.turns = {turn("0", kSeeker, "like @", {0}),
                 turn("1", kRecommender, "@ or @ or @", {1, 2, 1}), turn("2", kSeeker, "hm  ok"),
                 turn("3", kRecommender, "@, @", {0, 3})};
  first.seeker_labels = {{1, true, false, true}, {2, true, false, false}, {3, true, true, true}};
  second.id = "8";
  second.turns = {turn("0", kRecommender, "@", {4}), turn("1", kSeeker, "hm"),
                  turn("2", kRecommender, "nothing"), turn("3", kRecommender, "@ @", {4, 5})};
  second.seeker_labels = {{5, true, std::nullopt, true}};
  return {first, second};
}

inline std::vector<const dialogue::Dialogue*> pointers(
    const std::vector<dialogue::Dialogue>& dialogues) {
  std::vector<const dialogue::Dialogue*> out;
  for (const dialogue::Dialogue& dialogue : dialogues) out.push_back(&dialogue);
  return out;
}

}  // namespace evaluate::test
