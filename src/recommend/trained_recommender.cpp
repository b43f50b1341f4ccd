#include "recommend/trained_recommender.h"

#include <cmath>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "recommend/constraints.h"
#include "recommend/explain.h"

namespace recommend {
namespace {

using dialogue::Special;

constexpr float kNever = -1e9;  // a logit whose exponential is 0
constexpr int kDrawn = 16;      // words at a time where they are drawn ahead

std::vector<std::vector<float>> to_rows(const torch::Tensor& x) {
  const torch::Tensor rows = x.to(torch::kFloat32).contiguous();
  std::vector<std::vector<float>> out;
  for (std::int64_t b = 0; b < rows.size(0); ++b) {
    const float* row = rows.data_ptr<float>() + b * rows.size(1);
    out.emplace_back(row, row + rows.size(1));
  }
  return out;
}

}  // namespace

struct TrainedRecommender::Open {
  enum class Phase { mode, item, words, done };

  Open(dialogue::State s, const dialogue::Sampling& sampling_)
      : state(std::move(s)),
        sampling(sampling_),
        random({.seed = sampling_.seed, .stage = "reply", .stream = sampling_.stream}) {}

  dialogue::State state;
  dialogue::Sampling sampling;
  base::Random random;
  std::int64_t id = 0, slot = -1;
  Phase phase = Phase::mode;
  torch::Tensor hidden;       // [C], after the last token
  torch::Tensor items;        // [N]: logits of those that may still be chosen
  std::optional<int> naming;  // an item was chosen that the words have not named yet
  int words = 0;              // tokens of the response so far
  std::string added;          // text of the last step
  dialogue::Reply reply;

