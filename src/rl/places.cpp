#include "rl/places.h"

#include <algorithm>

namespace rl {

Places find_places(const std::vector<const dialogue::Dialogue*>& dialogues,
                   const dialogue::StateOptions& options) {
  Places places;
  for (const dialogue::Dialogue* dialogue : dialogues)
    for (std::size_t t = 1; t < dialogue->turns.size(); ++t) {
      if (dialogue->turns[t].role != dialogue::Role::recommender) continue;
      Place place{dialogue, t};
      const std::vector<int> items = dialogue->turns[t].items();
      if (!items.empty()) {
        const dialogue::State state = dialogue::state_before(*dialogue, t, options);
        for (int item : items) {
          const bool named =
              std::any_of(state.items.begin(), state.items.end(),
                          [&](const dialogue::KnownItem& known) { return known.item == item; });
          if (!named && place.target < 0) place.target = item;
        }
      }
      places.all.push_back(place);
      if (place.target >= 0) places.recommending.push_back(place);
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
