#include "dialogue/state.h"

#include <algorithm>

#include "base/error.h"

namespace dialogue {
namespace {

// The seeker's words about an item that turn `index` names, among the turns before `end`; null
// where there are none yet.
const Turn* words_about(const Dialogue& dialogue, std::size_t index, std::size_t end) {
  for (std::size_t t = index; t < end; ++t)
    if (dialogue.turns[t].role == Role::seeker) return &dialogue.turns[t];
  return nullptr;
}

Polarity polarity_of(double sentiment, double liked_above) {
  if (sentiment > liked_above) return Polarity::liked;
  if (sentiment < -liked_above) return Polarity::disliked;
  return Polarity::unknown;
}

// How the seeker's words about an item feel: those of the sentence that names it, or of the whole
// turn that answers the recommender.
Polarity polarity_in(const Turn* words, int item, double liked_above) {
  if (!words || !words->sentiment) return Polarity::unknown;
  for (const Mention& mention : words->mentions)
    for (const Sentence& sentence : words->sentences)
      if (mention.item == item && sentence.begin <= mention.begin && mention.begin < sentence.end)
        return polarity_of(sentence.sentiment, liked_above);
  return polarity_of(*words->sentiment, liked_above);
}

}  // namespace

std::vector<KnownItem> State::items_before_window() const {
  std::vector<KnownItem> out;
  const int first = turns - static_cast<int>(window.size());
  for (const KnownItem& known : items)
    if (known.turn < first) out.push_back(known);
  return out;
}

State state_before(const Dialogue& dialogue, std::size_t turn, const StateOptions& options) {
  base::check(turn <= dialogue.turns.size(), "state_before: turn ", turn, " of ",
              dialogue.turns.size());
  base::check(options.window > 0, "state_before: a window of ", options.window, " turns");
  State state;
  state.turns = static_cast<int>(turn);
  state.keep_earlier_items = options.keep_earlier_items;
  state.liked_above = options.liked_above;
  for (std::size_t t = 0; t < turn; ++t) {
    for (int item : dialogue.turns[t].items()) {
      const auto same = [&](const KnownItem& known) { return known.item == item; };
      const auto old = std::find_if(state.items.begin(), state.items.end(), same);
      KnownItem known;
      if (old != state.items.end()) {
        known = *old;
        state.items.erase(old);
      }
      known.item = item;
      known.by = dialogue.turns[t].role;
      known.turn = static_cast<int>(t);
      known.count += 1;
      // The latest words that say something win; silence does not take back what was said.
      const Polarity said = polarity_in(words_about(dialogue, t, turn), item, options.liked_above);
      if (said != Polarity::unknown) known.polarity = said;
      state.items.push_back(known);
    }
  }
  const std::size_t first =
      turn - std::min<std::size_t>(turn, static_cast<std::size_t>(options.window));
  state.window.assign(dialogue.turns.begin() + static_cast<std::ptrdiff_t>(first),
                      dialogue.turns.begin() + static_cast<std::ptrdiff_t>(turn));
  return state;
}

}  // namespace dialogue
