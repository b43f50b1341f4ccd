#include "reward/predictor.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/format.h"
#include "base/random.h"
#include "kernels/dropout.h"
#include "recommend/bag_term.h"
#include "train/adamw.h"

namespace reward {
namespace {

constexpr double kShrink = 10;  // outcomes that the mean of all counts as
constexpr int kBatch = 512;

double share(const std::vector<double>& sums, const std::vector<double>& counts) {
  const double count = std::accumulate(counts.begin(), counts.end(), 0.);
  return count > 0 ? std::accumulate(sums.begin(), sums.end(), 0.) / count : .5;
}

double shrunk(double sum, double count, double mean) {
  return (sum + kShrink * mean) / (count + kShrink);
}

double logit(double p) { return std::log(p / (1 - p)); }

// One item's facts; without an outcome of its own while training on that outcome.
void fill_facts(float* row, const ItemFacts& facts, const recommend::Counts& counts, int item,
                double liked_mean, double useful_mean, const Outcome* without) {
  const auto i = static_cast<std::size_t>(item);
  const auto own = [&](Head head) {
    return without ? without->weights[static_cast<std::size_t>(head)] : 0.;
  };
  const auto own_sum = [&](Head head) {
    return without ? own(head) * without->targets[static_cast<std::size_t>(head)] : 0.;
  };
  const double out = without ? 1 : 0;
  row[0] = static_cast<float>(.3 * std::log1p(std::max(0., counts.recommended()[i] - out)));
  row[1] = static_cast<float>(.3 * std::log1p(std::max(0., counts.named()[i] - out)));
  row[2] =
      static_cast<float>(.3 * std::log1p(std::max(0., counts.recently_recommended()[i] - out)));
  row[3] = static_cast<float>(
      logit(std::clamp(shrunk(facts.liked[i] - own_sum(Head::liked),
                              facts.liked_known[i] - own(Head::liked), liked_mean),
                       .01, .99)));
  row[4] = static_cast<float>(
      logit(std::clamp(shrunk(facts.useful[i] - own_sum(Head::useful),
                              facts.useful_known[i] - own(Head::useful), useful_mean),
                       .01, .99)));
  row[5] = counts.named()[i] - out > 0 ? 1.f : 0.f;
}

// [B, 4d]: sums of the embeddings of items and of words, each liked or not known, and disliked.
torch::Tensor embed_states(const std::vector<recommend::RankContext>& states,
                           const model::ParameterSet& p) {
  const torch::Tensor &items = p.at("items"), &words = p.at("words");
  const auto bag = [&](const torch::Tensor& table, const auto& numbers_of) {
    std::vector<std::int64_t> numbers, offsets;
    std::vector<float> weights;
    for (const recommend::RankContext& state : states) {
      offsets.push_back(static_cast<std::int64_t>(numbers.size()));
      const std::vector<int> own = numbers_of(state);
      for (int number : own) {
        numbers.push_back(number);
        weights.push_back(1 / std::sqrt(static_cast<float>(own.size()) + 1));
      }
    }
    if (numbers.empty())
      return torch::zeros({static_cast<std::int64_t>(states.size()), table.size(1)});
    return std::get<0>(at::embedding_bag(table, torch::tensor(numbers, torch::kInt64),
                                         torch::tensor(offsets, torch::kInt64), false, /*sum*/ 0,
                                         false, torch::tensor(weights)));
  };
  const auto items_where = [](const recommend::RankContext& state, bool disliked) {
    std::vector<int> out;
    for (const dialogue::KnownItem& known : state.items)
      if ((known.polarity == dialogue::Polarity::disliked) == disliked) out.push_back(known.item);
    return out;
  };
  const auto words_where = [](const recommend::RankContext& state, bool disliked) {
    if (disliked) return state.disliked_words;
    std::vector<int> out;
    for (int word : state.words)
      if (!std::count(state.disliked_words.begin(), state.disliked_words.end(), word))
        out.push_back(word);
    return out;
  };
  return at::cat({bag(items, [&](const auto& s) { return items_where(s, false); }),
                  bag(items, [&](const auto& s) { return items_where(s, true); }),
                  bag(words, [&](const auto& s) { return words_where(s, false); }),
                  bag(words, [&](const auto& s) { return words_where(s, true); })},
                 1);
}

struct Encoded {
  torch::Tensor u;  // [B, heads, d]
  torch::Tensor c;  // [B, heads]
};

Encoded encode_states(const std::vector<recommend::RankContext>& states,
                      const model::ParameterSet& p, double dropout, std::uint64_t key) {
  const std::int64_t d = p.at("items").size(1);
  torch::Tensor turns = torch::empty({static_cast<std::int64_t>(states.size()), 2});
  for (std::size_t b = 0; b < states.size(); ++b) {
    turns[static_cast<std::int64_t>(b)][0] = std::log1p(static_cast<float>(states[b].turns));
    turns[static_cast<std::int64_t>(b)][1] = std::log1p(static_cast<float>(states[b].items.size()));
  }
  torch::Tensor x = embed_states(states, p);
  const torch::Tensor sum =
      x.narrow(1, 0, d) - x.narrow(1, d, d) + x.narrow(1, 2 * d, d) - x.narrow(1, 3 * d, d);
  x = at::layer_norm(x, {4 * d}, p.at("norm.weight"), p.at("norm.bias"));
  x = kernels::with_dropout(at::cat({x, turns}, 1), dropout, key);
  const torch::Tensor h = at::gelu(at::linear(x, p.at("hidden.weight"), p.at("hidden.bias")));
  const torch::Tensor u =
      at::linear(h, p.at("heads.weight")).view({-1, kHeads, d}) + sum.unsqueeze(1);
  return {u, at::linear(h, p.at("constants.weight"), p.at("constants.bias"))};
}

torch::Tensor normal(std::vector<std::int64_t> shape, double deviation, std::uint64_t seed,
                     const char* name) {
  torch::Tensor value = torch::empty(shape, torch::kFloat32);
  base::Random random({.seed = seed, .stage = name});
  for (std::int64_t i = 0; i < value.numel(); ++i)
    value.data_ptr<float>()[i] = static_cast<float>(deviation * random.normal());
  return value;
}

model::ParameterSet start_member(int width, const torch::Tensor& embeddings, std::int64_t items,
                                 std::uint64_t seed) {
  model::ParameterSet p;
  const std::int64_t d = width, hidden = 64, inputs = 4 * d + 2;
  p.add("items", embeddings.narrow(0, 0, items).clone());
  p.add("words", embeddings.narrow(0, items, embeddings.size(0) - items).clone());
  p.add("norm.weight", torch::ones({4 * d}));
  p.add("norm.bias", torch::zeros({4 * d}));
  p.add("hidden.weight",
        normal({hidden, inputs}, 1 / std::sqrt(1. * inputs), seed, "reward/hidden"));
  p.add("hidden.bias", torch::zeros({hidden}));
  p.add("heads.weight",
        normal({kHeads * d, hidden}, .1 / std::sqrt(1. * hidden), seed, "reward/heads"));
  p.add("facts.weight", torch::zeros({kHeads, kItemFeatures}));
  p.add("constants.weight", torch::zeros({kHeads, hidden}));
  p.add("constants.bias", torch::zeros({kHeads}));
  return p;
}

// What a batch of outcomes is predicted from and compared with.
struct Batch {
  std::vector<recommend::RankContext> states;
  torch::Tensor items;             // [B] int64
  torch::Tensor facts;             // [B, kItemFeatures], each without its own outcome
  torch::Tensor targets, weights;  // [B, heads]
};

// The items' words side by side: numbers [M], and where each item's begin, [N].
struct ItemWords {
  torch::Tensor numbers, offsets;
};

// [N, d]: every item's own embedding plus those of its words.
torch::Tensor item_vectors(const model::ParameterSet& p, const ItemWords& words) {
  if (words.numbers.numel() == 0) return p.at("items");
  const torch::Tensor ends = at::cat({words.offsets.narrow(0, 1, words.offsets.size(0) - 1),
                                      torch::tensor({words.numbers.numel()})});
  const torch::Tensor sums =
      std::get<0>(at::embedding_bag(p.at("words"), words.numbers, words.offsets));
  return p.at("items") +
         sums / ((ends - words.offsets).to(torch::kFloat32) + 1).sqrt().unsqueeze(1);
}

torch::Tensor predict_pairs(const Batch& batch, const ItemWords& words,
                            const model::ParameterSet& p, double dropout, std::uint64_t key) {
  const Encoded state = encode_states(batch.states, p, dropout, key);
  const torch::Tensor v = item_vectors(p, words).index_select(0, batch.items);  // [B, d]
  const double scale = 1 / std::sqrt(static_cast<double>(v.size(1)));
  return at::bmm(state.u, v.unsqueeze(2)).squeeze(2) * scale +
         at::mm(batch.facts, p.at("facts.weight").t()) + state.c;
}

torch::Tensor loss_of(const torch::Tensor& scores, const Batch& batch) {
  std::vector<torch::Tensor> sums;
  for (std::int64_t k = 0; k < kHeads; ++k) {
    const torch::Tensor z = scores.select(1, k), y = batch.targets.select(1, k),
                        w = batch.weights.select(1, k);
    const torch::Tensor loss =
        is_probability(static_cast<Head>(k))
            ? at::binary_cross_entropy_with_logits(z, y, {}, {}, at::Reduction::None)
            : .5 * (z - y).square();
    sums.push_back((loss * w).sum() / w.sum().clamp_min(1));
  }
  return at::stack(sums).sum();
}

}  // namespace

ItemFacts count_items(const std::vector<Outcome>& outcomes, int items) {
  const auto n = static_cast<std::size_t>(items);
  ItemFacts facts{std::vector<double>(n), std::vector<double>(n), std::vector<double>(n),
                  std::vector<double>(n)};
  for (const Outcome& outcome : outcomes) {
    const auto i = static_cast<std::size_t>(outcome.item);
    const auto liked = static_cast<std::size_t>(Head::liked),
               useful = static_cast<std::size_t>(Head::useful);
    facts.liked[i] += outcome.weights[liked] * outcome.targets[liked];
    facts.liked_known[i] += outcome.weights[liked];
    facts.useful[i] += outcome.weights[useful] * outcome.targets[useful];
    facts.useful_known[i] += outcome.weights[useful];
  }
  return facts;
}

std::vector<std::vector<int>> words_of_items(const dialogue::Catalogue& catalogue,
                                             const recommend::WordTable& words) {
  std::vector<std::vector<int>> out;
  for (const dialogue::Item& item : catalogue.items()) {
    dialogue::Turn text;
    text.text = item.title;
    for (const auto& [name, values] : item.attributes)
      for (const std::string& value : values) text.text += " " + value;
    out.push_back(words.numbers(text));
  }
  return out;
}

double liked_rate(const ItemFacts& facts, int item, const Outcome* without) {
  const auto i = static_cast<std::size_t>(item), liked = static_cast<std::size_t>(Head::liked);
  const double own = without ? without->weights[liked] : 0,
               own_sum = without ? own * without->targets[liked] : 0;
  return shrunk(facts.liked[i] - own_sum, facts.liked_known[i] - own,
                share(facts.liked, facts.liked_known));
}

Predictor::Predictor(const PredictorSettings& settings, const std::vector<Outcome>& outcomes,
                     const std::vector<recommend::RankContext>& states,
                     const recommend::Counts& counts,
                     const std::vector<std::vector<int>>& item_words,
                     const std::vector<bool>& held_out, std::uint64_t seed,
                     base::Console& console) {
  std::vector<std::int64_t> word_numbers, word_offsets;
  for (const std::vector<int>& own : item_words) {
    word_offsets.push_back(static_cast<std::int64_t>(word_numbers.size()));
    word_numbers.insert(word_numbers.end(), own.begin(), own.end());
  }
  word_numbers_ = torch::tensor(word_numbers, torch::kInt64);
  word_offsets_ = torch::tensor(word_offsets, torch::kInt64);
  base::check(outcomes.size() == states.size(), "Predictor: ", outcomes.size(), " outcomes, ",
              states.size(), " states");
  std::vector<std::size_t> training, validation;
  std::vector<Outcome> known;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (held_out[static_cast<std::size_t>(outcomes[i].dialogue)]) {
      validation.push_back(i);
    } else {
      training.push_back(i);
      known.push_back(outcomes[i]);
    }
  }
  if (training.empty() || validation.empty())
    throw base::Error(base::ErrorKind::data,
                      "no recommendations with a reply to learn a reward from");
  const int items = counts.items();
  const ItemFacts facts = count_items(known, items);
  const double liked_mean = share(facts.liked, facts.liked_known),
               useful_mean = share(facts.useful, facts.useful_known);
  facts_ = torch::zeros({items, kItemFeatures});
  for (int i = 0; i < items; ++i)
    fill_facts(facts_.data_ptr<float>() + std::int64_t{i} * kItemFeatures, facts, counts, i,
               liked_mean, useful_mean, nullptr);

