#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dialogue/state.h"

namespace dialogue {

// The one sequence that a model reads and writes:
//
//   <|liked|> ITEM … <|disliked|> ITEM … <|mentioned|> ITEM …     items from before the window,
//   where there are any
//   <|user|> words ITEM words
//   <|recommender|> <|recommend|> ITEM words ITEM words <|end|>    or   <|recommender|> <|chat|>
//   words <|end|>
//
// A recommender turn that names items recommends, and the first item it names fills the slot after
// <|recommend|>.
// <|end|> comes first: the words of a reply are drawn from the text vocabulary and it, one
// contiguous range of ids.
enum class Special { end, user, recommender, recommend, chat, liked, disliked, mentioned };
inline constexpr int kSpecialCount = 8;
const char* special_name(Special special);  // "<|user|>"

// One piece of a sequence: a special token, an item's token, or words still to be cut into tokens.
struct Piece {
  enum class Kind { special, item, words } kind = Kind::words;
  Special special = Special::user;  // where kind is special
  int item = 0;                     // where kind is item
  std::string words;                // where kind is words
  enum class Part {
    context,
    mode,
    slot,
    response
  } part = Part::context;  // which part of an action it is, if any
};

// A turn's text as words and items: single spaces before an item go, since its token stands for "
// Title".
std::vector<Piece> render_words(const Turn& turn, Piece::Part part);

// A seeker's turn, or a recommender's with mode, slot, response and <|end|>.
std::vector<Piece> render_turn(const Turn& turn);

// The state up to and including the <|recommender|> that asks for an action.
std::vector<Piece> render_prompt(const State& state);

// The first turns of a dialogue `from` … `to`-1 as one sequence, with the items from before `from`
// in front.
std::vector<Piece> render_turns(const Dialogue& dialogue, std::size_t from, std::size_t to,
                                const StateOptions& options);

// What a model wrote after <|recommender|>, read back.
struct Action {
  bool recommends = false;
  std::optional<int> item;  // of the slot
  std::string text;         // with titles written out
  std::vector<Mention> mentions;
  bool ended = false;  // <|end|> was written
};

// Reads pieces back; pieces that do not follow the grammar (a second mode, an item in the mode's
// place) are skipped.
Action parse_action(const std::vector<Piece>& pieces, const Catalogue& catalogue);

// Whether the words name the chosen item and no other, or none where none was chosen.
bool names_exactly(const Action& action);

}  // namespace dialogue
