#pragma once

#include <utility>
#include <vector>

#include "model/parameters.h"
#include "recommend/context.h"

namespace recommend {

// Training contexts that read like another one, by BM25 (Robertson & Zaragoza 2009) over the words
// of their last six turns, k1 1.2, b .75. Each of the best ones votes for what was named after it.
class Neighbours {
 public:
  Neighbours() = default;
  // words: how many the word table holds.
  Neighbours(const std::vector<RankExample>& examples, int words);

  // (item, share of the votes of the `voters` best contexts), by item; shares add up to 1; empty
  // where no context shares a word. without: index of a training dialogue whose contexts do not
  // vote; -1: all vote.
  std::vector<std::pair<int, float>> votes(const RankContext& context, int without,
                                           std::size_t voters) const;

  // Named tensors, to be kept with a ranker, and back. Throws base::DataError, starting with
  // `where`, where they do not fit `words` and `items`.
  model::TensorMap tensors() const;
  static Neighbours from(const model::TensorMap& tensors, int words, int items,
                         const std::string& where);

 private:
  void index();

  int words_ = 0;
  std::vector<int> dialogue_;                                 // of each context
  std::vector<std::vector<int>> terms_;                       // its words
  std::vector<std::vector<int>> targets_;                     // what was named after it
  std::vector<std::vector<std::pair<int, float>>> postings_;  // word -> (context, weight)
};

}  // namespace recommend
