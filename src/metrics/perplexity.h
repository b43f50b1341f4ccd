#pragma once

#include <cstdint>

namespace metrics {

// log_probs: the sum of the natural log-probabilities of `tokens` tokens. exp of the mean loss; it
// can be compared between models of one tokenizer only. Infinite where it is too large; throws
// base::Error where tokens is 0.
double perplexity(double log_probs, std::int64_t tokens);

// The same sum over the bytes of the text that the tokens spell, in bits: can be compared between
// tokenizers. Throws base::Error where bytes is 0.
double bits_per_byte(double log_probs, std::int64_t bytes);

}  // namespace metrics
