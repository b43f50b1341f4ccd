#include "recommend/ranker.h"

#include <algorithm>
#include <cmath>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/settings.h"
#include "kernels/row_products.h"
#include "model/safetensors.h"
#include "recommend/counted_terms.h"

namespace recommend {
namespace {

constexpr int kVersion = 2;
constexpr int kGateFeatures = 6;
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
    row[5] = std::log1p(static_cast<float>(context.entities.size()));
    row += kGateFeatures;
  }
  return features;
}

// Terms that count, each with a gate, in the order of the gates.
const std::vector<std::string>& counted_terms() {
  static const std::vector<std::string> terms = [] {
    std::vector<std::string> all = {"words", "cooccurrence", "similar", "last"};
    for (const NamedPrior& prior : all_priors()) all.push_back(prior.name);
    return all;
  }();
  return terms;
}

std::vector<std::string> counted_among(const std::vector<std::string>& terms) {
  std::vector<std::string> counted;
  for (const std::string& term : counted_terms())
    if (std::find(terms.begin(), terms.end(), term) != terms.end()) counted.push_back(term);
  return counted;
}

std::string member_prefix(int member) { return "members." + std::to_string(member) + "."; }

// [B, N] of one prior.
torch::Tensor prior_scores(Prior prior, const RankBatch& batch, const RankerTables& tables) {
  const auto contexts = static_cast<std::int64_t>(batch.contexts.size());
  torch::Tensor scores = torch::empty({contexts, tables.counts.items()});
  at::parallel_for(0, contexts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const auto at = static_cast<std::size_t>(b);
      prior(batch.contexts[at], tables, batch.without.empty() ? nullptr : batch.without[at],
            scores.data_ptr<float>() + b * tables.counts.items());
    }
  });
  return scores;
}

}  // namespace

const std::vector<std::string>& Ranker::all_terms() {
  static const std::vector<std::string> terms = [] {
    std::vector<std::string> all = {"language", "bag"};
    all.insert(all.end(), counted_terms().begin(), counted_terms().end());
    all.push_back("copy");
    return all;
  }();
  return terms;
}

void check_terms(const std::vector<std::string>& terms) {
  const std::vector<std::string>& known = Ranker::all_terms();
  for (const std::string& term : terms)
    if (std::find(known.begin(), known.end(), term) == known.end()) {
      std::string list;
      for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
      throw base::UsageError("ranker.terms names \"", term, "\"; there are ", list);
    }
  if (terms.empty() || terms == std::vector<std::string>{"copy"})
    throw base::UsageError("ranker.terms names no term that ranks new items; name at least one");
}

