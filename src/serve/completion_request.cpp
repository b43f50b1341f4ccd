#include "serve/completion_request.h"

#include <algorithm>

#include "serve/api_error.h"
#include "serve/bounded.h"
#include "serve/transcript.h"

namespace serve {
namespace {

constexpr std::size_t kMessages = 200, kMessageBytes = 16 << 10;
constexpr std::int64_t kMaxTokens = 256, kMaxItems = 4;
constexpr std::int64_t kMostTopK = 1000000;
constexpr std::size_t kStops = 4, kStopBytes = 64;

[[noreturn]] void unsupported(const std::string& key, const std::string& what) {
  throw ApiError(400, "unsupported_value", what, key);
}

// A text, or a list of parts of which each is {"type": "text", "text": …}.
std::string content_of(const base::Json& message) {
  const auto at = message.find("content");
  if (at == message.end() || at->is_null()) return "";
  if (!at->is_array()) return text_in(message, "content", kMessageBytes).value_or("");
  std::string out;
  for (const base::Json& part : *at) {
    if (!part.is_object() || text_in(part, "type", 32) != "text")
      unsupported("messages", "a message's content may be text only");
    out += text_in(part, "text", kMessageBytes).value_or("");
    if (out.size() > kMessageBytes)
      throw ApiError(400, "invalid_value", "a message is too long", "messages");
  }
  return out;
}

std::vector<std::string> read_stops(const base::Json& body) {
  const auto at = body.find("stop");
  if (at == body.end() || at->is_null()) return {};
  const base::Json list = at->is_array() ? *at : base::Json::array({*at});
  if (list.size() > kStops)
    throw ApiError(400, "invalid_value", "\"stop\" may hold up to 4 texts", "stop");
  std::vector<std::string> out;
  for (const base::Json& one : list) {
    if (!one.is_string() || one.get_ref<const std::string&>().empty() ||
        one.get_ref<const std::string&>().size() > kStopBytes)
      throw ApiError(400, "invalid_value", "\"stop\" must be texts of 1 to 64 bytes", "stop");
    out.push_back(one.get<std::string>());
  }
  return out;
}

dialogue::Sampling read_sampling(const base::Json& body, std::uint64_t random_seed) {
  dialogue::Sampling out;
  out.temperature = number_in(body, "temperature", 0, 2).value_or(.7);
  // 0 is the likeliest token alone, as with OpenAI.
  out.top_p = std::max(number_in(body, "top_p", 0, 1).value_or(1), dialogue::kLeastTopP);
  out.top_k = static_cast<int>(whole_in(body, "top_k", 0, kMostTopK).value_or(0));
  out.max_tokens = static_cast<int>(
      whole_in(body, "max_completion_tokens", 1, kMaxTokens)
          .value_or(whole_in(body, "max_tokens", 1, kMaxTokens).value_or(out.max_tokens)));
  // An answer carries its seed, and numbers above 2^53 are not safe in JSON.
  out.seed =
      static_cast<std::uint64_t>(whole_in(body, "seed", INT64_MIN, INT64_MAX)
                                     .value_or(static_cast<std::int64_t>(random_seed >> 11)));
  const base::Json own = object_in(body, "attune");
  out.max_items = static_cast<int>(whole_in(own, "items", 1, kMaxItems).value_or(1));
  out.stated = truth_in(own, "stated").value_or(false);
  return out;
}

void refuse_unsupported(const base::Json& body) {
  if (whole_in(body, "n", 1, 128).value_or(1) != 1)
    unsupported("n", "one choice a request: \"n\" must be 1");
  for (const char* key : {"tools", "functions", "tool_choice", "function_call", "audio"})
    if (const auto at = body.find(key);
        at != body.end() && !at->is_null() && *at != "none" && !at->empty())
      unsupported(key, "this model calls no functions and makes no audio");
  const base::Json format = object_in(body, "response_format");
  if (!format.empty() && text_in(format, "type", 32) != "text")
    unsupported("response_format", "the answer is text");
  for (const char* key : {"presence_penalty", "frequency_penalty"})
    if (number_in(body, key, -2, 2).value_or(0) != 0)
      unsupported(key, "there are no penalties: it must be 0");
  if (whole_in(body, "top_logprobs", 0, 20).value_or(0) != 0)
    unsupported("top_logprobs", "log-probabilities stand in the decision record, not in answers");
  if (truth_in(body, "logprobs").value_or(false))
    unsupported("logprobs", "log-probabilities stand in the decision record, not in answers");
  if (!object_in(body, "logit_bias").empty())
    unsupported("logit_bias", "there is no bias of tokens");
}

}  // namespace

std::vector<Message> read_messages(const base::Json& body) {
  std::vector<Message> out;
  std::size_t bytes = 0;
  for (const base::Json& message : list_in(body, "messages", kMessages)) {
    if (!message.is_object())
      throw ApiError(400, "invalid_value", "a message must be an object", "messages");
    const std::string role = text_in(message, "role", 32).value_or("");
    if (role != "system" && role != "developer" && role != "user" && role != "assistant")
      throw ApiError(400, "invalid_value",
                     "a message's role must be system, developer, user or assistant", "messages");
    std::string text = content_of(message);
    if ((bytes += text.size()) > kMostText)
      throw ApiError(400, "invalid_value", "\"messages\" may hold 256 KiB in all", "messages");
    if (role == "user" || role == "assistant")
      out.push_back(
          {role == "user" ? dialogue::Role::seeker : dialogue::Role::recommender, std::move(text)});
  }
  return out;
}

CompletionRequest read_completion(const base::Json& body, std::uint64_t random_seed) {
  refuse_unsupported(body);
  CompletionRequest out;
  out.messages = read_messages(body);
  out.user = text_in(body, "user", 256).value_or("");
  out.model = text_in(body, "model", 256).value_or("");
  out.stream = truth_in(body, "stream").value_or(false);
  out.include_usage = truth_in(object_in(body, "stream_options"), "include_usage").value_or(false);
  out.stop = read_stops(body);
  out.sampling = read_sampling(body, random_seed);
  const base::Json own = object_in(body, "attune");
  out.conversation = uuid_in(own, "conversation_id");
  out.parent = uuid_in(own, "parent_id");
  const bool again = out.conversation && out.parent && out.messages.empty();
  if (!again && (out.messages.empty() || out.messages.back().role != dialogue::Role::seeker))
    throw ApiError(400, "invalid_value", "the last message must be the user's", "messages");
  return out;
}

}  // namespace serve
