#include "train/sft.h"

#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/format.h"
#include "base/random.h"
#include "base/run_log.h"
#include "kernels/log_prob_head.h"
#include "model/cost.h"
#include "train/adamw.h"

namespace train {
namespace {

// The predictions of a batch that count: which hidden state predicts which token, how much, and as
// what.
struct Predictions {
  model::Packed packed;
  std::vector<std::int64_t> rows, targets;
  std::vector<float> weights;
  std::vector<dialogue::Piece::Part> parts;
};

Predictions collate(const std::vector<const Sequence*>& batch) {
  Predictions out;
  std::vector<std::vector<int>> ids;
  std::int64_t begin = 0;
  for (const Sequence* sequence : batch) {
    ids.push_back(sequence->ids);
    for (std::size_t t = 1; t < sequence->ids.size(); ++t) {
      if (sequence->weights[t] == 0) continue;
      out.rows.push_back(begin + static_cast<std::int64_t>(t) - 1);
      out.targets.push_back(sequence->ids[t]);
      out.weights.push_back(sequence->weights[t]);
      out.parts.push_back(sequence->parts[t]);
    }
    begin += static_cast<std::int64_t>(sequence->ids.size());
  }
  out.packed = model::pack(ids);
  return out;
}

torch::Device device_of(const model::Weights& weights) { return weights.embedding.device(); }

// [predictions, C]: the hidden states that predict.
torch::Tensor predicting_states(const model::Weights& weights, const Predictions& predictions,
                                const model::ForwardOptions& options) {
  return model::hidden_states(weights, predictions.packed, options)  // [T, C]
      .index_select(0, torch::tensor(predictions.rows, torch::kInt64).to(device_of(weights)));
}

// What a training step must do: a forward pass and a backward pass of twice as much.
base::Work step_work(const model::ModelConfig& config, const Predictions& predictions) {
  base::Work work = model::forward_work(config, predictions.packed,
                                        static_cast<std::int64_t>(predictions.rows.size()));
  work.operations *= 3;
  return work;
}

torch::Tensor loss_of(const model::Weights& weights, const Predictions& predictions,
                      const model::ForwardOptions& options) {
  base::check(!predictions.rows.empty(), "sft: a batch in which nothing is to be predicted");
  const torch::Device device = device_of(weights);
  const torch::Tensor counts = torch::tensor(predictions.weights).to(device);
  kernels::HeadOptions head;
  head.backend = options.backend;
  return kernels::weighted_log_prob(predicting_states(weights, predictions, options), weights.head,
                                    torch::tensor(predictions.targets, torch::kInt64).to(device),
                                    counts / -counts.sum(), head);
}

// The step at which each epoch ends.
std::vector<std::int64_t> epoch_ends(const std::vector<Sequence>& training,
                                     const SftSettings& settings, std::uint64_t seed) {
  std::vector<std::int64_t> ends;
  std::int64_t steps = 0;
  for (int epoch = 0; epoch < settings.epochs; ++epoch) {
    steps += static_cast<std::int64_t>(
        batches(training, settings.batch_tokens, seed, static_cast<std::uint64_t>(epoch)).size());
    ends.push_back(steps);
  }
  return ends;
}

// What changes while training and goes into checkpoints, beside weights and moments.
struct Best {
  double loss = INFINITY;
  int epoch = 0, stale = 0;  // stale: epochs since
  SftLosses losses;
  model::TensorMap weights;

