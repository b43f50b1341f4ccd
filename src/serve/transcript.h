#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "dialogue/find_names.h"
#include "feedback/store.h"
#include "serve/served_model.h"

namespace serve {

// Bytes of all that a reply may go on from: it is read anew each time.
inline constexpr std::size_t kMostText = 256 << 10;

// The turns from the first to `leaf`, by their parents. Throws ApiError 404 where there is no such
// turn, 400 where they are longer than kMostText.
std::vector<feedback::StoredTurn> path_to(const std::vector<feedback::StoredTurn>& turns,
                                          const std::string& leaf);

// Turns conversations into what a model reads. May be used from any thread.
class Transcriber {
 public:
  explicit Transcriber(const ServedModel& model);  // keeps a reference

  // Somebody's words, with the titles that they name and the sentiment of a seeker's.
  dialogue::Turn read(dialogue::Role role, const std::string& text) const;
  // A turn that was stored; items that the catalogue does not have are left out.
  dialogue::Turn read(const feedback::StoredTurn& turn) const;
  std::vector<dialogue::Turn> read(const std::vector<feedback::StoredTurn>& turns) const;
  // What a model sees before it answers these turns.
  dialogue::State state(std::vector<dialogue::Turn> turns) const;

  // The places of items in words that a model wrote: where `turn` has those words, its own.
  std::vector<feedback::StoredMention> mentions(const std::string& words,
                                                const dialogue::Turn& turn) const;
  std::vector<feedback::StoredMention> mentions(const dialogue::Turn& turn) const;

 private:
  const ServedModel& model_;
  dialogue::NameFinder titles_;
};

}  // namespace serve