WordTable word_table(const RankerSettings& settings,
                     const std::vector<const dialogue::Dialogue*>& training,
                     const Entities& entities) {
  return WordTable::from(training, settings.min_word_dialogues, settings.max_word_share,
                         entities.long_names());
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

Ranker::Ranker(RankerSettings settings, RankerTables tables, std::int64_t language_width,
               std::uint64_t seed)
    : settings_(std::move(settings)),
      tables_(std::make_shared<const RankerTables>(std::move(tables))),
      parameters_(std::make_shared<model::ParameterSet>()) {
  check_terms(settings_.terms);
  if (settings_.members < 1) throw base::UsageError("ranker.members is below 1");
  const auto counted = static_cast<std::int64_t>(counted_among(settings_.terms).size());
  if (counted > 0) {
    // softplus(.54) = 1: every term starts at its own scale divided among them.
    torch::Tensor gates = torch::zeros({counted, kGateFeatures});
    gates.select(1, 0).fill_(counted > 1 ? -.8 : .54);
    parameters_->add("gates.weight", gates);
  }
  if (has_term("words")) add_word_parameters(*tables_, *parameters_);
  if (has_term("cooccurrence")) add_cooccurrence_parameters(*tables_, *parameters_);
  if (has_term("bag")) {
    const torch::Tensor start = embed_by_counts(tables_->counts, settings_.bag.width, seed);
    for (int member = 0; member < settings_.members; ++member)
      BagTerm::add_parameters(settings_.bag, *tables_, start,
                              seed + static_cast<std::uint64_t>(member), member_prefix(member),
                              *parameters_);
  }
  if (has_term("language")) {
    parameters_->add("language.weight", torch::eye(language_width));
    parameters_->add("language.items", torch::zeros({items(), language_width}));
    parameters_->add("language.gate", torch::tensor({-1.f}));
  }
  parameters_->add("parts.weight", torch::tensor({.5f, .45f, .1f}));
  if (has_term("copy")) CopyModel::add_parameters(*parameters_);
}

bool Ranker::has_term(const std::string& term) const {
  return std::find(settings_.terms.begin(), settings_.terms.end(), term) != settings_.terms.end();
}

bool Ranker::counts_anything() const { return !counted_among(settings_.terms).empty(); }

Ranker Ranker::clone() const {
  Ranker copy(*this);
  copy.parameters_ = std::make_shared<model::ParameterSet>();
  for (const std::string& name : parameters_->names())
    copy.parameters_->add(name, parameters_->at(name).clone());
  return copy;
}

Ranker Ranker::without_term(const std::string& term) const {
  Ranker copy = clone();
  const std::vector<std::string> counted = counted_among(settings_.terms);
  std::erase(copy.settings_.terms, term);
  check_terms(copy.settings_.terms);
  // The parameters of the terms that stay.
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < counted.size(); ++row)
    if (counted[row] != term) rows.push_back(static_cast<std::int64_t>(row));
  auto parameters = std::make_shared<model::ParameterSet>();
  for (const std::string& name : copy.parameters_->names()) {
    const torch::Tensor value = copy.parameters_->at(name).detach();
    if (name.starts_with(term + ".") || (term == "bag" && name.starts_with("members."))) continue;
    if (name != "gates.weight")
      parameters->add(name, value);
    else if (!rows.empty())
      parameters->add(name, value.index_select(0, torch::tensor(rows, torch::kInt64)));
  }
  copy.parameters_ = parameters;
  return copy;
}

std::vector<std::string> Ranker::counted() const { return counted_among(settings_.terms); }

torch::Tensor Ranker::gates(const std::vector<RankContext>& contexts) const {
  return at::softplus(at::linear(gate_features(contexts), parameters_->at("gates.weight")));
}

torch::Tensor Ranker::counted_logits(const RankBatch& batch) const {
  const std::vector<std::string> terms = counted_among(settings_.terms);
  const torch::Tensor gate = gates(batch.contexts);  // [B, terms]
  const CountedInput input{batch.contexts, batch.without};
  torch::Tensor total = torch::zeros({static_cast<std::int64_t>(batch.contexts.size()), items()});
  for (std::size_t t = 0; t < terms.size(); ++t) {
    torch::Tensor scores;
    if (terms[t] == "words")
      scores = word_scores(input, *tables_, *parameters_);
    else if (terms[t] == "cooccurrence")
      scores = cooccurrence_scores(input, *tables_, *parameters_);
    else if (terms[t] == "similar")
      scores = similar_scores(input, *tables_);
    else if (terms[t] == "last")
      scores = last_scores(input, *tables_);
    else
      for (const NamedPrior& prior : all_priors())
        if (prior.name == terms[t]) scores = prior_scores(prior.prior, batch, *tables_);
    total = total + gate.narrow(1, static_cast<std::int64_t>(t), 1) * scores;
  }
  return total;
}

ItemTables Ranker::item_tables(const torch::Tensor& embeddings) const {
  ItemTables tables;
  if (has_term("bag"))
    for (int member = 0; member < settings_.members; ++member)
      tables.bags.push_back(
          BagTerm(settings_.bag, *tables_, member_prefix(member), *parameters_).items());
  if (has_term("language")) tables.language = embeddings + parameters_->at("language.items");
  return tables;
}

std::vector<torch::Tensor> Ranker::bag_logits(const RankBatch& batch) const {
  std::vector<torch::Tensor> all;
  for (int member = 0; member < settings_.members; ++member) {
    const BagTerm bag(settings_.bag, *tables_, member_prefix(member), *parameters_);
    all.push_back(
        bag.scores({batch.contexts, batch.speakers, batch.training ? &settings_.bag : nullptr,
                    batch.key + static_cast<std::uint64_t>(member)},
                   batch.items.bags.at(static_cast<std::size_t>(member))));
  }
  return all;
}