  base::Json to_json() const {
    return {{"loss", std::isfinite(loss) ? base::Json(loss) : base::Json(nullptr)},
            {"epoch", epoch},
            {"stale", stale},
            {"losses", {losses.mode, losses.item, losses.words, losses.all, losses.word_tokens}}};
  }
  void from_json(const base::Json& json) {
    loss = json.at("loss").is_null() ? INFINITY : json.at("loss").get<double>();
    epoch = json.at("epoch");
    stale = json.at("stale");
    const base::Json& l = json.at("losses");
    losses = {l[0], l[1], l[2], l[3], l[4]};
  }
};

}  // namespace

torch::Tensor sft_loss(const model::Weights& weights, const std::vector<const Sequence*>& batch,
                       const model::ForwardOptions& options) {
  return loss_of(weights, collate(batch), options);
}

SftLosses evaluate_losses(const model::LanguageModel& model, const std::vector<Sequence>& sequences,
                          torch::Dtype type) {
  torch::NoGradGuard no_grad;
  const model::Weights weights = model::cast(model, type);
  using Part = dialogue::Piece::Part;
  std::map<Part, std::pair<double, std::int64_t>> sums;
  for (const std::vector<std::size_t>& batch : batches(sequences, 4096, 0, 0)) {
    std::vector<const Sequence*> chosen;
    for (std::size_t index : batch) chosen.push_back(&sequences[index]);
    const Predictions predictions = collate(chosen);
    if (predictions.rows.empty()) continue;
    const torch::Tensor log_prob =
        kernels::log_prob_head(
            predicting_states(weights, predictions, {}), weights.head,
            torch::tensor(predictions.targets, torch::kInt64).to(device_of(weights)))
            .log_probs.cpu();
    for (std::size_t i = 0; i < predictions.parts.size(); ++i) {
      auto& [sum, count] = sums[predictions.parts[i]];
      sum -= log_prob.data_ptr<float>()[i];
      count += 1;
    }
  }
  const auto mean = [&](Part part) {
    return sums[part].second ? sums[part].first / static_cast<double>(sums[part].second) : 0.;
  };
  SftLosses losses{mean(Part::mode), mean(Part::slot), mean(Part::response), 0,
                   sums[Part::response].second};
  double sum = 0;
  std::int64_t count = 0;
  for (Part part : {Part::mode, Part::slot, Part::response})
    sum += sums[part].first, count += sums[part].second;
  losses.all = count ? sum / static_cast<double>(count) : 0.;
  return losses;
}

SftResult train_sft(model::LanguageModel model, const std::vector<Sequence>& training,
                    const std::vector<Sequence>& validation, const SftSettings& settings,
                    torch::Dtype type, const Stage& stage) {
  const std::vector<std::int64_t> ends = epoch_ends(training, settings, stage.seed);
  const std::int64_t total = ends.back();
  const auto warmup = static_cast<std::int64_t>(settings.warmup * static_cast<double>(total));
  AdamW optimiser(model.trained().tensors(), {.weight_decay = settings.weight_decay});
  Best best;
  std::int64_t step = 0;
  if (const auto checkpoint = resume(stage)) {
    step = checkpoint->step;
    model.trained().assign(model::with_prefix(checkpoint->tensors, "model."), "checkpoint");
    optimiser.load(checkpoint->tensors, "optimiser.");
    best.from_json(checkpoint->state.at("best"));
    best.weights = model::with_prefix(checkpoint->tensors, "best.");
  }
  // In bf16 on the processor the optimiser keeps the weights that are computed with.
  std::vector<torch::Tensor> copies;
  if (type == torch::kBFloat16 && model.device().is_cpu()) {
    copies = model::trained_copies(model, type);
    optimiser.use_copies(copies);
  }
  const auto weights = [&] {
    return copies.empty() ? model::cast(model, type) : model::from_copies(model, copies);
  };
  const auto make_checkpoint = [&] {
    model::Checkpoint checkpoint{step, {}, {{"best", best.to_json()}}};
    model::add_prefixed(checkpoint.tensors, model.trained().values(), "model.");
    model::add_prefixed(checkpoint.tensors, best.weights, "best.");
    optimiser.save(checkpoint.tensors, "optimiser.");
    return checkpoint;
  };

  base::RunLog log(stage.folder, step);
  base::Progress progress(stage.console, "sft", total, step);
  for (int epoch = 0; epoch < settings.epochs && best.stale < settings.patience; ++epoch) {
    if (step >= ends[static_cast<std::size_t>(epoch)]) continue;  // done before the checkpoint
    const auto order =
        batches(training, settings.batch_tokens, stage.seed, static_cast<std::uint64_t>(epoch));
    const std::int64_t first =
        ends[static_cast<std::size_t>(epoch)] - static_cast<std::int64_t>(order.size());
    while (step < ends[static_cast<std::size_t>(epoch)]) {
      const auto start = std::chrono::steady_clock::now();
      std::vector<const Sequence*> batch;
      std::int64_t batch_tokens = 0;
      for (std::size_t index : order[static_cast<std::size_t>(step - first)]) {
        batch.push_back(&training[index]);
        batch_tokens += static_cast<std::int64_t>(training[index].ids.size());
      }
      step += 1;
      model::ForwardOptions options;
      options.dropout = settings.dropout;
      options.adapter_dropout = true;
      options.dropout_key = base::random_key(
          {.seed = stage.seed, .stage = "sft/dropout", .step = static_cast<std::uint64_t>(step)});
      const torch::Tensor loss = [&] {
        const Predictions predictions = collate(batch);
        const auto timer =
            stage.profile->time("forward and backward", step_work(model.config, predictions));
        const torch::Tensor value = loss_of(weights(), predictions, options);
        value.backward();
        return value;
      }();
      const double learning_rate = settings.learning_rate * cosine_schedule(step, warmup, total);
      const double norm = [&] {
        const auto timer =
            stage.profile->time("optimiser", model::optimiser_work(model.trained().count()));
        return optimiser.step(learning_rate, settings.clip);
      }();
      const double value = loss.item<double>();
      if (!std::isfinite(value))
        throw base::Error(base::ErrorKind::internal,
                          base::concatenate("sft: the loss is not finite at step ", step,
                                            "; lower sft.learning_rate"));
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      base::Metrics metrics = {{"loss", value},
                               {"lr", learning_rate},
                               {"grad_norm", norm},
                               {"epoch", epoch + 1},
                               {"tokens_per_second", batch_tokens / seconds.count()}};
      if (step == ends[static_cast<std::size_t>(epoch)]) {
        const auto timer = stage.profile->time("validation");
        const SftLosses losses = evaluate_losses(model, validation, type);
        best.stale += 1;
        if (losses.all < best.loss)
          best = {losses.all, epoch + 1, 0, losses, model.trained().copy()};
        metrics.insert(metrics.end(), {{"validation/loss", losses.all},
                                       {"validation/mode_loss", losses.mode},
                                       {"validation/item_loss", losses.item},
                                       {"validation/words_loss", losses.words}});
        stage.console.line(base::concatenate(
            "sft  epoch ", epoch + 1, ": validation loss ", base::fixed(losses.all, 3), " (mode ",
            base::fixed(losses.mode, 3), ", item ", base::fixed(losses.item, 3), ", words ",
            base::fixed(losses.words, 3), ", perplexity ", base::fixed(std::exp(losses.words), 1),
            ")"));
      }
      log.write(step, metrics);
      progress.advance(1, "loss " + base::fixed(value, 3));
      save_when_due(stage, step, make_checkpoint);
    }
  }
  progress.finish();
  model.trained().assign(best.weights, "best weights");
  return {std::move(model), best.losses, best.epoch, step};
}

}  // namespace train
