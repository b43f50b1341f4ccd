// What attune's models make of folders and token ids, for check_decoders.py and its neighbours.
// Every command reads
// {"sequences": [[id, ...], ...], ...} from its standard input and writes JSON to its standard
// output, or tensors to the file named last.
#include <iostream>
#include <iterator>

#include "base/error.h"
#include "base/json.h"
#include "kernels/log_prob_head.h"
#include "model/adapter_folder.h"
#include "model/decoder.h"
#include "model/encoder.h"
#include "model/folder.h"
#include "model/forward.h"
#include "model/safetensors.h"
#include "reward/language_scorer.h"
#include "text/tokenizer_trainer.h"
#include "train/adamw.h"
#include "train/sft.h"

namespace {

using Sequences = std::vector<std::vector<int>>;

base::Json input() {
  static const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  return base::parse_json(text, "input");
}

Sequences sequences_of(const base::Json& json) { return json.at("sequences").get<Sequences>(); }

torch::Tensor logits(const model::Weights& weights, const Sequences& sequences) {
  return at::linear(model::hidden_states(weights, model::pack(sequences)), weights.head)
      .to(torch::kFloat32);  // [T, V]
}

// Each token's log-probability given those before it, over all sequences.
torch::Tensor log_probs(const model::Weights& weights, const Sequences& sequences) {
  std::vector<torch::Tensor> out;
  for (const std::vector<int>& sequence : sequences) {
    const auto t = static_cast<std::int64_t>(sequence.size());
    const torch::Tensor ids =
        torch::tensor(std::vector<std::int64_t>(sequence.begin(), sequence.end()));
    out.push_back(at::log_softmax(logits(weights, {sequence}).narrow(0, 0, t - 1), 1)
                      .gather(1, ids.narrow(0, 1, t - 1).unsqueeze(1))
                      .flatten());
  }
  return at::cat(out);
}

void write_logits(const std::string& folder, const std::string& out, torch::Dtype type) {
  torch::NoGradGuard no_grad;
  const model::Weights weights = model::cast(model::read_model(folder), type);
  model::TensorMap tensors;
  const Sequences sequences = sequences_of(input());
  for (std::size_t i = 0; i < sequences.size(); ++i)
    tensors[std::to_string(i)] = logits(weights, {sequences[i]});
  model::write_safetensors(out, tensors);
}

// Greedy continuations through the cache, all sequences side by side.
void generate(const std::string& folder, int count) {
  torch::NoGradGuard no_grad;
  const model::Weights weights = model::cast(model::read_model(folder), torch::kFloat32);
  const Sequences prompts = sequences_of(input());
  model::Decoder decoder(weights, static_cast<std::int64_t>(prompts.size()),
                         weights.config.positions);
  const auto started = decoder.start(prompts);
  torch::Tensor hidden = started.last_hidden;
  Sequences out(prompts.size());
  for (int step = 0; step < count; ++step) {
    const torch::Tensor best = at::linear(hidden, weights.head).argmax(1);
    std::vector<int> tokens;
    for (std::size_t i = 0; i < out.size(); ++i) {
      tokens.push_back(static_cast<int>(best[static_cast<std::int64_t>(i)].item<std::int64_t>()));
      out[i].push_back(tokens.back());
    }
    if (step + 1 < count) hidden = decoder.append(started.slots, tokens);
  }
  std::cout << base::Json(out).dump();
}

// The largest difference of logits: cached against the whole forward, and packed against alone.
void compare_ways(const std::string& folder) {
  torch::NoGradGuard no_grad;
  const model::Weights weights = model::cast(model::read_model(folder), torch::kFloat32);
  const Sequences sequences = sequences_of(input());
  const torch::Tensor packed = logits(weights, sequences);
  double alone = 0, cached = 0;
  std::int64_t begin = 0;
  for (const std::vector<int>& sequence : sequences) {
    const auto t = static_cast<std::int64_t>(sequence.size());
    const torch::Tensor whole = logits(weights, {sequence});
    alone = std::max(alone, (packed.narrow(0, begin, t) - whole).abs().max().item<double>());
    begin += t;
    model::Decoder decoder(weights, 2, t);
    const auto started = decoder.start({{sequence.begin(), sequence.begin() + 1}});
    for (std::int64_t p = 1; p < t; ++p) {
      const torch::Tensor hidden =
          decoder.append(started.slots, {sequence[static_cast<std::size_t>(p)]});
      cached = std::max(
          cached, (at::linear(hidden, weights.head)[0] - whole[p]).abs().max().item<double>());
    }
  }
  std::cout << base::Json({{"alone", alone}, {"cached", cached}}).dump();
}

void compare_types(const std::string& folder) {
  torch::NoGradGuard no_grad;
  const model::LanguageModel model = model::read_model(folder);
  const Sequences sequences = sequences_of(input());
  const torch::Tensor difference = (log_probs(model::cast(model, torch::kBFloat16), sequences) -
                                    log_probs(model::cast(model, torch::kFloat32), sequences))
                                       .abs();
  std::cout << base::Json({{"mean", difference.mean().item<double>()},
                           {"largest", difference.max().item<double>()}})
                   .dump();
}

std::vector<train::Sequence> weighted(const Sequences& sequences) {
  std::vector<train::Sequence> out;
  for (const std::vector<int>& ids : sequences) {
    train::Sequence sequence{ids, std::vector<float>(ids.size(), 1), {}};
    sequence.weights[0] = 0;
    sequence.parts.assign(ids.size(), dialogue::Piece::Part::context);
    out.push_back(sequence);
  }
  return out;
}

torch::Tensor loss_of(const model::LanguageModel& model,
                      const std::vector<train::Sequence>& batch) {
  std::vector<const train::Sequence*> pointers;
  for (const train::Sequence& sequence : batch) pointers.push_back(&sequence);
  return train::sft_loss(model::cast(model, torch::kFloat32), pointers, {});
}

void write_gradients(const std::string& folder, const std::string& out) {
  const model::LanguageModel model = model::read_model(folder);
  const torch::Tensor loss = loss_of(model, weighted(sequences_of(input())));
  loss.backward();
  model::TensorMap gradients;
  for (const std::string& name : model.trained().names())
    gradients[name] = model.trained().at(name).grad();
  gradients["loss"] = loss.detach();
  model::write_safetensors(out, gradients);
}

// {"steps": [[sequence, ...], ...], "learning_rate", "warmup", "clip", "weight_decay"}: one loss a
// step.
void train_steps(const std::string& folder) {
  const base::Json json = input();
  const model::LanguageModel model = model::read_model(folder);
  train::AdamW optimiser(model.trained().tensors(), {.weight_decay = json.at("weight_decay")});
  const auto steps = json.at("steps").get<std::vector<Sequences>>();
  std::vector<double> losses, norms;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const torch::Tensor loss = loss_of(model, weighted(steps[i]));
    loss.backward();
    const double rate = json.at("learning_rate").get<double>() *
                        train::cosine_schedule(static_cast<std::int64_t>(i + 1), json.at("warmup"),
                                               static_cast<std::int64_t>(steps.size()));
    norms.push_back(optimiser.step(rate, json.at("clip")));
    losses.push_back(loss.item<double>());
  }
  std::cout << base::Json({{"losses", losses}, {"norms", norms}}).dump();
}