  const auto make_batch = [&](const std::vector<std::size_t>& chosen, bool leave_out) {
    const auto n = static_cast<std::int64_t>(chosen.size());
    Batch batch{{},
                torch::empty({n}, torch::kInt64),
                torch::empty({n, kItemFeatures}),
                torch::empty({n, kHeads}),
                torch::empty({n, kHeads})};
    for (std::int64_t b = 0; b < n; ++b) {
      const Outcome& outcome = outcomes[chosen[static_cast<std::size_t>(b)]];
      batch.states.push_back(states[chosen[static_cast<std::size_t>(b)]]);
      batch.items.data_ptr<std::int64_t>()[b] = outcome.item;
      fill_facts(batch.facts.data_ptr<float>() + b * kItemFeatures, facts, counts, outcome.item,
                 liked_mean, useful_mean, leave_out ? &outcome : nullptr);
      for (std::int64_t k = 0; k < kHeads; ++k) {
        batch.targets.data_ptr<float>()[b * kHeads + k] =
            static_cast<float>(outcome.targets[static_cast<std::size_t>(k)]);
        batch.weights.data_ptr<float>()[b * kHeads + k] =
            static_cast<float>(outcome.weights[static_cast<std::size_t>(k)]);
      }
    }
    return batch;
  };

  const torch::Tensor embeddings = recommend::embed_by_counts(counts, settings.width, seed);
  const Batch held = make_batch(validation, false);
  for (int member = 0; member < settings.members; ++member) {
    const std::uint64_t own_seed = base::random_key(
        {.seed = seed, .stage = "reward", .step = static_cast<std::uint64_t>(member)});
    model::ParameterSet p = start_member(settings.width, embeddings, items, own_seed);
    train::AdamW optimiser(p.tensors(), {.beta2 = .999, .weight_decay = settings.weight_decay});
    const auto steps = static_cast<std::int64_t>((training.size() + kBatch - 1) / kBatch);
    std::vector<std::size_t> order = training;
    model::TensorMap best;
    double best_loss = INFINITY;
    int best_epoch = 0;
    for (int epoch = 0; epoch < settings.epochs; ++epoch) {
      base::Random({.seed = own_seed, .stage = "order", .step = static_cast<std::uint64_t>(epoch)})
          .shuffle(order);
      for (std::int64_t step = 0; step < steps; ++step) {
        const auto begin = order.begin() + step * kBatch;
        const std::vector<std::size_t> chosen(begin, std::min(begin + kBatch, order.end()));
        const Batch batch = make_batch(chosen, true);
        const std::int64_t done = epoch * steps + step;
        loss_of(predict_pairs(batch, {word_numbers_, word_offsets_}, p, settings.dropout,
                              base::random_key({.seed = own_seed,
                                                .stage = "dropout",
                                                .step = static_cast<std::uint64_t>(done)})),
                batch)
            .backward();
        optimiser.step(settings.learning_rate *
                           train::cosine_schedule(done + 1, steps / 2 + 1, steps * settings.epochs),
                       1);
      }
      torch::NoGradGuard no_grad;
      const double loss =
          loss_of(predict_pairs(held, {word_numbers_, word_offsets_}, p, 0, 0), held)
              .item<double>();
      if (loss < best_loss) {
        best_loss = loss;
        best_epoch = epoch;
        best = p.copy();
      } else if (epoch - best_epoch >= 3) {
        break;
      }
    }
    p.assign(best, "predictor");
    console.line(base::concatenate("reward  predictor ", member + 1, " of ", settings.members,
                                   ": held-out loss ", base::fixed(best_loss, 4), " after ",
                                   best_epoch + 1, " epochs"));
    members_.push_back(std::move(p));
  }
}

