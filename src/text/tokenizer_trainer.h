#pragma once

#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace text {

struct TrainerOptions {
  int vocabulary_size = 8000;  // text tokens, the 256 bytes included
  int minimum_count = 2;       // a pair seen less often is not merged
};

// Byte-pair encoding (Sennrich et al. 2016) over GPT-2's words and bytes. The first 256 tokens are
// the bytes in GPT-2's order; each merge joins the pair that is most frequent then, of equals the
// one with the lower left id, then the lower right id: the order of the texts does not matter.
// Words above 1,000 bytes are no language and are passed over.
// Fewer tokens come out where the texts hold no more pairs. Nothing is added (see
// Tokenizer::with_added_tokens). Throws UsageError where vocabulary_size is below 256 or
// minimum_count below 1.
Tokenizer train_tokenizer(const std::vector<std::string>& texts,
                          const TrainerOptions& options = {});

}  // namespace text
