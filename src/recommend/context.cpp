#include "recommend/context.h"

#include <algorithm>

namespace recommend {
namespace {

void add_words(std::vector<int>& to, const std::vector<int>& numbers) {
  for (int number : numbers)
    if (std::find(to.begin(), to.end(), number) == to.end()) to.push_back(number);
}

// Adds the known words of those of a seeker's sentences whose sentiment is wanted.
template <class F>
void add_words_where(std::vector<int>& to, const dialogue::Turn& turn, const WordTable& words,
                     const F& wanted) {
  for (const dialogue::Sentence& sentence : turn.sentences) {
    if (turn.role != dialogue::Role::seeker || !wanted(sentence.sentiment)) continue;
    dialogue::Turn part;
    part.text = turn.text;
    part.mentions = turn.mentions;
    std::fill(part.text.begin(), part.text.begin() + static_cast<std::ptrdiff_t>(sentence.begin),
              ' ');
    std::fill(part.text.begin() + static_cast<std::ptrdiff_t>(sentence.end), part.text.end(), ' ');
    add_words(to, words.numbers(part));
  }
}

}  // namespace

bool RankContext::names(int item) const {
  return std::any_of(items.begin(), items.end(),
                     [&](const dialogue::KnownItem& known) { return known.item == item; });
}

RankContext context_of(const dialogue::State& state, const WordTable& words) {
  RankContext context;
  context.turns = state.turns;
  const int first = state.turns - static_cast<int>(state.window.size());
  for (const dialogue::KnownItem& known : state.items)
    if (state.keep_earlier_items || known.turn >= first) context.items.push_back(known);
  for (std::size_t i = 0; i < state.window.size(); ++i) {
    const std::vector<int> numbers = words.numbers(state.window[i]);
    add_words(context.words, numbers);
    add_words_where(context.liked_words, state.window[i], words,
                    [&](double sentiment) { return sentiment > state.liked_above; });
    add_words_where(context.disliked_words, state.window[i], words,
                    [&](double sentiment) { return sentiment <= -state.liked_above; });
    if (i + 2 >= state.window.size()) add_words(context.recent_words, numbers);
    if (i + 6 >= state.window.size()) add_words(context.late_words, numbers);
  }
  return context;
}

RankContext context_of(const dialogue::State& state, const WordTable& words,
                       const Entities& entities) {
  RankContext context = context_of(state, words);
  for (const dialogue::Turn& turn : state.window)
    for (int entity : entities.named_in(words_of(turn))) {
      std::erase(context.entities, entity);
      context.entities.push_back(entity);
    }
  return context;
}

std::vector<RankExample> rank_examples(const std::vector<const dialogue::Dialogue*>& dialogues,
                                       const WordTable& words, const Entities& entities,
                                       const dialogue::StateOptions& options) {
  std::vector<RankExample> examples;
  for (std::size_t d = 0; d < dialogues.size(); ++d)
    for (std::size_t t = 1; t < dialogues[d]->turns.size(); ++t) {
      const dialogue::Turn& turn = dialogues[d]->turns[t];
      if (turn.mentions.empty()) continue;
      if (dialogues[d]->targets && !dialogues[d]->is_target(t)) continue;
      examples.push_back(
          {static_cast<int>(d), static_cast<int>(t), turn.role,
           context_of(dialogue::state_before(*dialogues[d], t, options), words, entities),
           turn.items()});
    }
  return examples;
}

}  // namespace recommend
