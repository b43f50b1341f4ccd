#include "dialogue/converse.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace dialogue {
namespace {

// Says how many turns it was shown and keeps what it was asked for.
class Counter : public Recommender {
 public:
  std::string name() const override { return "counter"; }
  std::vector<std::vector<float>> rank(const std::vector<State>& states) override {
    return std::vector<std::vector<float>>(states.size());
  }
  std::int64_t open(const State& state, const Sampling& sampling) override {
    streams.push_back(sampling.stream);
    turns_.push_back(state.turns);
    return static_cast<std::int64_t>(turns_.size()) - 1;
  }
  std::vector<ReplyStep> step() override {
    std::vector<ReplyStep> steps;
    for (; stepped_ < turns_.size(); ++stepped_)
      steps.push_back({static_cast<std::int64_t>(stepped_), "", true});
    return steps;
  }
  Reply close(std::int64_t id) override {
    Action action;
    action.text = "after " + std::to_string(turns_[static_cast<std::size_t>(id)]) + " turns";
    return {id, std::move(action), {}};
  }

  std::vector<std::uint64_t> streams;

 private:
  std::vector<int> turns_;
  std::size_t stepped_ = 0;
};

// Leaves after so many replies, with a last word.
class Patient : public User {
 public:
  Patient(int replies, std::optional<double> time) : replies_(replies), time_(time) {}
  Turn begin() override { return say("hello"); }
  Reaction react(const Turn& reply) override {
    times.push_back(reply.time);
    Reaction reaction;
    reaction.turn = say("go on");
    reaction.leaves = --replies_ == 0;
    if (reaction.leaves) reaction.events.push_back({"leave", reply.id, "", reply.time, 1});
    return reaction;
  }

  std::vector<std::optional<double>> times;

 private:
  Turn say(const char* words) {
    Turn turn;
    turn.text = words;
    turn.time = time_;
    return turn;
  }
  int replies_;
  std::optional<double> time_;
};

TEST(Converse, EachTalksUntilTheyLeaveOrHaveHadTheirTurns) {
  Patient brief(1, 10.), lasting(9, std::nullopt);
  ConverseOptions options{.max_turns = 3};
  options.sentiment = [](std::string_view text) { return text == "hello" ? .5 : -.5; };
  std::vector<Conversation> talks = {begin({}, brief, options), begin({}, lasting, options)};
  Counter recommender;
  converse(recommender, Catalogue(), talks, 7, options);

  EXPECT_TRUE(talks[0].left);
  ASSERT_EQ(talks[0].dialogue.turns.size(), 3u);
  EXPECT_EQ(talks[0].dialogue.turns[1].text, "after 1 turns");
  EXPECT_EQ(talks[0].dialogue.turns[1].id, "1");
  ASSERT_EQ(talks[0].dialogue.events.size(), 1u);
  EXPECT_EQ(talks[0].dialogue.events[0].turn, "1");
  EXPECT_EQ(talks[0].dialogue.turns[0].sentiment, .5);
  EXPECT_EQ(talks[0].dialogue.turns[2].sentiment, -.5);
  EXPECT_FALSE(talks[0].dialogue.turns[1].sentiment);
  EXPECT_DOUBLE_EQ(*brief.times[0], 11.2);  // one second and two spaces

  EXPECT_FALSE(talks[1].left);
  EXPECT_EQ(talks[1].dialogue.turns.size(), 7u);
  EXPECT_EQ(talks[1].decisions.size(), 3u);
  EXPECT_EQ(talks[1].dialogue.turns[5].text, "after 5 turns");
  EXPECT_FALSE(lasting.times[2]);

  // Two in the first batch, then one; no two replies share random numbers.
  ASSERT_EQ(recommender.streams.size(), 4u);
  std::sort(recommender.streams.begin(), recommender.streams.end());
  EXPECT_EQ(std::adjacent_find(recommender.streams.begin(), recommender.streams.end()),
            recommender.streams.end());
}

TEST(ToTurn, AnItemThatTheWordsDoNotNameIsPutInFront) {
  const Catalogue catalogue({{"a", "Heat", "", {}, {}}, {"b", "Alien", "", {}, {}}});
  Action action;
  action.item = 1;
  action.text = "like Heat";
  action.mentions = {{0, 5, 9}};
  const Turn turn = to_turn(action, catalogue);
  EXPECT_EQ(turn.text, "Alien. like Heat");
  EXPECT_EQ(turn.items(), (std::vector<int>{1, 0}));
  EXPECT_EQ(turn.text.substr(turn.mentions[1].begin, 4), "Heat");
  action.item = 0;
  EXPECT_EQ(to_turn(action, catalogue).text, "like Heat");
}

}  // namespace
}  // namespace dialogue
