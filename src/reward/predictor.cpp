#include "reward/predictor.h"

#include <cmath>

#include "base/error.h"

namespace reward {

torch::Tensor Predictor::item_scores(const std::vector<recommend::RankContext>& states,
                                     Head head) const {
  torch::NoGradGuard no_grad;
  const auto k = static_cast<std::int64_t>(head);
  std::vector<torch::Tensor> out;
  for (const model::ParameterSet& p : members_) {
    const EncodedStates state = encode_states(states, p);
    const double scale = 1 / std::sqrt(static_cast<double>(p.at("items").size(1)));
    out.push_back(at::mm(state.u.select(1, k), item_vectors(p, words_).t()) * scale +
                  at::mv(facts_, p.at("facts.weight")[k]).unsqueeze(0) +
                  state.c.select(1, k).unsqueeze(1) + match_items(states, words_, head, p));
  }
  return at::stack(out);
}

void Predictor::save(model::TensorMap& tensors) const {
  tensors["facts"] = facts_;
  tensors["item_words.numbers"] = words_.numbers;
  tensors["item_words.offsets"] = words_.offsets;
  for (std::size_t m = 0; m < members_.size(); ++m)
    for (const auto& [name, tensor] : members_[m].values())
      tensors[base::concatenate("member.", m, ".", name)] = tensor;
}

Predictor Predictor::load(const model::TensorMap& tensors, const std::string& where) {
  Predictor predictor;
  const auto take = [&](const std::string& name) {
    const auto found = tensors.find(name);
    if (found == tensors.end())
      throw base::Error(base::ErrorKind::data, where + ": the tensor " + name + " is missing");
    return found->second;
  };
  predictor.facts_ = take("facts");
  predictor.words_.numbers = take("item_words.numbers");
  predictor.words_.offsets = take("item_words.offsets");
  if (predictor.facts_.dim() != 2 || predictor.facts_.size(1) != kItemFeatures)
    throw base::Error(base::ErrorKind::data,
                      base::concatenate(where, ": facts is ", predictor.facts_.sizes()));
  for (int m = 0; tensors.count(base::concatenate("member.", m, ".items")); ++m) {
    predictor.members_.emplace_back();
    for (const std::string& name : member_parameters())
      predictor.members_.back().add(name, take(base::concatenate("member.", m, ".", name)));
  }
  if (predictor.members_.empty())
    throw base::Error(base::ErrorKind::data, where + ": holds no predictor");
  return predictor;
}

}  // namespace reward
