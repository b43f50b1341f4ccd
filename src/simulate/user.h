#pragma once

#include <optional>
#include <vector>

#include "base/random.h"
#include "dialogue/user.h"
#include "simulate/world.h"

namespace simulate {

// Somebody with a hidden taste, who talks, reacts and leaves as a function of the world, the
// person's number and `episode`. Opens with what they like and dislike; reacts to each
// recommendation in words, with a time, and with events about the recommender's turn (impression,
// dwell, accept, rating, session_end); answers questions; leaves sooner when displeased. Of several
// items each is taken up by itself, where it was looked at, and reported where the report comes in
// time, as the settings say; what is said, dwell and leaving are about all of them. The world must
// outlive the user.
class SimulatedUser : public dialogue::User {
 public:
  SimulatedUser(const World& world, std::uint64_t person, std::uint64_t episode = 0);

  dialogue::Turn begin() override;
  // The reply's time, where it has one, is when it was shown; else it was at once.
  dialogue::Reaction react(const dialogue::Turn& reply) override;

  // The truth, never part of a corpus: the mean of true_satisfaction over all recommendations so
  // far, each less what its words cost (WorldSettings::manners), 0 … 1; 0 where there was none.
  double satisfaction() const;
  // Of each recommended item, in order.
  const std::vector<double>& satisfactions() const { return satisfactions_; }
  const Person& person() const { return person_; }

  // The forms as people fill them in afterwards, with the settings' noise: every item named, once.
  std::vector<dialogue::Label> seeker_form();
  std::vector<dialogue::Label> recommender_form();  // as the recommender would guess, noisier

 private:
  struct Named {
    int item = 0;
    bool suggested = false;
  };
  bool was_named(int item) const;
  void name(int item, bool suggested);
  std::vector<int> open_tastes() const;  // attributes felt strongly about and not spoken of yet
  std::string tell_taste(const std::vector<int>& preferred);
  double feel(double truth);  // with noise, 0 … 1
  dialogue::Reaction react_to_question(const dialogue::Turn& reply);
  bool takes_up(std::size_t place, double truth);  // place in the reply, from 0
  std::optional<double> report_time();             // of what was taken up; nothing: too late
  void add_events(const dialogue::Turn& reply, const std::vector<double>& truths, double feeling,
                  double dwell, dialogue::Reaction& reaction);
  std::vector<dialogue::Label> fill_form(double noise);

  const World& world_;
  Person person_;
  base::Random random_;
  double clock_ = 0;
  int questions_ = 0;  // in a row
  std::vector<bool> told_;
  std::vector<Named> named_;
  std::vector<double> satisfactions_;
};

}  // namespace simulate
