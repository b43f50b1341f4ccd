#pragma once

#include <string>

#include "base/json.h"
#include "text/rules.h"

namespace text {

// Reads the parts of a Hugging Face tokenizer.json other than its vocabulary, merges and added
// tokens. `root` holds "model" and may hold "normalizer", "pre_tokenizer", "post_processor",
// "decoder", "truncation" and "padding". Throws DataError, starting with `where`, naming whatever
// is damaged or would make ids that attune cannot make.
Rules read_rules(const base::Json& root, const std::string& where);

// The same parts back, as they were read: an object whose "model" lacks vocabulary and merges.
base::Json rules_json(const Rules& rules);

// The parts of GPT-2's tokenizer.json.
base::Json gpt2_rules_json();

}  // namespace text
