#include "recommend/ranker.h"

#include <algorithm>
#include <cmath>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/settings.h"
#include "model/safetensors.h"

namespace recommend {
namespace {

constexpr int kVersion = 1;
constexpr int kGateFeatures = 5;
constexpr double kNamed = -1e9;  // stands for "not here": its exponential is 0

torch::Tensor gate_features(const std::vector<RankContext>& contexts) {
  torch::Tensor features =
      torch::zeros({static_cast<std::int64_t>(contexts.size()), kGateFeatures});
  float* row = features.data_ptr<float>();
  for (const RankContext& context : contexts) {
    const auto n = static_cast<float>(context.items.size());
    row[0] = 1;
    row[1] = std::log1p(n);
    row[2] = n == 0;
    row[3] = n == 1;
    row[4] = std::log1p(static_cast<float>(context.turns));
    row += kGateFeatures;
  }
  return features;
}

std::vector<Prior> priors_of(const std::vector<std::string>& terms) {
  std::vector<Prior> priors;
  for (const NamedPrior& known : all_priors())
    if (std::find(terms.begin(), terms.end(), known.name) != terms.end())
      priors.push_back(known.prior);
  return priors;
}

void check_terms(const std::vector<std::string>& terms) {
  std::vector<std::string> known = {"language", "bag"};
  for (const NamedPrior& prior : all_priors()) known.push_back(prior.name);
  for (const std::string& term : terms)
    if (std::find(known.begin(), known.end(), term) == known.end())
      throw base::UsageError("ranker.terms names \"", term,
                             "\"; there are language, bag, cooccurrence, words, "
                             "popularity and recent_popularity");
  if (terms.empty()) throw base::UsageError("ranker.terms is empty; name at least one term");
}

}  // namespace

WordTable word_table(const RankerSettings& settings,
                     const std::vector<const dialogue::Dialogue*>& training) {
  return WordTable::from(training, settings.min_word_dialogues, settings.max_word_share);
}

torch::Tensor mask_named(const torch::Tensor& logits, const std::vector<RankContext>& contexts,
                         double value) {
  std::vector<std::int64_t> rows, columns;
  for (std::size_t b = 0; b < contexts.size(); ++b)
    for (const dialogue::KnownItem& known : contexts[b].items) {
      rows.push_back(static_cast<std::int64_t>(b));
      columns.push_back(known.item);
    }
  if (rows.empty()) return logits;
  return logits.index_put(
      {torch::tensor(rows, torch::kInt64), torch::tensor(columns, torch::kInt64)},
      torch::tensor(value, logits.options().requires_grad(false)));
}

Ranker::Ranker(RankerSettings settings, WordTable words, Counts counts, std::int64_t language_width,
               std::uint64_t seed)
    : settings_(std::move(settings)),
      words_(std::move(words)),
      counts_(std::make_shared<const Counts>(std::move(counts))),
      parameters_(std::make_shared<model::ParameterSet>()) {
  check_terms(settings_.terms);
  // softplus(.54) = 1: every prior starts at its own scale divided among them.
  const auto priors = static_cast<std::int64_t>(priors_of(settings_.terms).size());
  if (priors > 0) {
    torch::Tensor gates = torch::zeros({priors, kGateFeatures});
    gates.select(1, 0).fill_(priors > 1 ? -.8 : .54);
    parameters_->add("gates.weight", gates);
  }
  if (has_term("language")) {
    parameters_->add("language.weight", torch::eye(language_width));
    parameters_->add("language.gate", torch::tensor({-1.f}));
  }
  if (has_term("bag")) BagTerm(settings_.bag, *counts_, seed, *parameters_);
  CopyModel::add_parameters(*parameters_);
}

bool Ranker::has_term(const std::string& term) const {
  return std::find(settings_.terms.begin(), settings_.terms.end(), term) != settings_.terms.end();
}

Ranker Ranker::clone() const {
  Ranker copy(*this);
  copy.parameters_ = std::make_shared<model::ParameterSet>();
  for (const std::string& name : parameters_->names())
    copy.parameters_->add(name, parameters_->at(name).clone());
  return copy;
}

Ranker Ranker::without_term(const std::string& term) const {
  Ranker copy = clone();
  const auto keep = priors_of(settings_.terms).size();
  std::vector<std::int64_t> rows;
  std::int64_t row = 0;
  for (const NamedPrior& prior : all_priors()) {
    if (!has_term(prior.name)) continue;
    if (prior.name != term) rows.push_back(row);
    ++row;
  }
  std::erase(copy.settings_.terms, term);
  check_terms(copy.settings_.terms);
  if (rows.size() == keep) return copy;
  // The gates of the priors that stay.
  auto parameters = std::make_shared<model::ParameterSet>();
  for (const std::string& name : copy.parameters_->names()) {
    const torch::Tensor value = copy.parameters_->at(name).detach();
    if (name != "gates.weight")
      parameters->add(name, value);
    else if (!rows.empty())
      parameters->add(name, value.index_select(0, torch::tensor(rows, torch::kInt64)));
  }
  copy.parameters_ = parameters;
  return copy;
}

torch::Tensor Ranker::prior_scores(const RankBatch& batch) const {
  const std::vector<Prior> priors = priors_of(settings_.terms);
  const auto contexts = static_cast<std::int64_t>(batch.contexts.size());
  torch::Tensor scores =
      torch::empty({static_cast<std::int64_t>(priors.size()), contexts, items()});  // [P, B, N]
  float* data = scores.data_ptr<float>();
  at::parallel_for(0, contexts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b)
      for (std::size_t p = 0; p < priors.size(); ++p)
        priors[p](batch.contexts[static_cast<std::size_t>(b)], *counts_,
                  batch.without.empty() ? nullptr : batch.without[static_cast<std::size_t>(b)],
                  data + (static_cast<std::int64_t>(p) * contexts + b) * items());
  });
  return scores;
}

