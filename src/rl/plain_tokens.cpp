#include "rl/plain_tokens.h"

#include <algorithm>

#include "base/random.h"
#include "kernels/log_prob_head.h"
#include "kernels/sampling.h"
#include "model/draw_loop.h"

namespace rl {
namespace {

TokenScores score_plain(const model::Weights& weights, std::int64_t allowed,
                        const std::vector<const Episode*>& episodes, const ScoreOptions& options) {
  // The prompts of these tasks are a few tokens long: nothing is gained where they are shared.
  const PackedReplies replies = pack_replies(episodes, Prompts::repeated);
  const std::int64_t longest = longest_reply(episodes);
  std::vector<std::int64_t> rows, places, targets;
  for (std::size_t b = 0; b < episodes.size(); ++b)
    for (std::size_t t = 0; t < episodes[b]->tokens.size(); ++t) {
      rows.push_back(replies.row_before(b, t));
      places.push_back(static_cast<std::int64_t>(b) * longest + static_cast<std::int64_t>(t));
      targets.push_back(episodes[b]->tokens[t]);
    }
  const torch::Device device = weights.embedding.device();
  model::ForwardOptions forward;
  forward.rows = indices(rows, device);
  const torch::Tensor hidden = model::hidden_states(weights, replies.packed, forward);
  const auto batch = static_cast<std::int64_t>(episodes.size());
  const auto scatter = [&](const torch::Tensor& values) {  // to [B, R], on the processor
    return torch::zeros({batch * longest}, torch::kFloat32)
        .index_put({indices(places)}, values.cpu())
        .view({batch, longest});
  };
  TokenScores out;
  out.mask = scatter(torch::ones({static_cast<std::int64_t>(rows.size())})) > 0;
  out.log_probs = out.entropies = out.values = torch::zeros(out.mask.sizes());
  if (!options.values_only) {
    const kernels::HeadOutput head =
        kernels::log_prob_head(hidden, weights.head, indices(targets, device),
                               {.temperature = options.temperature, .rows = allowed});
    out.log_probs = scatter(head.log_probs);
    out.entropies = scatter(head.entropies);
  }
  if (!options.value_head) return out;
  const torch::Tensor seen = options.detach_values ? hidden.detach() : hidden;
  out.values = scatter(at::mv(seen.to(torch::kFloat32), options.value_head->weight) +
                       options.value_head->bias);
  return out;
}

}  // namespace

TokenScorer plain_scorer(std::int64_t rows) {
  return
      [rows](const model::Weights& weights, const std::vector<const Episode*>& episodes,
             const ScoreOptions& options) { return score_plain(weights, rows, episodes, options); };
}

std::vector<Episode> sample_plain(const model::Weights& weights,
                                  const std::vector<std::vector<int>>& prompts,
                                  const PlainSampling& sampling) {
  torch::NoGradGuard no_grad;
  std::vector<Episode> episodes(prompts.size());
  std::vector<base::Random> randoms;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    episodes[i].prompt = prompts[i];
    episodes[i].action.ended = true;
    longest = std::max(longest, prompts[i].size());
    randoms.emplace_back(base::RandomPlace{sampling.seed, "reply", 0, i});
  }
  model::Decoder decoder(weights, static_cast<std::int64_t>(prompts.size()),
                         static_cast<std::int64_t>(longest) + sampling.length);
  const model::Decoder::Started started = decoder.start(prompts);
  const torch::Tensor logits =
      at::linear(started.last_hidden, weights.head.narrow(0, 0, sampling.rows))
          .to(torch::kFloat32)
          .cpu()
          .contiguous();
  std::vector<model::DrawRequest> requests;
  for (std::size_t i = 0; i < episodes.size(); ++i) {
    const kernels::Draw drawn =
        kernels::draw(logits.data_ptr<float>() + static_cast<std::int64_t>(i) * sampling.rows,
                      sampling.rows, sampling.temperature, randoms[i].uniform());
    episodes[i].tokens.push_back(static_cast<int>(drawn.index));
    episodes[i].sampled_log_probs.push_back(drawn.log_prob);
    requests.push_back({.slot = started.slots[i],
                        .token = episodes[i].tokens.back(),
                        .temperature = sampling.temperature});
    for (int t = 1; t < sampling.length; ++t)
      requests.back().uniforms.push_back(randoms[i].uniform());
  }
  if (sampling.length < 2) return episodes;
  const std::vector<model::DrawnTokens> drawn =
      model::DrawLoop(decoder, sampling.rows).draw(requests);
  for (std::size_t i = 0; i < episodes.size(); ++i) {
    Episode& episode = episodes[i];
    episode.tokens.insert(episode.tokens.end(), drawn[i].tokens.begin(), drawn[i].tokens.end());
    episode.sampled_log_probs.insert(episode.sampled_log_probs.end(), drawn[i].log_probs.begin(),
                                     drawn[i].log_probs.end());
  }
  return episodes;
}

}  // namespace rl
