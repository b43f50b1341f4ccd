#include <atomic>
#include <chrono>

#include "base/uuid.h"
#include "serve/api_error.h"
#include "serve/completion_request.h"
#include "serve/handlers.h"
#include "serve/rec_token.h"
#include "serve/recommendation_json.h"
#include "serve/text_stream.h"
#include "serve/word_beat.h"

namespace serve {
namespace {

using Clock = std::chrono::steady_clock;
using dialogue::Role;

constexpr std::size_t kTitleBytes = 60, kLongestConversation = 2000;  // turns
constexpr std::chrono::seconds kPing{15};
constexpr std::int64_t kLeastPrompt = 64;  // tokens

// The first words of a text, cut at a character.
std::string title_of(const std::string& text) {
  if (text.size() <= kTitleBytes) return text;
  std::size_t end = kTitleBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string to_text(const base::Json& json) {
  return json.dump(-1, ' ', false, base::Json::error_handler_t::replace);
}

// What goes on after what, and what of it is new.
struct Thread {
  std::string conversation;
  std::vector<dialogue::Turn> turns;  // all that the model sees
  std::vector<feedback::StoredTurn> new_turns;
  std::optional<feedback::StoredConversation> new_conversation;
  std::string last;  // id of the turn that is answered
};

void append(Thread& thread, Context& context, const Message& message) {
  dialogue::Turn turn = context.transcriber.read(message.role, message.text);
  feedback::StoredTurn stored;
  stored.id = base::new_uuid_v7();
  stored.conversation = thread.conversation;
  stored.parent = thread.last;
  stored.role = message.role;
  stored.text = message.text;
  stored.mentions = context.transcriber.mentions(turn);
  stored.at = context.now();
  thread.last = stored.id;
  thread.new_turns.push_back(std::move(stored));
  thread.turns.push_back(std::move(turn));
}

Thread new_thread(Context& context, const CompletionRequest& request, const Caller& caller) {
  Thread thread;
  thread.conversation = base::new_uuid_v7();
  for (const Message& message : request.messages) append(thread, context, message);
  feedback::StoredConversation conversation;
  conversation.id = thread.conversation;
  conversation.subject = caller.subject;
  for (const Message& message : request.messages)
    if (conversation.title.empty() && message.role == Role::seeker)
      conversation.title = title_of(message.text);
  conversation.created_at = context.now();
  thread.new_conversation = std::move(conversation);
  return thread;
}

Thread known_thread(Context& context, const CompletionRequest& request, const Caller& caller) {
  own_conversation(context, caller, *request.conversation, "conversation_id");
  const std::vector<feedback::StoredTurn> all = context.store.turns(*request.conversation);
  if (all.size() >= kLongestConversation)
    throw ApiError(400, "conversation_too_long",
                   "the conversation has too many turns: begin another", "conversation_id");
  Thread thread;
  thread.conversation = *request.conversation;
  if (request.parent) thread.turns = context.transcriber.read(path_to(all, *request.parent));
  thread.last = request.parent.value_or("");
  if (!request.messages.empty())
    append(thread, context, request.messages.back());
  else if (thread.turns.back().role != Role::seeker)
    throw ApiError(400, "invalid_value", "only a person's turn can be replied to again",
                   "parent_id");
  return thread;
}

// One reply on its way. Its callbacks come one after another: from the engine's thread, then from
// the store's.
class Talk : public std::enable_shared_from_this<Talk> {
 public:
  Talk(Context& context, CompletionRequest request, Caller caller,
       std::shared_ptr<Responder> responder)
      : context_(context),
        request_(std::move(request)),
        caller_(std::move(caller)),
        responder_(std::move(responder)),
        words_(request_.stop) {}

  void begin(Thread thread) {
    thread_ = std::move(thread);
    turn_ = base::new_uuid_v7();
    created_ = context_.now() / 1000;
    store_question();
    const auto ticket = context_.engine.submit(
        context_.transcriber.state(thread_.turns), request_.sampling,
        {[self = shared_from_this()](std::string text) { self->take_words(text); },
         [self = shared_from_this()](EngineReply reply) { self->take_reply(std::move(reply)); }});
    if (!ticket) throw overloaded();
    ticket_ = *ticket;
    if (unwanted_) context_.engine.cancel(ticket_);
    responder_->when_gone([self = shared_from_this()] { self->cancel(); });
  }

 private:
  void cancel() {
    unwanted_ = true;
    if (ticket_ > 0) context_.engine.cancel(ticket_);
  }

  void store_question() {
    feedback::Batch batch;
    if (thread_.new_conversation) batch.conversations.push_back(*thread_.new_conversation);
    batch.turns = thread_.new_turns;
    if (!batch.turns.empty())
      context_.store.write(std::move(batch),
                           [self = shared_from_this()](const feedback::Written& written) {
                             if (!written.error.empty()) self->question_lost_ = true;
                           });
  }

  // {"conversation_id", "user_turn_id", "turn_id"}
  base::Json own_ids() const {
    return {{"conversation_id", thread_.conversation},
            {"user_turn_id", thread_.last},
            {"turn_id", turn_}};
  }

  base::Json chunk(base::Json delta, const char* finish_reason) const {
    base::Json choice = {{"index", 0}, {"delta", std::move(delta)}, {"logprobs", nullptr}};
    choice["finish_reason"] = finish_reason ? base::Json(finish_reason) : base::Json();
    return {{"id", "chatcmpl-" + turn_},
            {"object", "chat.completion.chunk"},
            {"created", created_},
            {"model", context_.model.id},
            {"choices", base::Json::array({std::move(choice)})}};
  }

  static std::string event(const base::Json& json) { return "data: " + to_text(json) + "\n\n"; }
  void send_event(const base::Json& json) { responder_->write(event(json)); }

  void begin_stream() {
    begun_ = true;
    responder_->begin({200,
                       {{"Content-Type", "text/event-stream"},
                        {"Cache-Control", "no-store"},
                        {"X-Content-Type-Options", "nosniff"},
                        {"X-Accel-Buffering", "no"}},
                       ""});
    responder_->keep_alive(": ping\n\n", kPing);
    base::Json first = chunk({{"role", "assistant"}, {"content", ""}}, nullptr);
    first["attune"] = own_ids();
    send_event(first);
    frame_words();
  }

  // A reply's events differ in their words alone: what stands around them is made once.
  void frame_words() {
    constexpr std::string_view kKey = R"("content":)";
    const std::string whole = event(chunk({{"content", ""}}, nullptr));
    const std::size_t at = whole.find(kKey) + kKey.size();  // within a text it would be escaped
    before_words_ = whole.substr(0, at);
    after_words_ = whole.substr(at + 2);
  }

  void take_words(const std::string& text) {
    const Clock::time_point now = Clock::now();
    if (!last_words_)
      times_.first_token = seconds(began_, now);
    else
      times_.between.push_back(seconds(*last_words_, now));
    last_words_ = now;
    send_words(beat_.take(words_.take(text), now));
    if (words_.stopped()) cancel();
  }

  void send_words(const std::string& text) {
    if (!request_.stream || text.empty()) return;
    if (!begun_) begin_stream();
    responder_->write(before_words_ + to_text(text) + after_words_);
  }

  void take_reply(EngineReply done) {
    times_.queue = done.queue_seconds;
    times_.total = done.total_seconds;
    // What went wrong may repeat what people wrote.
    if (!done.error.empty()) {
      send_words(beat_.rest());
      return fail(ApiError(500, "model_failed", "the model could not answer"));
    }
    reply_ = std::move(done.reply);
    const std::string kept = beat_.rest();
    send_words(words_.stopped() ? kept : kept + words_.finish());
    finish_reason_ = words_.stopped()      ? "stop"
                     : done.cancelled      ? "cancelled"
                     : reply_.action.ended ? "stop"
                                           : "length";
    context_.metrics.reply(times_, reply_.decision.prompt_tokens,
                           static_cast<std::int64_t>(reply_.decision.tokens.size()), finish_reason_,
                           context_.now());
    if (reply_.decision.tokens.empty())  // it never began: whoever asked has gone
      return responder_->send(ApiError(503, "cancelled", "the reply never began").response());
    store_reply();
  }

  void store_reply() {
    feedback::Batch batch;
    const dialogue::Turn turn = dialogue_turn();
    feedback::StoredTurn stored;
    stored.id = turn_;
    stored.conversation = thread_.conversation;
    stored.parent = thread_.last;
    stored.role = Role::recommender;
    stored.text = words_.sent();
    stored.mentions = context_.transcriber.mentions(stored.text, turn);
    stored.at = context_.now();
    batch.turns.push_back(std::move(stored));
    batch.decisions.push_back(decision());
    const Clock::time_point asked = Clock::now();
    context_.store.write(
        std::move(batch), [self = shared_from_this(), asked](const feedback::Written& written) {
          self->context_.metrics.store_commit(seconds(asked, Clock::now()));
          if (!written.error.empty() || self->question_lost_)
            self->fail(store_failed(written.full, "the reply could not be recorded"));
          else
            self->answer();
        });
  }

  dialogue::Turn dialogue_turn() const {
    dialogue::Turn turn;
    turn.role = Role::recommender;
    turn.text = reply_.action.text;
    turn.mentions = reply_.action.mentions;
    return turn;
  }

  feedback::StoredDecision decision() const {
    const dialogue::DecisionRecord& record = reply_.decision;
    const dialogue::Catalogue& catalogue = *context_.model.catalogue;
    feedback::StoredDecision out;
    out.turn = turn_;
    out.conversation = thread_.conversation;
    out.model = context_.model.sha256;
    out.arm = "default";
    out.finish_reason = finish_reason_;
    base::Json reasons = base::Json::array();
    for (const base::Json& one : to_json(catalogue, record)) reasons.push_back(one.at("reasons"));
    int rank = 0;
    for (const dialogue::Shown& shown : record.shown)
      out.shown.push_back(
          {catalogue[shown.item].id, catalogue[shown.item].title, ++rank, shown.propensity});
    rank = 0;
    for (const auto& [item, probability] : record.candidates)
      out.candidates.push_back({catalogue[item].id, catalogue[item].title, ++rank, probability});
    out.details = {{"model", record.model},
                   {"sampling",
                    {{"temperature", record.sampling.temperature},
                     {"top_k", record.sampling.top_k},
                     {"top_p", record.sampling.top_p},
                     {"max_tokens", record.sampling.max_tokens},
                     {"max_items", record.sampling.max_items},
                     {"stated", record.sampling.stated},
                     {"seed", record.sampling.seed},
                     {"stream", record.sampling.stream}}},
                   {"prompt_tokens", record.prompt_tokens},
                   {"tokens", record.tokens},
                   {"log_probs", record.log_probs},
                   {"reasons", reasons},
                   {"latency_ms",
                    {{"queue", 1000 * times_.queue},
                     {"first_token",
                      times_.first_token ? base::Json(1000 * *times_.first_token) : base::Json()},
                     {"total", 1000 * times_.total}}}};
    out.at = context_.now();
    return out;
  }

  // The whole "attune" object.
  base::Json own() const {
    RecToken token{caller_.subject,
                   thread_.conversation,
                   turn_,
                   {},
                   context_.model.sha256.substr(0, 12),
                   "default",
                   context_.now() + kRecTokenLife};
    for (const dialogue::Shown& shown : reply_.decision.shown)
      token.items.push_back((*context_.model.catalogue)[shown.item].id);
    base::Json out = own_ids();
    out["rec_token"] = sign(token, context_.secret);
    out["recommendations"] = to_json(*context_.model.catalogue, reply_.decision);
    out["model_sha256"] = context_.model.sha256;
    return out;
  }

  base::Json usage() const {
    const auto prompt = reply_.decision.prompt_tokens;
    const auto written = static_cast<int>(reply_.decision.tokens.size());
    return {{"prompt_tokens", prompt},
            {"completion_tokens", written},
            {"total_tokens", prompt + written}};
  }

  void answer() {
    if (!request_.stream) {
      base::Json choice = {{"index", 0},
                           {"message", {{"role", "assistant"}, {"content", words_.sent()}}},
                           {"logprobs", nullptr},
                           {"finish_reason", finish_reason_}};
      return responder_->send(json_response({{"id", "chatcmpl-" + turn_},
                                             {"object", "chat.completion"},
                                             {"created", created_},
                                             {"model", context_.model.id},
                                             {"choices", base::Json::array({std::move(choice)})},
                                             {"usage", usage()},
                                             {"attune", own()}}));
    }
    if (!begun_) begin_stream();
    base::Json last = chunk(base::Json::object(), finish_reason_.c_str());
    last["attune"] = own();
    std::string events = event(last);
    if (request_.include_usage) {
      base::Json counts = chunk(base::Json::object(), nullptr);
      counts["choices"] = base::Json::array();
      counts["usage"] = usage();
      events += event(counts);
    }
    responder_->write(events + "data: [DONE]\n\n");
    responder_->finish();
  }

  void fail(const ApiError& error) {
    context_.metrics.rejected(error.code(), context_.now());
    if (!begun_) return responder_->send(error.response());
    send_event(error.json());
    responder_->finish();
  }

  static double seconds(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }

  Context& context_;
  const CompletionRequest request_;
  const Caller caller_;
  const std::shared_ptr<Responder> responder_;
  Thread thread_;
  TextStream words_;
  WordBeat beat_;
  std::string turn_, finish_reason_;
  std::int64_t created_ = 0;  // seconds since 1970
  dialogue::Reply reply_;
  ReplyTimes times_;
  const Clock::time_point began_ = Clock::now();
  std::optional<Clock::time_point> last_words_;
  bool begun_ = false;  // the stream's head was sent
  std::string before_words_, after_words_;
  std::atomic<std::int64_t> ticket_{0};
  std::atomic<bool> unwanted_{false}, question_lost_{false};
};

}  // namespace

// The person's turn is stored at once, the reply with its decision record before the answer ends.
// Where the client goes away the reply stops, and what there is of it is recorded as cancelled.
Answer complete_chat(Context& context, Call& call) {
  CompletionRequest request = read_completion(call.body, context.random_seed());
  if (!request.model.empty() && request.model != context.model.id)
    throw ApiError(404, "model_not_found", "there is no model \"" + request.model + "\"", "model");
  if (context.model.context > 0 &&
      request.sampling.max_tokens + kLeastPrompt > context.model.context)
    throw ApiError(400, "invalid_value", "\"max_tokens\" leaves no room for the conversation",
                   "max_tokens");
  if (context.store.read_only())
    throw ApiError(503, "store_failed", "nothing can be recorded at present");
  if (context.engine.full()) throw overloaded();  // before anything is stored
  Thread thread = request.conversation ? known_thread(context, request, call.caller)
                                       : new_thread(context, request, call.caller);
  std::make_shared<Talk>(context, std::move(request), call.caller, call.responder)
      ->begin(std::move(thread));
  return std::nullopt;
}

}  // namespace serve