torch::Tensor Ranker::logits(const RankBatch& batch) const {
  torch::Tensor total = torch::zeros({static_cast<std::int64_t>(batch.contexts.size()), items()});
  if (!priors_of(settings_.terms).empty()) {
    const torch::Tensor gates = at::softplus(
        at::linear(gate_features(batch.contexts), parameters_->at("gates.weight")));  // [B, P]
    total = total + at::einsum("bp,pbn->bn", {gates, prior_scores(batch)});
  }
  if (has_term("bag"))
    total =
        total + BagTerm(settings_.bag, *parameters_)
                    .scores({batch.contexts, batch.training ? &settings_.bag : nullptr, batch.key});
  if (has_term("language")) {
    base::check(batch.language_hidden.defined() && batch.item_embeddings.defined(),
                "Ranker: the language term needs hidden states and item embeddings");
    const torch::Tensor turned = at::mm(batch.language_hidden, parameters_->at("language.weight"));
    total = total + at::softplus(parameters_->at("language.gate")) *
                        at::mm(turned, batch.item_embeddings.t());
  }
  return mask_named(total, batch.contexts, kNamed);
}

torch::Tensor Ranker::log_probs(const RankBatch& batch) const {
  const torch::Tensor fresh = at::log_softmax(logits(batch), 1);  // over new items
  std::vector<torch::Tensor> rows;
  const torch::Tensor& weights = parameters_->at("copy.weights");
  for (std::size_t b = 0; b < batch.contexts.size(); ++b) {
    const RankContext& context = batch.contexts[b];
    const torch::Tensor row = fresh[static_cast<std::int64_t>(b)];
    if (context.items.empty()) {
      rows.push_back(row);
      continue;
    }
    const torch::Tensor copied = CopyModel::log_probs(context, weights);  // [n + 1]
    const auto n = static_cast<std::int64_t>(context.items.size());
    std::vector<std::int64_t> named;
    for (const dialogue::KnownItem& known : context.items) named.push_back(known.item);
    rows.push_back(
        (row + copied[n]).index_put({torch::tensor(named, torch::kInt64)}, copied.narrow(0, 0, n)));
  }
  return at::stack(rows);
}