torch::Tensor Predictor::item_scores(const std::vector<recommend::RankContext>& states,
                                     Head head) const {
  torch::NoGradGuard no_grad;
  const auto k = static_cast<std::int64_t>(head);
  std::vector<torch::Tensor> out;
  for (const model::ParameterSet& p : members_) {
    const Encoded state = encode_states(states, p, 0, 0);
    const double scale = 1 / std::sqrt(static_cast<double>(p.at("items").size(1)));
    out.push_back(
        at::mm(state.u.select(1, k), item_vectors(p, {word_numbers_, word_offsets_}).t()) * scale +
        at::mv(facts_, p.at("facts.weight")[k]).unsqueeze(0) + state.c.select(1, k).unsqueeze(1));
  }
  return at::stack(out);
}

void Predictor::save(model::TensorMap& tensors) const {
  tensors["facts"] = facts_;
  tensors["item_words.numbers"] = word_numbers_;
  tensors["item_words.offsets"] = word_offsets_;
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
  predictor.word_numbers_ = take("item_words.numbers");
  predictor.word_offsets_ = take("item_words.offsets");
  if (predictor.facts_.dim() != 2 || predictor.facts_.size(1) != kItemFeatures)
    throw base::Error(base::ErrorKind::data,
                      base::concatenate(where, ": facts is ", predictor.facts_.sizes()));
  for (int m = 0; tensors.count(base::concatenate("member.", m, ".items")); ++m) {
    predictor.members_.emplace_back();
    for (const char* name :
         {"items", "words", "norm.weight", "norm.bias", "hidden.weight", "hidden.bias",
          "heads.weight", "facts.weight", "constants.weight", "constants.bias"})
      predictor.members_.back().add(name, take(base::concatenate("member.", m, ".", name)));
  }
  if (predictor.members_.empty())
    throw base::Error(base::ErrorKind::data, where + ": holds no predictor");
  return predictor;
}

}  // namespace reward
