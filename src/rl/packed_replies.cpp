#include "rl/packed_replies.h"

#include <algorithm>
#include <map>

#include "base/error.h"

namespace rl {
namespace {

constexpr std::int64_t kNone = -1;

// How often a prompt occurs, and the segment where it stands once it is packed.
struct PackedPrompt {
  int replies = 0;
  std::int64_t segment = kNone;
};

}  // namespace

PackedReplies pack_replies(const std::vector<const Episode*>& episodes, Prompts prompts) {
  std::map<std::vector<int>, PackedPrompt> packed_prompts;
  for (const Episode* episode : episodes) {
    base::check(!episode->prompt.empty() && !episode->tokens.empty(),
                "pack_replies: an empty episode");
    packed_prompts[episode->prompt].replies += 1;
  }
  PackedReplies out;
  std::vector<std::vector<int>> segments;
  std::vector<std::int64_t> prefix, begins = {0};
  const auto add = [&](std::vector<int> tokens, std::int64_t behind) {
    begins.push_back(begins.back() + static_cast<std::int64_t>(tokens.size()));
    segments.push_back(std::move(tokens));
    prefix.push_back(behind);
  };
  for (const Episode* episode : episodes) {
    const std::vector<int> reply(episode->tokens.begin(), episode->tokens.end() - 1);
    const auto length = static_cast<std::int64_t>(episode->prompt.size());
    PackedPrompt& prompt = packed_prompts.at(episode->prompt);
    if (prompts == Prompts::shared && prompt.replies > 1) {
      if (prompt.segment == kNone) {
        prompt.segment = static_cast<std::int64_t>(segments.size());
        add(episode->prompt, kNone);
      }
      out.last_of_prompt.push_back(begins[static_cast<std::size_t>(prompt.segment)] + length - 1);
      out.first_of_reply.push_back(begins.back());
      add(reply, prompt.segment);
    } else {
      out.last_of_prompt.push_back(begins.back() + length - 1);
      out.first_of_reply.push_back(begins.back() + length);
      std::vector<int> whole = episode->prompt;
      whole.insert(whole.end(), reply.begin(), reply.end());
      add(std::move(whole), kNone);
    }
  }
  const bool shares = std::any_of(prefix.begin(), prefix.end(), [](auto p) { return p != kNone; });
  out.packed = model::pack(segments, shares ? prefix : std::vector<std::int64_t>{});
  return out;
}

torch::Tensor indices(const std::vector<std::int64_t>& values, torch::Device device) {
  return torch::tensor(values, torch::kInt64).to(device);
}

std::int64_t longest_reply(const std::vector<const Episode*>& episodes) {
  std::int64_t longest = 0;
  for (const Episode* episode : episodes)
    longest = std::max(longest, static_cast<std::int64_t>(episode->tokens.size()));
  return longest;
}

}  // namespace rl
