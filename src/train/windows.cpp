#include "train/windows.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/random.h"

namespace train {
namespace {

using dialogue::Piece;

Sequence encode_sequence(const std::vector<Piece>& pieces, const DialogueTokens& tokens,
                         const WindowOptions& options) {
  Sequence sequence;
  dialogue::Special speaker =
      dialogue::Special::recommender;  // <|user|> until the first turn: earlier items
  bool in_turn = false;
  for (const Piece& piece : pieces) {
    if (piece.kind == Piece::Kind::special && (piece.special == dialogue::Special::user ||
                                               piece.special == dialogue::Special::recommender)) {
      speaker = piece.special;
      in_turn = true;
      sequence.ids.push_back(tokens.special(piece.special));
      sequence.weights.push_back(0);
      sequence.parts.push_back(piece.part);
      continue;
    }
    const bool action = piece.part != Piece::Part::context;
    const bool seeker = in_turn && speaker == dialogue::Special::user;
    const float weight = action ? 1.f : seeker ? static_cast<float>(options.seeker_weight) : 0.f;
    for (int id : tokens.encode({piece})) {
      sequence.ids.push_back(id);
      sequence.weights.push_back(weight);
      sequence.parts.push_back(piece.part);
    }
  }
  if (!sequence.weights.empty()) sequence.weights[0] = 0;
  return sequence;
}

void cut(Sequence& sequence, std::size_t length) {
  if (sequence.ids.size() <= length) return;
  sequence.ids.resize(length);
  sequence.weights.resize(length);
  sequence.parts.resize(length);
}

}  // namespace

std::vector<Sequence> windows(const dialogue::Dialogue& dialogue, const DialogueTokens& tokens,
                              const WindowOptions& options) {
  base::check(options.max_tokens > 1, "windows: at most ", options.max_tokens, " tokens");
  const auto room = static_cast<std::size_t>(options.max_tokens);
  std::vector<std::size_t> lengths;  // tokens of each turn
  for (const dialogue::Turn& turn : dialogue.turns)
    lengths.push_back(tokens.encode(dialogue::render_turn(turn)).size());
  std::vector<Sequence> sequences;
  for (std::size_t from = 0; from < dialogue.turns.size();) {
    std::size_t used =
        tokens.encode(dialogue::render_turns(dialogue, from, from, options.state)).size();
    std::size_t to = from;
    while (to < dialogue.turns.size() && used + lengths[to] <= room) used += lengths[to++];
    if (to == from) to = from + 1;  // one turn that is too long
    sequences.push_back(encode_sequence(dialogue::render_turns(dialogue, from, to, options.state),
                                        tokens, options));
    cut(sequences.back(), room);
    const auto& weights = sequences.back().weights;
    if (std::all_of(weights.begin(), weights.end(), [](float weight) { return weight == 0; }))
      sequences.pop_back();  // nothing to be learned
    from = to;
  }
  return sequences;
}

std::vector<std::vector<std::size_t>> batches(const std::vector<Sequence>& sequences,
                                              int max_tokens, std::uint64_t seed,
                                              std::uint64_t epoch) {
  std::vector<std::size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  base::Random random({.seed = seed, .stage = "batches", .step = epoch});
  random.shuffle(order);
  std::vector<std::vector<std::size_t>> out;
  std::size_t used = 0;
  for (std::size_t index : order) {
    const std::size_t length = sequences[index].ids.size();
    if (out.empty() || used + length > static_cast<std::size_t>(max_tokens)) {
      out.emplace_back();
      used = 0;
    }
    out.back().push_back(index);
    used += length;
  }
  return out;
}

}  // namespace train
