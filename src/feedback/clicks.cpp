#include "feedback/clicks.h"

#include <algorithm>

namespace feedback {

std::optional<double> taken_up(const dialogue::Dialogue& dialogue, std::size_t turn, int item,
                               const dialogue::Catalogue& catalogue) {
  const dialogue::Turn& shown = dialogue.turns[turn];
  const std::vector<int> items = shown.items();
  const bool first = !items.empty() && items.front() == item;
  std::optional<double> taken;
  for (const dialogue::Event& event : dialogue.events) {
    if (event.turn != shown.id) continue;
    taken = taken.value_or(0);
    const bool about_it = event.item.empty() ? first : event.item == catalogue[item].id;
    if (event.type == "accept" && about_it) taken = std::max(*taken, event.value.value_or(1));
  }
  return taken;
}

std::vector<Slate> read_slates(const std::vector<const dialogue::Dialogue*>& dialogues,
                               const dialogue::Catalogue& catalogue) {
  std::vector<Slate> slates;
  for (const dialogue::Dialogue* dialogue : dialogues)
    for (std::size_t t = 1; t < dialogue->turns.size(); ++t) {
      if (dialogue->turns[t].role != dialogue::Role::recommender || !dialogue->is_target(t))
        continue;
      const std::vector<int> shown = dialogue->turns[t].items(), fresh = dialogue->new_items(t);
      Slate slate{dialogue, t, {}};
      for (std::size_t i = 0; i < shown.size(); ++i) {
        if (std::find(fresh.begin(), fresh.end(), shown[i]) == fresh.end()) continue;
        if (const std::optional<double> taken = taken_up(*dialogue, t, shown[i], catalogue))
          slate.items.push_back({shown[i], static_cast<int>(i) + 1, *taken >= kTaken});
      }
      if (!slate.items.empty()) slates.push_back(std::move(slate));
    }
  return slates;
}

}  // namespace feedback
