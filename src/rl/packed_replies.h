#pragma once

#include <cstdint>
#include <vector>

#include "model/forward.h"
#include "rl/episode.h"

namespace rl {

// What is packed of prompts that several replies share.
enum class Prompts {
  shared,    // each once, the replies behind it
  repeated,  // one a reply
};

// Replies behind their prompts, packed for a forward pass. Prompts that differ from all others
// stand in one segment with their reply either way. A reply's last token is left out: nothing is
// read behind it.
struct PackedReplies {
  model::Packed packed;
  // One a reply: the packed rows of its prompt's last token and of its own first token.
  std::vector<std::int64_t> last_of_prompt, first_of_reply;

  // The packed row of the hidden state before token t of reply b.
  std::int64_t row_before(std::size_t b, std::size_t t) const {
    return t == 0 ? last_of_prompt[b] : first_of_reply[b] + static_cast<std::int64_t>(t) - 1;
  }
};

// Throws base::Error(internal) where a prompt or a reply is empty.
PackedReplies pack_replies(const std::vector<const Episode*>& episodes,
                           Prompts prompts = Prompts::shared);

// Rows, places or tokens as an index, int64.
torch::Tensor indices(const std::vector<std::int64_t>& values, torch::Device device = torch::kCPU);

// Tokens of the longest reply; 0 for none.
std::int64_t longest_reply(const std::vector<const Episode*>& episodes);

}  // namespace rl
