#include "dialogue/dialogue.h"

#include <algorithm>

namespace dialogue {

std::vector<int> Turn::items() const {
  std::vector<int> items;
  for (const Mention& mention : mentions)
    if (std::find(items.begin(), items.end(), mention.item) == items.end())
      items.push_back(mention.item);
  return items;
}

const Label* Dialogue::seeker_label(int item) const {
  for (const Label& label : seeker_labels)
    if (label.item == item) return &label;
  return nullptr;
}

std::vector<int> Dialogue::new_items(std::size_t turn) const {
  std::vector<int> items = turns[turn].items();
  for (std::size_t t = 0; t < turn; ++t)
    for (const Mention& mention : turns[t].mentions) std::erase(items, mention.item);
  return items;
}

bool Dialogue::is_target(std::size_t turn) const {
  if (turns[turn].role != Role::recommender) return false;
  return !targets || std::binary_search(targets->begin(), targets->end(), static_cast<int>(turn));
}

std::string written_out(const Turn& turn, const Catalogue& catalogue) {
  std::string text;
  std::size_t done = 0;
  for (const Mention& mention : turn.mentions) {
    text += turn.text.substr(done, mention.begin - done);
    if (mention.begin == mention.end && !text.empty() && text.back() != ' ') text += ' ';
    text += catalogue[mention.item].title;
    done = mention.end;
  }
  return text + turn.text.substr(done);
}

}  // namespace dialogue
