#include "rl/places.h"

namespace rl {

Places find_places(const std::vector<const dialogue::Dialogue*>& dialogues) {
  Places places;
  for (const dialogue::Dialogue* dialogue : dialogues)
    for (std::size_t t = 1; t < dialogue->turns.size(); ++t) {
      if (dialogue->turns[t].role != dialogue::Role::recommender) continue;
      const std::vector<int> items = dialogue->new_items(t);
      places.all.push_back({dialogue, t, items.empty() ? -1 : items.front()});
      if (!items.empty()) places.recommending.push_back(places.all.back());
      if (dialogue->turns[t].mentions.size() <= 1) places.imitable.push_back(places.all.back());
    }
  return places;
}

std::vector<Place> draw_places(const std::vector<Place>& places, int count,
                               const base::RandomPlace& at) {
  base::Random random(at);
  std::vector<Place> chosen;
  for (int i = 0; i < count; ++i) chosen.push_back(places[random.below(places.size())]);
  return chosen;
}

std::vector<dialogue::State> states_before(const std::vector<Place>& places,
                                           const dialogue::StateOptions& options) {
  std::vector<dialogue::State> states;
  for (const Place& place : places)
    states.push_back(dialogue::state_before(*place.dialogue, place.turn, options));
  return states;
}

}  // namespace rl