void Ranker::write(const std::filesystem::path& folder) const {
  base::create_folder(folder);
  RankerSettings settings = settings_;
  base::write_json(folder / "ranker.json",
                   {{"schema", base::schema("ranker", kVersion)},
                    {"settings", base::to_json(base::list_settings(settings))},
                    {"words", words_.words()}});
  model::write_safetensors(folder / "ranker.safetensors", parameters_->values());
  counts_->write(folder);
}

Ranker Ranker::read(const std::filesystem::path& folder) {
  const std::string where = (folder / "ranker.json").string();
  const base::Json json = base::read_json(folder / "ranker.json");
  base::require_schema(json, "ranker", kVersion, where);
  Ranker ranker;
  const base::Json settings = base::require<base::Json>(json, "settings", where);
  ranker.settings_.terms = base::require<std::vector<std::string>>(settings, "terms", where);
  ranker.settings_.bag.width = base::require<int>(settings, "bag.width", where);
  check_terms(ranker.settings_.terms);
  ranker.words_ = WordTable(base::require<std::vector<std::string>>(json, "words", where));
  ranker.counts_ = std::make_shared<const Counts>(Counts::read(folder));
  ranker.parameters_ = std::make_shared<model::ParameterSet>();
  for (const auto& [name, tensor] : model::read_safetensors(folder / "ranker.safetensors"))
    ranker.parameters_->add(name, tensor);
  if (ranker.words_.size() != ranker.counts_->words())
    throw base::DataError(folder, ": ranker.json has ", ranker.words_.size(),
                          " words, counts.safetensors ", ranker.counts_->words());
  const auto need = [&](bool wanted, const char* name) {
    const std::vector<std::string>& names = ranker.parameters_->names();
    if (wanted && std::find(names.begin(), names.end(), name) == names.end())
      throw base::DataError(folder / "ranker.safetensors", ": the tensor ", name, " is missing");
  };
  need(true, "copy.weights");
  need(ranker.has_term("language"), "language.weight");
  need(ranker.has_term("language"), "language.gate");
  need(!priors_of(ranker.settings_.terms).empty(), "gates.weight");
  for (const char* name :
       {"bag.items", "bag.words", "bag.recent_words", "bag.word_weights", "bag.norm_in.weight",
        "bag.norm_in.bias", "bag.units.weight", "bag.units.bias", "bag.back.weight",
        "bag.back.bias", "bag.norm_out.weight", "bag.norm_out.bias"})
    need(ranker.has_term("bag"), name);
  const auto expect = [&](bool there, const char* name, std::vector<std::int64_t> shape) {
    if (!there) return;
    const torch::Tensor& value = ranker.parameters_->at(name);
    if (value.sizes() != torch::IntArrayRef(shape) || value.dtype() != torch::kFloat32)
      throw base::DataError(folder / "ranker.safetensors", ": ", name, " is ", value.sizes(),
                            ", expected ", torch::IntArrayRef(shape), " in fp32");
  };
  const std::int64_t width = ranker.settings_.bag.width,
                     priors = static_cast<std::int64_t>(priors_of(ranker.settings_.terms).size());
  expect(priors > 0, "gates.weight", {priors, kGateFeatures});
  expect(ranker.has_term("bag"), "bag.items", {ranker.items(), width});
  expect(ranker.has_term("bag"), "bag.words", {ranker.words_.size(), width});
  if (ranker.has_term("language")) {
    const std::int64_t c = ranker.parameters_->at("language.weight").size(0);
    expect(true, "language.weight", {c, c});
  }
  return ranker;
}

}  // namespace recommend
