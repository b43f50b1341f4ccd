#include "recommend/language_states.h"

#include <algorithm>
#include <numeric>

namespace recommend {
namespace {

constexpr std::int64_t kPromptBatch = 4096;  // tokens

std::vector<std::vector<int>> prompts_of(const model::ModelConfig& config,
                                         const train::DialogueTokens& tokens,
                                         const std::vector<dialogue::State>& states) {
  std::vector<std::vector<int>> prompts;
  for (const dialogue::State& state : states) {
    prompts.push_back(tokens.encode_prompt(state, static_cast<int>(config.context) - 1));
    prompts.back().push_back(tokens.special(dialogue::Special::recommend));
  }
  return prompts;
}

// Behind each prompt, [B, C]: some thousand tokens at a time, a dialogue's prompts in one go.
torch::Tensor hidden_behind(const model::Weights& weights,
                            const std::vector<std::vector<int>>& prompts) {
  torch::NoGradGuard no_grad;
  const std::vector<std::size_t> hosts = hosts_of(prompts);
  std::vector<std::vector<std::size_t>> guests(prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) guests[hosts[i]].push_back(i);
  torch::Tensor hidden = torch::empty(
      {static_cast<std::int64_t>(prompts.size()), weights.config.width}, torch::kFloat32);
  std::vector<std::vector<int>> packed;
  std::vector<std::int64_t> rows, prompts_of_rows;
  std::int64_t used = 0;
  const auto flush = [&] {
    if (packed.empty()) return;
    model::ForwardOptions options;
    options.rows = torch::tensor(rows, torch::kInt64).to(weights.embedding.device());
    hidden.index_copy_(
        0, torch::tensor(prompts_of_rows, torch::kInt64),
        model::hidden_states(weights, model::pack(packed), options).to(torch::kFloat32).cpu());
    packed.clear();
    rows.clear();
    prompts_of_rows.clear();
    used = 0;
  };
  for (std::size_t host = 0; host < prompts.size(); ++host) {
    if (guests[host].empty()) continue;
    const auto size = static_cast<std::int64_t>(prompts[host].size());
    if (used + size > kPromptBatch) flush();
    for (const std::size_t guest : guests[host]) {
      rows.push_back(used + static_cast<std::int64_t>(prompts[guest].size()) - 1);
      prompts_of_rows.push_back(static_cast<std::int64_t>(guest));
    }
    packed.push_back(prompts[host]);
    used += size;
  }
  flush();
  return hidden;
}

}  // namespace

// In the order of their tokens a prompt stands right before those that it begins.
std::vector<std::size_t> hosts_of(const std::vector<std::vector<int>>& prompts) {
  std::vector<std::size_t> order(prompts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return prompts[a] != prompts[b] ? prompts[a] < prompts[b] : a < b;
  });
  std::vector<std::size_t> hosts(prompts.size());
  for (std::size_t i = order.size(); i-- > 0;) {
    const std::vector<int>& prompt = prompts[order[i]];
    hosts[order[i]] = order[i];
    if (i + 1 == order.size()) continue;
    const std::vector<int>& next = prompts[order[i + 1]];
    if (prompt.size() <= next.size() && std::equal(prompt.begin(), prompt.end(), next.begin()))
      hosts[order[i]] = hosts[order[i + 1]];
  }
  return hosts;
}

torch::Tensor language_hidden(const model::Weights& weights, const train::DialogueTokens& tokens,
                              const std::vector<dialogue::State>& states) {
  return hidden_behind(weights, prompts_of(weights.config, tokens, states));
}

torch::Tensor item_embeddings(const model::Weights& weights, const train::DialogueTokens& tokens) {
  return weights.head.detach().narrow(0, tokens.item(0), tokens.items()).to(torch::kFloat32).cpu();
}

LanguageStates::LanguageStates(const model::LanguageModel& model,
                               const train::DialogueTokens& tokens, torch::Dtype type)
    : tokens_(tokens) {
  torch::NoGradGuard no_grad;
  weights_ = model::cast(model::merged(model), type);
}

torch::Tensor LanguageStates::read(const std::vector<dialogue::State>& states) {
  const std::vector<std::vector<int>> prompts = prompts_of(weights_.config, tokens_, states);
  std::vector<std::vector<int>> fresh;
  for (const std::vector<int>& prompt : prompts)
    if (!known_.contains(prompt)) fresh.push_back(prompt);
  const torch::Tensor hidden = hidden_behind(weights_, fresh);
  for (std::size_t i = 0; i < fresh.size(); ++i)
    known_.try_emplace(fresh[i], hidden[static_cast<std::int64_t>(i)]);
  std::vector<torch::Tensor> rows;
  for (const std::vector<int>& prompt : prompts) rows.push_back(known_.at(prompt));
  return rows.empty() ? hidden : at::stack(rows);
}

}  // namespace recommend
