#include "serve/completion_request.h"

#include <gtest/gtest.h>

#include "serve/api_error.h"
#include "serve/bounded.h"

namespace serve {
namespace {

CompletionRequest read(const std::string& more,
                       const std::string& messages = R"([{"role":"user","content":"hi"}])") {
  return read_completion(
      read_body("{\"messages\":" + messages + (more.empty() ? "" : "," + more) + "}"), 4096);
}

// "status param", or "200".
std::string refusal(const std::string& body) {
  try {
    read_completion(read_body(body), 1);
    return "200";
  } catch (const ApiError& error) {
    const base::Json param = error.json()["error"]["param"];
    return std::to_string(error.status()) + " " + (param.is_null() ? "" : param.get<std::string>());
  }
}

TEST(CompletionRequest, HasTheDefaultsOfTheDocumentation) {
  const CompletionRequest request = read("");
  EXPECT_FALSE(request.stream);
  EXPECT_EQ(request.sampling.temperature, .7);
  EXPECT_EQ(request.sampling.max_tokens, 48);
  EXPECT_EQ(request.sampling.max_items, 1);
  EXPECT_EQ(request.sampling.seed, 2u);  // 4096 / 2^11: safe in JSON
  ASSERT_EQ(request.messages.size(), 1u);
  EXPECT_EQ(request.messages[0].text, "hi");
}

TEST(CompletionRequest, ReadsWhatOpenAisClientSends) {
  const CompletionRequest request = read(
      R"("model":"m","stream":true,"stream_options":{"include_usage":true},"temperature":0,
         "max_completion_tokens":5,"seed":-7,"n":1,"stop":"END","user":"ann","top_p":0.9,"top_k":40,"tools":[],
         "response_format":{"type":"text"},"presence_penalty":0,"logit_bias":{},"logprobs":false)",
      R"([{"role":"system","content":"be nice"},{"role":"user","content":[{"type":"text","text":"a"},
          {"type":"text","text":"b"}]},{"role":"assistant","content":"c"},{"role":"user","content":"d"}])");
  EXPECT_TRUE(request.stream && request.include_usage);
  EXPECT_EQ(request.sampling.max_tokens, 5);
  EXPECT_EQ(request.sampling.top_p, .9);
  EXPECT_EQ(request.sampling.top_k, 40);
  EXPECT_EQ(static_cast<std::int64_t>(request.sampling.seed), -7);
  EXPECT_EQ(request.stop, std::vector<std::string>{"END"});
  ASSERT_EQ(request.messages.size(), 3u);  // the system's is left out
  EXPECT_EQ(request.messages[0].text, "ab");
  EXPECT_EQ(request.messages[1].role, dialogue::Role::recommender);
}

std::string messages(int count, std::size_t bytes) {
  std::string out = "[";
  for (int i = 0; i < count; ++i)
    out += std::string(i ? "," : "") + R"({"role":"user","content":")" + std::string(bytes, 'x') +
           "\"}";
  return out + "]";
}

TEST(CompletionRequest, ABodyThatIsNoRequestIsRefused) {
  const std::string ok = R"("messages":[{"role":"user","content":"hi"}])";
  EXPECT_EQ(refusal("{" + ok + "}"), "200");
  EXPECT_EQ(refusal("{\"messages\":" + messages(16, 16 << 10) + "}"), "200");
  const std::pair<std::string, std::string> refused[] = {
      {"", "400 "},
      {"[]", "400 "},
      {"null", "400 "},
      {"{" + ok + "", "400 "},
      {"{" + ok + ",\"n\":1,\"n\":1}", "400 "},  // a key twice
      {std::string(100, '[') + std::string(100, ']'), "400 "},
      {"{}", "400 messages"},
      {R"({"messages":[]})", "400 messages"},
      {R"({"messages":{}})", "400 messages"},
      {R"({"messages":[1]})", "400 messages"},
      {R"({"messages":[{"role":"robot","content":"x"}]})", "400 messages"},
      {R"({"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]})",
       "400 messages"},
      {R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})", "400 messages"},
      {R"({"messages":[{"role":"user","content":7}]})", "400 content"},
      {"{\"messages\":" + messages(17, 16 << 10) + "}", "400 messages"},  // 272 KiB in all
      {"{" + ok + R"(,"temperature":-1})", "400 temperature"},
      {"{" + ok + R"(,"temperature":1e308})", "400 temperature"},
      {"{" + ok + R"(,"temperature":"hot"})", "400 temperature"},
      {"{" + ok + R"(,"max_tokens":0})", "400 max_tokens"},
      {"{" + ok + R"(,"max_tokens":-5})", "400 max_tokens"},
      {"{" + ok + R"(,"max_tokens":1000000})", "400 max_tokens"},
      {"{" + ok + R"(,"max_tokens":1.5})", "400 max_tokens"},
      {"{" + ok + R"(,"max_tokens":18446744073709551615})", "400 max_tokens"},
      {"{" + ok + R"(,"n":2})", "400 n"},
      {"{" + ok + R"(,"n":-1})", "400 n"},
      {"{" + ok + R"(,"stop":["a","b","c","d","e"]})", "400 stop"},
      {"{" + ok + R"(,"stop":""})", "400 stop"},
      {"{" + ok + R"(,"seed":1e30})", "400 seed"},
      {"{" + ok + R"(,"logprobs":true})", "400 logprobs"},
      {"{" + ok + R"(,"top_logprobs":5})", "400 top_logprobs"},
      {"{" + ok + R"(,"top_p":1.5})", "400 top_p"},
      {"{" + ok + R"(,"top_p":-0.1})", "400 top_p"},
      {"{" + ok + R"(,"top_k":-1})", "400 top_k"},
      {"{" + ok + R"(,"top_k":0.5})", "400 top_k"},
      {"{" + ok + R"(,"tools":[{"type":"function"}]})", "400 tools"},
      {"{" + ok + R"(,"response_format":{"type":"json_object"}})", "400 response_format"},
      {"{" + ok + R"(,"attune":{"items":9}})", "400 items"},
      {"{" + ok + R"(,"attune":{"conversation_id":"../../etc/passwd"}})", "400 conversation_id"},
      {"{" + ok + R"(,"attune":7})", "400 attune"},
      {R"({"messages":[],"attune":{"conversation_id":"018f3c1e-9a2b-7c3d-8e4f-0123456789ab"}})",
       "400 messages"},
  };
  for (const auto& [body, expected] : refused) EXPECT_EQ(refusal(body), expected) << body;
}

}  // namespace
}  // namespace serve