  void take(int token, double log_prob) {
    reply.decision.tokens.push_back(token);
    reply.decision.log_probs.push_back(log_prob);
  }
};

TrainedRecommender::TrainedRecommender(std::string name, const TrainedModel& model,
                                       const ReplyOptions& options)
    : name_(std::move(name)),
      hash_(options.hash.empty() ? model.hash() : options.hash),
      model_(model),
      options_(options) {
  torch::NoGradGuard no_grad;
  base::check(!options.states || options.states->weights().embedding.dtype() == options.type,
              "TrainedRecommender: states of another type");
  weights_ = options.states ? options.states->weights()
                            : model::cast(model::merged(model.language), options.type);
  item_embeddings_ = recommend::item_embeddings(weights_, model.tokens);
  items_ = model.ranker.item_tables(item_embeddings_);
}

TrainedRecommender::~TrainedRecommender() = default;

torch::Tensor TrainedRecommender::hidden_of(const std::vector<dialogue::State>& states) const {
  return options_.states ? options_.states->read(states)
                         : language_hidden(weights_, model_.tokens, states);
}

std::vector<std::vector<float>> TrainedRecommender::rank(
    const std::vector<dialogue::State>& states) {
  torch::NoGradGuard no_grad;
  std::vector<std::vector<float>> out;
  for (std::size_t begin = 0; begin < states.size(); begin += 256) {
    const std::vector<dialogue::State> some(
        states.begin() + static_cast<std::ptrdiff_t>(begin),
        states.begin() + static_cast<std::ptrdiff_t>(std::min(states.size(), begin + 256)));
    RankBatch batch;
    for (const dialogue::State& state : some)
      batch.contexts.push_back(model_.ranker.read_state(state));
    if (model_.ranker.uses_language()) batch.language_hidden = hidden_of(some);
    batch.items = items_;
    for (std::vector<float>& row : to_rows(model_.ranker.log_probs(batch)))
      out.push_back(std::move(row));
  }
  return out;
}

std::int64_t TrainedRecommender::open(const dialogue::State& state,
                                      const dialogue::Sampling& sampling) {
  auto reply = std::make_unique<Open>(state, sampling);
  reply->id = next_id_++;
  reply->reply.id = reply->id;
  // Probabilities at next to nothing would be no numbers.
  double& temperature = reply->sampling.temperature;
  if (temperature < kernels::kLeastTemperature) temperature = 0;
  const bool rounded = options_.numbers == kernels::MatrixNumbers::int8;
  reply->reply.decision.model = name_ + "@" + hash_.substr(0, 12) + (rounded ? "+int8" : "");
  reply->reply.decision.sampling = reply->sampling;
  waiting_.push_back(reply->id);
  const std::int64_t id = reply->id;
  open_[id] = std::move(reply);
  return id;
}

void TrainedRecommender::start_waiting() {
  if (waiting_.empty()) return;
  const std::int64_t positions = weights_.config.context;
  if (!decoder_) {
    decoder_ =
        std::make_unique<model::Decoder>(weights_, options_.slots, positions, options_.numbers);
    words_ = std::make_unique<kernels::DecodingHead>(
        weights_.head.narrow(0, 0, model_.tokens.word_rows()), options_.numbers);
    if (weights_.head.is_cuda()) loop_ = std::make_unique<model::DrawLoop>(*decoder_, *words_);
  }
  std::vector<Open*> starting;
  std::vector<std::vector<int>> prompts;
  while (!waiting_.empty() && static_cast<std::int64_t>(starting.size()) < decoder_->free_slots()) {
    const auto found = open_.find(waiting_.front());
    waiting_.pop_front();
    if (found == open_.end()) continue;  // closed before it began
    Open& reply = *found->second;
    const std::int64_t room = positions - reply.sampling.max_tokens - 2;  // mode and item
    if (room < 1)
      throw base::UsageError("a reply of ", reply.sampling.max_tokens,
                             " tokens leaves no room for a prompt in a model of ", positions,
                             " positions");
    prompts.push_back(model_.tokens.encode_prompt(reply.state, static_cast<int>(room)));
    reply.reply.decision.prompt_tokens = static_cast<int>(prompts.back().size());
    starting.push_back(&reply);
  }
  if (starting.empty()) return;
  const model::Decoder::Started started = decoder_->start(prompts);
  const torch::Tensor last_hidden = started.last_hidden.cpu();
  for (std::size_t i = 0; i < starting.size(); ++i) {
    starting[i]->slot = started.slots[i];
    starting[i]->hidden = last_hidden[static_cast<std::int64_t>(i)];
  }
}

void TrainedRecommender::choose_modes(const std::vector<Open*>& replies) {
  const int first = model_.tokens.special(Special::recommend),
            second = model_.tokens.special(Special::chat);
  const torch::Tensor rows = at::stack({weights_.head[first], weights_.head[second]}).cpu();
  for (Open* reply : replies) {
    const torch::Tensor logits =
        at::mv(rows.to(torch::kFloat32), reply->hidden.to(torch::kFloat32)).contiguous();
    const kernels::Draw drawn = kernels::draw(logits.data_ptr<float>(), 2,
                                              reply->sampling.temperature, reply->random.uniform());
    const bool recommends = drawn.index == 0;
    reply->take(recommends ? first : second, drawn.log_prob);
    reply->phase = recommends ? Open::Phase::item : Open::Phase::words;
  }
}

// Draws from what is left of the reply's items, which then is left no more. Returns the natural
// log-probability.
double TrainedRecommender::choose_item(Open& reply) {
  const std::int64_t n = reply.items.size(0);
  const kernels::Draw drawn = kernels::draw(reply.items.data_ptr<float>(), n,
                                            reply.sampling.temperature, reply.random.uniform());
  const int item = static_cast<int>(drawn.index);
  reply.items[drawn.index] = kNever;
  reply.naming = item;
  reply.reply.decision.shown.push_back(
      {item, std::exp(drawn.log_prob),
       explain(model_.ranker, model_.ranker.read_state(reply.state), item, model_.catalogue)});
  return drawn.log_prob;
}

// Items that are not of the years and genres last asked for, unless nothing would be left.
void TrainedRecommender::leave_out_unstated(Open& reply) const {
  const Entities& entities = model_.ranker.tables().entities;
  const Constraints constraints = stated_constraints(reply.state, entities);
  const torch::Tensor kept = reply.items.clone();
  float* logits = kept.data_ptr<float>();
  bool any = false;
  for (int item = 0; item < model_.catalogue.size(); ++item)
    if (fits(constraints, item, reply.state, model_.catalogue, entities))
      any = true;
    else
      logits[item] = kNever;
  if (any) reply.items = kept;
}

void TrainedRecommender::choose_items(const std::vector<Open*>& replies) {
  RankBatch batch;
  std::vector<torch::Tensor> hidden;
  for (Open* reply : replies) {
    batch.contexts.push_back(model_.ranker.read_state(reply->state));
    hidden.push_back(reply->hidden.to(torch::kFloat32));
  }
  batch.language_hidden = at::stack(hidden);
  batch.items = items_;
  const torch::Tensor logits = model_.ranker.logits(batch).contiguous();
  for (std::size_t b = 0; b < replies.size(); ++b) {
    Open& reply = *replies[b];
    reply.items = logits[static_cast<std::int64_t>(b)].clone();
    if (reply.sampling.stated) leave_out_unstated(reply);
    const double temperature = reply.sampling.temperature > 0 ? reply.sampling.temperature : 1;
    const torch::Tensor probabilities = at::softmax(reply.items / temperature, 0);
    const auto [values, indices] =
        at::topk(probabilities, std::min<std::int64_t>(10, probabilities.size(0)));
    for (std::int64_t i = 0; i < values.size(0); ++i)
      reply.reply.decision.candidates.emplace_back(
          static_cast<int>(indices[i].item<std::int64_t>()), values[i].item<double>());
    const double log_prob = choose_item(reply);
    reply.take(model_.tokens.item(*reply.naming), log_prob);
    reply.phase = Open::Phase::words;
  }
}

// Among the words, <|end|> and one more outcome in the last place: naming the item chosen, or
// another one.
kernels::Draw TrainedRecommender::draw_word(Open& reply, float* logits) const {
  const int rows = model_.tokens.word_rows();
  const double u = reply.random.uniform();
  const auto draw = [&](std::int64_t outcomes) {
    const dialogue::Sampling& sampling = reply.sampling;
    return kernels::draw(logits, outcomes, sampling.temperature, u,
                         {sampling.top_k, sampling.top_p});
  };
  const torch::Tensor hidden = reply.hidden.to(torch::kFloat32);
  const std::size_t shown = reply.reply.decision.shown.size();
  if (reply.naming) {
    if (reply.words + 1 >= reply.sampling.max_tokens) return {rows, 0};
    logits[model_.tokens.special(Special::end)] = kNever;
    logits[rows] = at::dot(item_embeddings_[*reply.naming], hidden).item<float>();
    return draw(rows + 1);
  }
  if (shown > 0 && shown < static_cast<std::size_t>(reply.sampling.max_items)) {
    const torch::Tensor may_come = reply.items > kNever / 2;  // what is named cannot
    if (may_come.any().item<bool>()) {
      logits[rows] =
          at::logsumexp(at::mv(item_embeddings_, hidden).masked_fill(~may_come, kNever), 0)
              .item<float>();
      return draw(rows + 1);
    }
  }
  return draw(rows);
}

void TrainedRecommender::take_word(Open& reply, const kernels::Draw& drawn) {
  const bool names_item = drawn.index == model_.tokens.word_rows();
  double log_prob = drawn.log_prob;
  if (names_item && !reply.naming) log_prob += choose_item(reply);
  const int token = names_item ? model_.tokens.item(*reply.naming) : static_cast<int>(drawn.index);
  reply.take(token, log_prob);
  reply.words += 1;
  if (model_.tokens.is_text(token))
    reply.added += model_.tokens.tokenizer().token_text(token);
  else if (names_item)
    reply.added += " " + model_.catalogue[*reply.naming].title;
  if (names_item) reply.naming.reset();
  if (token == model_.tokens.special(Special::end) || reply.words >= reply.sampling.max_tokens)
    finish(reply);
}

void TrainedRecommender::choose_words(const std::vector<Open*>& replies) {
  const int rows = model_.tokens.word_rows();
  std::vector<torch::Tensor> hidden;
  for (Open* reply : replies) hidden.push_back(reply->hidden);
  torch::Tensor logits =
      torch::empty({static_cast<std::int64_t>(hidden.size()), rows + 1}, torch::kFloat32);
  words_->logits_into(logits, at::stack(hidden));
  std::vector<kernels::Draw> drawn(replies.size());
  at::parallel_for(0, logits.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    torch::NoGradGuard no_grad;  // the caller's holds on its own thread alone
    for (std::int64_t b = begin; b < end; ++b)
      drawn[static_cast<std::size_t>(b)] = draw_word(*replies[static_cast<std::size_t>(b)],
                                                     logits.data_ptr<float>() + b * (rows + 1));
  });
  for (std::size_t b = 0; b < replies.size(); ++b) take_word(*replies[b], drawn[b]);
}

