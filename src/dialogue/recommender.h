#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dialogue/markup.h"
#include "dialogue/state.h"

namespace dialogue {

// What a top_p of 0, the likeliest token alone, is taken as.
constexpr double kLeastTopP = 1e-6;

struct Sampling {
  double temperature = 1;  // of item and words; 0: the most likely one
  int max_tokens = 48;     // of the words, <|end|> included
  int max_items = 1;       // that one reply may recommend
  bool stated = false;     // only items of the years and genres that the seeker last asked for,
                           // where there are any
  std::uint64_t seed = 0;  // with `stream`, decides the reply entirely
  std::uint64_t stream = 0;
  // Of the words only the top_k likeliest tokens (0: all), and of these the fewest likeliest whose
  // share of their probability reaches top_p in (0, 1].
  int top_k = 0;
  double top_p = 1;

  bool draws_from_all_words() const { return top_k == 0 && top_p == 1; }
};

// What an item's place in a ranking rests on.
struct Reason {
  enum class Kind { item, word, name } kind = Kind::item;  // name: of a person, a genre, …
  std::string what;                                        // title, word or name
  double weight = 0;                                       // nats that it adds to the item's logit
};

// "“Heat (1995)”", "the word “scary”", "Tom Hanks".
std::string describe(const Reason& reason);

// An item that a reply recommends.
struct Shown {
  int item = 0;
  double propensity = 0;        // its probability among the items that could stand there
  std::vector<Reason> reasons;  // the strongest first
};

// What the policy did, with its exact probabilities, so that later learning and off-policy
// evaluation are sound.
struct DecisionRecord {
  std::string model;  // name and hash of what decided
  Sampling sampling;
  int prompt_tokens = 0;
  std::vector<int> tokens;  // mode, item, words, as the model's token ids
  std::vector<double>
      log_probs;  // natural log, one a token, of the tempered distribution it was drawn from
  std::vector<std::pair<int, double>> candidates;  // the ten best items with their probabilities
  std::vector<Shown> shown;                        // in the order in which they were chosen
};

struct Reply {
  std::int64_t id = 0;
  Action action;
  DecisionRecord decision;
};

// What one step() did to one open reply.
struct ReplyStep {
  std::int64_t id = 0;
  std::string text;  // words that this step added
  bool finished = false;
};

// The door between models and everything else. One thread owns a recommender.
class Recommender {
 public:
  virtual ~Recommender() = default;

  virtual std::string name() const = 0;

  // [B, N]: natural log-probabilities over the catalogue, one row a state; repeats of items already
  // named included.
  virtual std::vector<std::vector<float>> rank(const std::vector<State>& states) = 0;

  // Starts a reply and returns its id.
  virtual std::int64_t open(const State& state, const Sampling& sampling) = 0;
  // Gives one token to every open reply.
  virtual std::vector<ReplyStep> step() = 0;
  // Takes a finished reply, or ends one early.
  virtual Reply close(std::int64_t id) = 0;
};

// Opens a reply to each state, steps until all are finished, and returns them in the order of the
// states. Stream i is sampling.stream + i.
std::vector<Reply> reply_to_all(Recommender& recommender, const std::vector<State>& states,
                                const Sampling& sampling);

}  // namespace dialogue