// A new adapter with random numbers in every part, written beside its base.
void make_adapter(const std::string& base, const std::string& out) {
  const base::Json json = input();
  model::LanguageModel model = model::read_model(base);
  model::LoraSettings settings;
  settings.rank = json.at("rank");
  settings.alpha = json.at("alpha");
  settings.targets = json.at("targets").get<std::vector<std::string>>();
  model::attach(model, model::new_adapter(model.config, model.parameters, settings,
                                          json.at("first_row"), json.at("rows"), 1));
  torch::NoGradGuard no_grad;
  for (const std::string& name : model.adapter->parameters.names()) {
    torch::Tensor tensor = model.adapter->parameters.at(name);
    tensor.add_(model::normal_values(tensor.sizes().vec(), .1, {.seed = 2, .stage = name}));
  }
  model::write_adapter(out, model, base);
}

// [n, labels] logits or [n, C] embeddings of whole texts.
void read_texts(const std::string& folder, const std::string& out, bool classify) {
  const model::Encoder encoder(folder);
  const Sequences texts = sequences_of(input());
  model::write_safetensors(out,
                           {{"out", classify ? encoder.classify(texts) : encoder.embed(texts)}});
}

// score-write BASE OUT: a reward model of that language model and a random head, with a tokenizer
// whose <|end|> pads. score FOLDER: one score a sequence.
void reward_model(const std::vector<std::string>& arguments) {
  if (arguments[0] == "score") {
    const auto scorer = reward::LanguageScorer::read(arguments.at(1), torch::kFloat32);
    std::cout << base::Json(scorer.score(sequences_of(input()))).dump();
    return;
  }
  const model::LanguageModel language = model::read_model(arguments.at(1));
  const text::Tokenizer tokenizer =
      text::train_tokenizer({"a b"}, {.vocabulary_size = 256}).with_added_tokens({"<|end|>"});
  const torch::Tensor head =
      model::normal_values({1, language.config.width}, 1, {.seed = 1, .stage = "head"});
  reward::LanguageScorer(language, head, tokenizer.size() - 1, torch::kFloat32)
      .write(arguments.at(2), tokenizer);
}

int run(const std::vector<std::string>& arguments) {
  const std::string& command = arguments.at(0);
  if (command == "logits")
    write_logits(arguments.at(1), arguments.at(2), torch::kFloat32);
  else if (command == "generate")
    generate(arguments.at(1), std::stoi(arguments.at(2)));
  else if (command == "ways")
    compare_ways(arguments.at(1));
  else if (command == "types")
    compare_types(arguments.at(1));
  else if (command == "gradients")
    write_gradients(arguments.at(1), arguments.at(2));
  else if (command == "train")
    train_steps(arguments.at(1));
  else if (command == "copy")
    model::write_model(arguments.at(2), model::read_model(arguments.at(1)));
  else if (command == "classify" || command == "embed")
    read_texts(arguments.at(1), arguments.at(2), command == "classify");
  else if (command == "adapter")
    make_adapter(arguments.at(1), arguments.at(2));
  else if (command == "merge")
    model::write_model(arguments.at(2), model::merged(model::read_model(arguments.at(1))));
  else if (command == "score" || command == "score-write")
    reward_model(arguments);
  else
    throw base::UsageError("model_probe: no command \"", command, "\"");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "model_probe: " << error.what() << "\n";
    return 1;
  }
}