// The same on the decoder's device, kDrawn words or the rest of them at a time; all that such a
// reply can go on to is its one item.
void TrainedRecommender::draw_words(const std::vector<Open*>& replies) {
  std::vector<model::DrawRequest> requests;
  for (const Open* reply : replies) {
    const int left = reply->sampling.max_tokens - reply->words;
    model::DrawRequest request{.slot = reply->slot,
                               .token = reply->reply.decision.tokens.back(),
                               .temperature = reply->sampling.temperature,
                               .uniforms = {},
                               .end = model_.tokens.special(Special::end),
                               .other = reply->naming ? model_.tokens.item(*reply->naming) : -1,
                               .limit = left};
    base::Random ahead = reply->random;
    for (int i = 0; i < std::min(left, kDrawn); ++i) request.uniforms.push_back(ahead.uniform());
    requests.push_back(std::move(request));
  }
  const std::vector<model::DrawnTokens> drawn = loop_->draw(requests);
  for (std::size_t b = 0; b < replies.size(); ++b)
    for (std::size_t i = 0; i < drawn[b].tokens.size(); ++i) {
      replies[b]->random.uniform();
      const int token = drawn[b].tokens[i];
      const bool names = replies[b]->naming && token == requests[b].other;
      take_word(*replies[b], {names ? model_.tokens.word_rows() : token, drawn[b].log_probs[i]});
    }
}