torch::Tensor Ranker::language_logits(const RankBatch& batch) const {
  base::check(batch.language_hidden.defined() && batch.items.language.defined(),
              "Ranker: the language term needs hidden states and item embeddings");
  const torch::Tensor turned = at::mm(batch.language_hidden, parameters_->at("language.weight"));
  return at::softplus(parameters_->at("language.gate")) *
         kernels::row_products(turned, batch.items.language);
}

std::vector<torch::Tensor> Ranker::part_logits(const RankBatch& batch) const {
  std::vector<torch::Tensor> parts;
  if (counts_anything()) parts.push_back(counted_logits(batch));
  if (has_term("bag"))
    for (torch::Tensor& logits : bag_logits(batch)) parts.push_back(std::move(logits));
  if (has_term("language")) parts.push_back(language_logits(batch));
  for (torch::Tensor& logits : parts) logits = mask_named(logits, batch.contexts, kNamed);
  return parts;
}

torch::Tensor Ranker::logits(const RankBatch& batch) const {
  const torch::Tensor& weights = parameters_->at("parts.weight");
  torch::Tensor total = torch::zeros({static_cast<std::int64_t>(batch.contexts.size()), items()});
  if (counts_anything()) total = total + weights[0] * counted_logits(batch);
  if (has_term("bag"))
    for (const torch::Tensor& logits : bag_logits(batch))
      total = total + weights[1] / static_cast<double>(settings_.members) * logits;
  if (has_term("language")) total = total + weights[2] * language_logits(batch);
  return mask_named(total, batch.contexts, kNamed);
}

torch::Tensor Ranker::log_probs(const RankBatch& batch) const {
  const torch::Tensor fresh = at::log_softmax(logits(batch), 1);  // over new items
  if (!has_term("copy")) return fresh;                            // items already named come last
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
                    {"words", tables_->words.words()}});
  model::write_safetensors(folder / "ranker.safetensors", parameters_->values());
  tables_->counts.write(folder);
  model::write_safetensors(folder / "neighbours.safetensors", tables_->neighbours.tensors());
}

Ranker Ranker::read(const std::filesystem::path& folder, const dialogue::Catalogue& catalogue) {
  const std::string where = (folder / "ranker.json").string();
  const base::Json json = base::read_json(folder / "ranker.json");
  base::require_schema(json, "ranker", kVersion, where);
  const base::Json settings_json = base::require<base::Json>(json, "settings", where);
  RankerSettings settings;
  settings.terms = base::require<std::vector<std::string>>(settings_json, "terms", where);
  settings.members = base::require<int>(settings_json, "members", where);
  settings.bag.width = base::require<int>(settings_json, "bag.width", where);
  settings.bag.features = base::require<bool>(settings_json, "bag.features", where);
  WordTable words(base::require<std::vector<std::string>>(json, "words", where));
  Counts counts = Counts::read(folder);
  if (words.size() != counts.words())
    throw base::DataError(folder, ": ranker.json has ", words.size(), " words, counts.safetensors ",
                          counts.words());
  if (counts.items() != catalogue.size())
    throw base::DataError(folder, ": counts.safetensors has ", counts.items(),
                          " items, the catalogue ", catalogue.size());
  Neighbours neighbours =
      Neighbours::from(model::read_safetensors(folder / "neighbours.safetensors"), words.size(),
                       counts.items(), (folder / "neighbours.safetensors").string());
  const model::TensorMap tensors = model::read_safetensors(folder / "ranker.safetensors");
  const auto language = tensors.find("language.weight");
  // The shapes of a fresh ranker are those that a file must have.
  Ranker ranker(settings,
                make_tables(std::move(words), Entities(catalogue), std::move(counts),
                            std::move(neighbours), catalogue),
                language == tensors.end() ? 0 : language->second.size(0), 0);
  ranker.parameters_->assign(tensors, (folder / "ranker.safetensors").string());
  return ranker;
}

}  // namespace recommend
