#include "rl/token_policy.h"

#include "kernels/log_prob_head.h"

namespace rl {
namespace {

// Where the chosen tokens of a batch stand. Rows are packed positions of the hidden state before a
// token; places are flat indices into [B, R].
struct Layout {
  model::Packed packed;
  std::int64_t batch = 0, longest = 0;
  std::vector<std::int64_t> mode_rows, mode_places, mode_targets;  // target 0: recommend, 1: chat
  std::vector<std::int64_t> word_rows, word_places,
      word_targets;                        // target -1: what may come beside the text did
  std::vector<std::int64_t> other_tokens;  // that: the chosen item until it is named, then <|end|>
  std::vector<float> is_free;              // 0 where no other token was possible
};

Layout lay_out(const train::DialogueTokens& tokens, const std::vector<const Episode*>& episodes,
               Prompts prompts) {
  const PackedReplies replies = pack_replies(episodes, prompts);
  Layout layout;
  layout.packed = replies.packed;
  layout.batch = static_cast<std::int64_t>(episodes.size());
  layout.longest = longest_reply(episodes);
  for (std::size_t b = 0; b < episodes.size(); ++b) {
    const Episode& episode = *episodes[b];
    bool to_name = episode.has_item;
    for (std::size_t t = 0; t < episode.tokens.size(); ++t) {
      const std::int64_t row = replies.row_before(b, t),
                         place = static_cast<std::int64_t>(b) * layout.longest +
                                 static_cast<std::int64_t>(t);
      const int token = episode.tokens[t];
      if (t == 0) {
        layout.mode_rows.push_back(row);
        layout.mode_places.push_back(place);
        layout.mode_targets.push_back(token == tokens.special(dialogue::Special::chat));
        continue;
      }
      if (t == 1 && episode.has_item) continue;  // the ranker's
      layout.word_rows.push_back(row);
      layout.word_places.push_back(place);
      layout.word_targets.push_back(tokens.is_text(token) ? token : -1);
      layout.other_tokens.push_back(to_name ? episode.tokens[1]
                                            : tokens.special(dialogue::Special::end));
      // The sampler says so: a token that had to come has probability 1.
      const bool forced = to_name && token == episode.tokens[1] &&
                          t < episode.sampled_log_probs.size() && episode.sampled_log_probs[t] == 0;
      layout.is_free.push_back(forced ? 0.f : 1.f);
      if (to_name && token == episode.tokens[1]) to_name = false;
    }
  }
  return layout;
}

// [M + W, C]: the hidden states before modes, and behind them those before words.
torch::Tensor hidden_before(const model::Weights& weights, const Layout& layout) {
  std::vector<std::int64_t> rows = layout.mode_rows;
  rows.insert(rows.end(), layout.word_rows.begin(), layout.word_rows.end());
  model::ForwardOptions options;
  options.rows = indices(rows, weights.embedding.device());
  return model::hidden_states(weights, layout.packed, options);
}

struct Part {
  torch::Tensor log_probs, entropies;  // one a chosen token
};

Part score_modes(const model::Weights& weights, const train::DialogueTokens& tokens,
                 const torch::Tensor& hidden, const Layout& layout, double temperature) {
  const torch::Device device = hidden.device();
  const torch::Tensor rows =
      weights.head.index_select(0, indices({tokens.special(dialogue::Special::recommend),
                                            tokens.special(dialogue::Special::chat)},
                                           device));
  const torch::Tensor logits = at::mm(hidden.to(torch::kFloat32), rows.to(torch::kFloat32).t());
  const torch::Tensor log_p = at::log_softmax(logits / temperature, 1);  // [M, 2]
  return {log_p.gather(1, indices(layout.mode_targets, device).unsqueeze(1)).squeeze(1),
          -(log_p.exp() * log_p).sum(1)};
}

// Beside the tokens of the text one more outcome may come: the chosen item while it is not named,
// <|end|> afterwards. With its logit o over the temperature: log Z' = logaddexp(log Z, o), and
// H' = p (H - log p) - q log q for the shares p of the text and q of that outcome.
Part score_words(const model::Weights& weights, const train::DialogueTokens& tokens,
                 const torch::Tensor& hidden, const Layout& layout, double temperature) {
  const torch::Device device = hidden.device();
  const torch::Tensor targets = indices(layout.word_targets, device);
  const kernels::HeadOutput text = kernels::log_prob_head(
      hidden, weights.head, targets, {.temperature = temperature, .rows = tokens.text_size()});
  const torch::Tensor other =
      (hidden.to(torch::kFloat32) *
       weights.head.index_select(0, indices(layout.other_tokens, device)).to(torch::kFloat32))
          .sum(1) /
      temperature;
  const torch::Tensor log_normalisers = at::logaddexp(text.log_normalisers, other),
                      log_text = text.log_normalisers - log_normalisers,
                      log_other = other - log_normalisers;
  const torch::Tensor entropies =
      log_text.exp() * (text.entropies - log_text) - log_other.exp() * log_other;
  const torch::Tensor is_free = torch::tensor(layout.is_free).to(device, torch::kBool),
                      nothing = torch::zeros_like(other);
  return {
      at::where(is_free, at::where(targets >= 0, text.log_probs + log_text, log_other), nothing),
      at::where(is_free, entropies, nothing)};
}

}  // namespace

TokenScores score_tokens(const model::Weights& weights, const train::DialogueTokens& tokens,
                         const std::vector<const Episode*>& episodes, const ScoreOptions& options) {
  const Layout layout = lay_out(tokens, episodes, options.prompts);
  const torch::Tensor hidden = hidden_before(weights, layout);
  const auto count = static_cast<std::int64_t>(layout.mode_rows.size());
  const torch::Tensor before_modes = hidden.narrow(0, 0, count),
                      before_words = hidden.narrow(0, count, hidden.size(0) - count);
  // To [B, R], on the processor: what follows is small.
  const auto scatter = [&](const torch::Tensor& modes, const torch::Tensor& words) {
    torch::Tensor flat = torch::zeros({layout.batch * layout.longest}, torch::kFloat32);
    flat = flat.index_put({indices(layout.mode_places)}, modes.cpu());
    if (!layout.word_places.empty())
      flat = flat.index_put({indices(layout.word_places)}, words.cpu());
    return flat.view({layout.batch, layout.longest});
  };
  TokenScores out;
  const auto ones = [](const std::vector<std::int64_t>& rows) {
    return torch::ones({static_cast<std::int64_t>(rows.size())});
  };
  out.mask = scatter(ones(layout.mode_rows), ones(layout.word_rows)) > 0;
  out.log_probs = out.entropies = out.values = torch::zeros(out.mask.sizes());
  if (!options.values_only) {
    const Part modes = score_modes(weights, tokens, before_modes, layout, options.temperature);
    const Part words = layout.word_rows.empty() ? Part{torch::zeros({0}), torch::zeros({0})}
                                                : score_words(weights, tokens, before_words, layout,
                                                              options.temperature);
    out.log_probs = scatter(modes.log_probs, words.log_probs);
    out.entropies = scatter(modes.entropies, words.entropies);
  }
  if (options.value_head) {
    const auto values = [&](const torch::Tensor& before) {
      const torch::Tensor seen = options.detach_values ? before.detach() : before;
      return at::mv(seen.to(torch::kFloat32), options.value_head->weight) +
             options.value_head->bias;
    };
    out.values = scatter(values(before_modes),
                         layout.word_rows.empty() ? torch::zeros({0}) : values(before_words));
  }
  return out;
}

TokenScorer dialogue_scorer(const train::DialogueTokens& tokens) {
  return [&tokens](const model::Weights& weights, const std::vector<const Episode*>& episodes,
                   const ScoreOptions& options) {
    return score_tokens(weights, tokens, episodes, options);
  };
}

}  // namespace rl