bool TrainedRecommender::draws_ahead(const Open& reply) const {
  const dialogue::Sampling& sampling = reply.sampling;
  return loop_ && reply.phase == Open::Phase::words && sampling.max_items == 1 &&
         sampling.draws_from_all_words();
}

void TrainedRecommender::finish(Open& reply) {
  reply.phase = Open::Phase::done;
  reply.reply.action =
      dialogue::parse_action(model_.tokens.decode(reply.reply.decision.tokens), model_.catalogue);
  decoder_->end(reply.slot);
  reply.slot = -1;
}

std::vector<dialogue::ReplyStep> TrainedRecommender::step() {
  torch::NoGradGuard no_grad;
  start_waiting();
  std::vector<Open*> modes, items, words, ahead, going_on;
  for (auto& [id, reply] : open_) {
    if (reply->slot < 0) continue;  // waiting or done
    reply->added.clear();
    (draws_ahead(*reply)                 ? ahead
     : reply->phase == Open::Phase::mode ? modes
     : reply->phase == Open::Phase::item ? items
                                         : words)
        .push_back(reply.get());
    going_on.push_back(reply.get());
  }
  if (!modes.empty()) choose_modes(modes);
  if (!items.empty()) choose_items(items);
  if (!words.empty()) choose_words(words);
  if (!ahead.empty()) draw_words(ahead);

  std::vector<std::int64_t> slots;
  std::vector<int> tokens;
  std::vector<Open*> appended;
  std::vector<dialogue::ReplyStep> steps;
  for (Open* reply : going_on) {
    const bool finished = reply->phase == Open::Phase::done;
    steps.push_back({reply->id, reply->added, finished});
    if (finished || draws_ahead(*reply)) continue;  // its last token is appended with the next
    slots.push_back(reply->slot);
    tokens.push_back(reply->reply.decision.tokens.back());
    appended.push_back(reply);
  }
  if (!slots.empty()) {
    const torch::Tensor hidden = decoder_->append(slots, tokens).cpu();
    for (std::size_t i = 0; i < appended.size(); ++i)
      appended[i]->hidden = hidden[static_cast<std::int64_t>(i)];
  }
  return steps;
}

dialogue::Reply TrainedRecommender::close(std::int64_t id) {
  const auto found = open_.find(id);
  base::check(found != open_.end(), "TrainedRecommender: there is no open reply ", id);
  Open& reply = *found->second;
  if (reply.slot >= 0) finish(reply);
  dialogue::Reply out = std::move(reply.reply);
  open_.erase(found);
  return out;
}

std::vector<std::vector<float>> LanguageTermRecommender::rank(
    const std::vector<dialogue::State>& states) {
  torch::NoGradGuard no_grad;
  return to_rows(at::log_softmax(at::mm(hidden_of(states), item_embeddings().t()), 1));
}

}  // namespace recommend
