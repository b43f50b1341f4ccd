#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "kernels/cuda.h"
#include "kernels/decoding_head.h"
#include "kernels/draw_step.h"
#include "model/decoder.h"

namespace model {

// How a sequence in a decoder goes on.
struct DrawRequest {
  std::int64_t slot = 0;
  int token = 0;  // appended first; what is drawn follows it
  double temperature = 1;
  std::vector<double> uniforms = {};  // in [0, 1), one for each token that may be drawn at most
  int end = -1;                       // the token that ends it, itself drawn but not appended
  // A token that is no row of those drawn from: until it has come `end` cannot, and where it has
  // not come by the last token, it is that token, with probability 1. -1: none.
  int other = -1;
  // Tokens that may be drawn in all, where they are more than the uniforms here; 0: no more.
  std::int64_t limit = 0;
};

struct DrawnTokens {
  std::vector<int> tokens;  // the last of them is not appended yet
  std::vector<double> log_probs;
};

// Lets a decoder's sequences draw their own tokens, many steps without the host in between: on a
// GPU a step, drawing included, is one graph, kept for each size of batch; on the processor what
// has ended leaves the batch.
class DrawLoop {
 public:
  // Draws among the first `rows` tokens of the vocabulary, by numbers as the decoder's, or the
  // tokens of a head that the decoder's begins with. Keeps a reference to the decoder.
  DrawLoop(Decoder& decoder, std::int64_t rows);
  DrawLoop(Decoder& decoder, kernels::DecodingHead head);
  ~DrawLoop();

  // Goes on with sequences of different slots until each has ended or has no uniforms left. Throws
  // base::Error where a slot has too little room.
  std::vector<DrawnTokens> draw(const std::vector<DrawRequest>& requests);

 private:
  struct Batch;  // of one size, with its graph
  Batch& batch_for(std::int64_t rows, std::int64_t steps);
  void step(kernels::DrawState& state);
  kernels::DrawState state_of(const std::vector<DrawRequest>& requests, std::int64_t size,
                              std::int64_t steps) const;
  std::vector<DrawnTokens> draw_there(const std::vector<DrawRequest>& requests, std::int64_t steps);
  std::vector<DrawnTokens> draw_here(const std::vector<DrawRequest>& requests, std::int64_t steps);

  Decoder& decoder_;
  kernels::DecodingHead head_;  // of those
  std::map<std::int64_t, std::unique_ptr<Batch>> batches_;
};

}  // namespace model
