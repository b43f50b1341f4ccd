#include "serve/stub_recommender.h"

#include <cmath>
#include <thread>

namespace serve {

StubRecommender::StubRecommender(const dialogue::Catalogue& catalogue,
                                 std::chrono::microseconds step)
    : catalogue_(catalogue), step_(step) {}

std::vector<std::vector<float>> StubRecommender::rank(const std::vector<dialogue::State>& states) {
  // Geometric: the catalogue's order.
  std::vector<float> row(static_cast<std::size_t>(catalogue_.size()));
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = -static_cast<float>(i + 1) * std::log(2.f);
  return std::vector<std::vector<float>>(states.size(), row);
}

std::int64_t StubRecommender::open(const dialogue::State& state,
                                   const dialogue::Sampling& sampling) {
  Open open;
  dialogue::DecisionRecord& decision = open.reply.decision;
  open.reply.id = next_;
  decision.model = name();
  decision.sampling = sampling;
  decision.prompt_tokens = static_cast<int>(state.window.size());
  decision.shown.push_back({0, .5, {{dialogue::Reason::Kind::word, "anything", .1}}});
  decision.candidates = {{0, .5}};
  open.reply.action.recommends = true;
  open.reply.action.item = 0;
  const std::string& title = catalogue_[0].title;
  open.reply.action.text = title;
  open.reply.action.mentions = {{0, 0, title.size()}};
  open_.emplace(next_, std::move(open));
  return next_++;
}

std::vector<dialogue::ReplyStep> StubRecommender::step() {
  if (step_.count() > 0) std::this_thread::sleep_for(step_);
  std::vector<dialogue::ReplyStep> out;
  for (auto& [id, open] : open_) {
    dialogue::DecisionRecord& decision = open.reply.decision;
    dialogue::Action& action = open.reply.action;
    std::string words = open.said == 0 ? catalogue_[0].title : " word";
    if (open.said > 0) action.text += words;
    decision.tokens.push_back(open.said++);
    decision.log_probs.push_back(-.1);
    action.ended = open.said >= decision.sampling.max_tokens;
    out.push_back({id, std::move(words), action.ended});
  }
  return out;
}

dialogue::Reply StubRecommender::close(std::int64_t id) {
  const auto at = open_.find(id);
  dialogue::Reply reply = std::move(at->second.reply);
  open_.erase(at);
  return reply;
}

}  // namespace serve
