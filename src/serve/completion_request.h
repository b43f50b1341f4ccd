#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "dialogue/recommender.h"

namespace serve {

struct Message {
  dialogue::Role role = dialogue::Role::seeker;
  std::string text;
};

// A body of POST /v1/chat/completions, every part within its bounds.
struct CompletionRequest {
  std::vector<Message> messages;  // of user and assistant; system messages are left out
  std::string user;
  std::string model;  // empty: whatever is served
  bool stream = false;
  bool include_usage = false;
  std::vector<std::string> stop;
  dialogue::Sampling sampling;              // its seed is drawn where the request names none
  std::optional<std::string> conversation;  // to go on with
  std::optional<std::string> parent;        // the turn that it goes on from; nothing: its beginning
};

// The messages of a body: at most 200 of 16 KiB, 256 KiB in all. Throws ApiError 400.
std::vector<Message> read_messages(const base::Json& body);

// random_seed: for requests without one. Throws ApiError 400 naming the part that is out of its
// bounds or cannot be done (n above 1, functions, images, …).
CompletionRequest read_completion(const base::Json& body, std::uint64_t random_seed);

}  // namespace serve
