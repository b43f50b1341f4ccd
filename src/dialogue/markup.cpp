#include "dialogue/markup.h"

#include <algorithm>

#include "base/error.h"

namespace dialogue {
namespace {

Piece special_piece(Special special, Piece::Part part = Piece::Part::context) {
  Piece piece;
  piece.kind = Piece::Kind::special;
  piece.special = special;
  piece.part = part;
  return piece;
}

Piece item_piece(int item, Piece::Part part = Piece::Part::context) {
  Piece piece;
  piece.kind = Piece::Kind::item;
  piece.item = item;
  piece.part = part;
  return piece;
}

void append(std::vector<Piece>& to, const std::vector<Piece>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void append_items(std::vector<Piece>& to, const std::vector<KnownItem>& items, Polarity polarity,
                  Special special) {
  bool first = true;
  for (const KnownItem& known : items) {
    if (known.polarity != polarity) continue;
    if (first) to.push_back(special_piece(special));
    to.push_back(item_piece(known.item));
    first = false;
  }
}

void append_earlier_items(std::vector<Piece>& to, const State& state) {
  if (!state.keep_earlier_items) return;
  const std::vector<KnownItem> earlier = state.items_before_window();
  append_items(to, earlier, Polarity::liked, Special::liked);
  append_items(to, earlier, Polarity::disliked, Special::disliked);
  append_items(to, earlier, Polarity::unknown, Special::mentioned);
}

}  // namespace

const char* special_name(Special special) {
  switch (special) {
    case Special::user:
      return "<|user|>";
    case Special::recommender:
      return "<|recommender|>";
    case Special::recommend:
      return "<|recommend|>";
    case Special::chat:
      return "<|chat|>";
    case Special::end:
      return "<|end|>";
    case Special::liked:
      return "<|liked|>";
    case Special::disliked:
      return "<|disliked|>";
    case Special::mentioned:
      return "<|mentioned|>";
  }
  return "";
}

std::vector<Piece> render_words(const Turn& turn, Piece::Part part) {
  std::vector<Piece> pieces;
  const auto add_words = [&](std::string words, bool before_item) {
    if (before_item && !words.empty() && words.back() == ' ') words.pop_back();
    if (words.empty()) return;
    Piece piece;
    piece.words = std::move(words);
    piece.part = part;
    pieces.push_back(std::move(piece));
  };
  std::size_t done = 0;
  for (const Mention& mention : turn.mentions) {
    add_words(turn.text.substr(done, mention.begin - done), true);
    pieces.push_back(item_piece(mention.item, part));
    done = mention.end;
  }
  add_words(turn.text.substr(done), false);
  return pieces;
}

std::vector<Piece> render_turn(const Turn& turn) {
  std::vector<Piece> pieces;
  if (turn.role == Role::seeker) {
    pieces.push_back(special_piece(Special::user));
    append(pieces, render_words(turn, Piece::Part::context));
    return pieces;
  }
  pieces.push_back(special_piece(Special::recommender));
  const std::vector<int> items = turn.items();
  if (items.empty()) {
    pieces.push_back(special_piece(Special::chat, Piece::Part::mode));
  } else {
    pieces.push_back(special_piece(Special::recommend, Piece::Part::mode));
    pieces.push_back(item_piece(items.front(), Piece::Part::slot));
  }
  append(pieces, render_words(turn, Piece::Part::response));
  pieces.push_back(special_piece(Special::end, Piece::Part::response));
  return pieces;
}

std::vector<Piece> render_prompt(const State& state) {
  std::vector<Piece> pieces;
  append_earlier_items(pieces, state);
  for (const Turn& turn : state.window) append(pieces, render_turn(turn));
  pieces.push_back(special_piece(Special::recommender));
  return pieces;
}

std::vector<Piece> render_turns(const Dialogue& dialogue, std::size_t from, std::size_t to,
                                const StateOptions& options) {
  base::check(from <= to && to <= dialogue.turns.size(), "render_turns: ", from, " to ", to, " of ",
              dialogue.turns.size());
  std::vector<Piece> pieces;
  StateOptions whole = options;
  whole.window = 1;  // every item named before `from` counts as earlier
  if (from > 0) {
    State state = state_before(dialogue, from, whole);
    state.window.clear();
    append_earlier_items(pieces, state);
  }
  for (std::size_t t = from; t < to; ++t) append(pieces, render_turn(dialogue.turns[t]));
  return pieces;
}

Action parse_action(const std::vector<Piece>& pieces, const Catalogue& catalogue) {
  Action action;
  bool has_mode = false;
  for (const Piece& piece : pieces) {
    if (action.ended) break;
    switch (piece.kind) {
      case Piece::Kind::special:
        if (piece.special == Special::end) action.ended = true;
        if (!has_mode && (piece.special == Special::recommend || piece.special == Special::chat)) {
          has_mode = true;
          action.recommends = piece.special == Special::recommend;
        }
        break;
      case Piece::Kind::item:
        if (!has_mode) break;
        if (action.recommends && !action.item) {
          action.item = piece.item;
        } else {
          if (!action.text.empty() && action.text.back() != ' ') action.text += ' ';
          const std::size_t begin = action.text.size();
          action.text += catalogue[piece.item].title;
          action.mentions.push_back({piece.item, begin, action.text.size()});
        }
        break;
      case Piece::Kind::words:
        action.text += piece.words;
        break;
    }
  }
  return action;
}

bool names_exactly(const Action& action) {
  if (!action.item) return action.mentions.empty();
  return !action.mentions.empty() &&
         std::all_of(action.mentions.begin(), action.mentions.end(),
                     [&](const Mention& mention) { return mention.item == *action.item; });
}

}  // namespace dialogue
