#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dialogue/sentiment.h"
#include "dialogue/user.h"
#include "evaluate/comparison.h"
#include "evaluate/scores.h"

namespace evaluate {

// What somebody who is made of a form says to a recommended item.
enum class Answer {
  accepted,       // the form likes it
  accepted_seen,  // the form likes it and says that it was seen before
  rejected,       // the form does not like it
  seen,           // the form says that it was seen, not how it was liked
  repeated,       // named before in this dialogue
  unknown,        // the form says none of this: "I have not heard of it"
};

// The seeker of a real dialogue, as far as their form goes. They open with what the seeker really
// said before the recommender first named an item; where that is nothing, with up to two items that
// the form likes and that the recommender did not suggest. To a reply without items they name
// another such item, where one is left. They have no target: nothing is asked for. They leave once
// they accept an item. The dialogue and the catalogue must outlive the user.
class FormUser : public dialogue::User {
 public:
  FormUser(const dialogue::Dialogue& dialogue, const dialogue::Catalogue& catalogue);

  dialogue::Turn begin() override;
  dialogue::Reaction react(const dialogue::Turn& reply) override;

  // To each recommended item, in order.
  const std::vector<Answer>& answers() const { return answers_; }

 private:
  bool was_named(int item) const;
  Answer judge(int item) const;
  std::optional<int> own_liking() const;  // the next item to speak of

  const dialogue::Dialogue& dialogue_;
  const dialogue::Catalogue& catalogue_;
  std::vector<int> named_;
  std::vector<Answer> answers_;
};

struct InteractiveOptions {
  int max_turns = 5;      // recommender's
  int batch = 64;         // users who talk at the same time
  std::size_t limit = 0;  // of dialogues, at even distances; 0: all
  dialogue::StateOptions state = {};
  dialogue::Sampling sampling = {};            // its stream is set
  dialogue::SentimentFunction sentiment = {};  // reads every seeker's turn; may be empty
};

struct FormEpisode {
  std::int64_t source = 0;      // index of the real dialogue; the cluster
  dialogue::Dialogue dialogue;  // as it was played
  std::vector<Answer> answers;
  std::optional<int> success;  // the recommender's turn of the first accepted item, from 1
};

struct FormGame {
  std::string model;
  std::vector<FormEpisode> episodes;
};

// One episode a conversation whose form likes an item that the user's first words do not name. All
// recommenders meet the same people.
FormGame play_forms(dialogue::Recommender& recommender,
                    const std::vector<const dialogue::Dialogue*>& dialogues,
                    const dialogue::Catalogue& catalogue, const InteractiveOptions& options = {});

// One game a recommender, in their order.
std::vector<FormGame> play_forms(const std::vector<dialogue::Recommender*>& recommenders,
                                 const std::vector<const dialogue::Dialogue*>& dialogues,
                                 const dialogue::Catalogue& catalogue,
                                 const InteractiveOptions& options = {});

// docs/metrics.md has the definitions. Throws base::Error (internal) where there is no episode.
InteractiveScores score_forms(const FormGame& game, const metrics::BootstrapOptions& options = {});

// Protocol "interactive", metric "success". Throws base::Error (internal) where the two met
// different people.
Comparison compare_forms(const FormGame& game, const FormGame& against,
                         const metrics::BootstrapOptions& options = {});

}  // namespace evaluate
