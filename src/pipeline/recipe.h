#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "corpus/split.h"
#include "dialogue/state.h"
#include "recommend/ranker.h"
#include "reward/reward_model.h"
#include "rl/train_policy.h"
#include "simulate/world.h"
#include "train/sft.h"

namespace pipeline {

struct RunSettings {
  std::string folder;  // empty: runs/NAME
  std::int64_t seed = 1;
  int threads = 0;  // 0: torch's own choice
  std::string compute = "auto";
  std::string device = "cpu";
  std::string kernels = "native";
  bool redo = false;
  bool profile = false;
  bool allow_different_machine = false;

  template <class F>
  void fields(F&& field) {
    field("folder", folder, "where the run is kept; empty: runs/NAME");
    field("seed", seed, "decides every random choice");
    field("threads", threads, "0: as many as the machine has cores");
    field("compute", compute, "auto, bf16 or fp32: the type of matrix products");
    field("device", device,
          "cpu, cuda or auto (the GPU where there is one): where the language model is trained and "
          "sampled from");
    field("kernels", kernels,
          "native, or reference: libtorch's own operations in place of attune's in the language "
          "model, slow, to find out whether a result comes from them");
    field("profile", profile, "say where the time of each stage went");
    field("redo", redo, "do stages anew whose settings have changed, instead of refusing");
    field("allow_different_machine", allow_different_machine,
          "go on from checkpoints of another build, device, instruction set or thread count");
  }
};

struct DataSettings {
  std::string path;       // empty: the built-in world
  std::string catalogue;  // with a feedback store: a file or a run's folder
  std::int64_t as_of = 0;
  std::string at;
  std::string test;     // a file
  std::string lexicon;  // a file; empty: the world's own
  std::string emoji;
  std::vector<std::string> knowledge;  // folders
  corpus::SplitSettings split;

  template <class F>
  void fields(F&& field) {
    field("path", path,
          "ReDial's, OpenDialKG's or INSPIRED's folder, dialogues in attune's own JSON lines, or "
          "the file of a feedback store; empty: a simulated world");
    field("catalogue", catalogue,
          "of a feedback store: the items, a catalogue.jsonl or the folder of the run that was "
          "served; empty: those that the store knows, by id and title");
    field("as_of", as_of, "of a feedback store: rows up to this sequence number; 0: all there are");
    field(
        "at", at,
        "of a feedback store: when the windows of delayed labels are looked at (RFC 3339); empty: "
        "when the newest of these rows was written");
    field("test", test, "a file of dialogues to evaluate on in place of the test split");
    field("lexicon", lexicon, "VADER's lexicon file for sentiment; empty: the world's own");
    field("emoji", emoji, "VADER's emoji file; empty: none");
    field("knowledge", knowledge,
          "folders that say what items are: id2info.json, DBpedia graphs as UniCRS publishes them");
    field("split", split, "which dialogues are held out");
  }
};

struct TokenizerSettings {
  int vocabulary = 8000;
  std::string folder;

  template <class F>
  void fields(F&& field) {
    field("vocabulary", vocabulary, "text tokens to train on the training split");
    field("folder", folder, "a Hugging Face tokenizer folder to take instead; empty: train one");
  }
};

struct ModelSettings {
  std::string base;  // a folder; empty: GPT-2 from random weights
  int layers = 4;
  int width = 256;
  int heads = 4;
  int positions = 512;
  model::LoraSettings lora;

  template <class F>
  void fields(F&& field) {
    field(
        "base", base,
        "a Hugging Face folder of a GPT-2, Llama or Qwen2 model to start from, with its tokenizer; "
        "empty: GPT-2 from random weights");
    field("layers", layers, "of GPT-2, where there is no base");
    field("width", width, "of its hidden state, where there is no base");
    field("heads", heads, "of attention, where there is no base");
    field("positions", positions, "longest sequence, in tokens; a base may allow more");
    field("lora", lora, "low-rank adapters beside a frozen base");
  }
};

// What reads texts in place of the built-in scorers.
struct SentimentSettings {
  std::string model;

  template <class F>
  void fields(F&& field) {
    field("model", model,
          "a Hugging Face folder of a BERT or RoBERTa sentiment classifier, in place of VADER");
  }
};

struct RelevanceSettings {
  std::string model;

  template <class F>
  void fields(F&& field) {
    field(
        "model", model,
        "a Hugging Face folder of a BERT or RoBERTa sentence encoder, in place of weighted words");
  }
};

struct SignalSettings {
  int resamples = 1000;

  template <class F>
  void fields(F&& field) {
    field("resamples", resamples, "of the bootstrap behind each signal's interval");
  }
};

struct EvaluationSettings {
  std::vector<std::string> baselines;  // empty: all
  std::vector<std::string> primary = {"v2 hr@5 ppo sft", "ln hr@5 ppo sft",
                                      "v1 hr@10 sft cooccurrence", "v2 hr@10 sft cooccurrence"};
  std::vector<std::string> secondary = {"v2 hr@10 ppo sft", "v2 ndcg@10 ppo sft",
                                        "v3 hr@5 ppo sft",  "v3 hr@10 ppo sft",
                                        "ln hr@10 ppo sft", "v1 hr@5 ppo sft"};
  int form_turns = 5;
  int responses = 400;
  int resamples = 10000;
  bool ablations = true;
  int world_episodes = 600;
  std::vector<int> best_of;
  int max_tokens = 48;
  double temperature = .7;

  template <class F>
  void fields(F&& field) {
    field("baselines", baselines, "those to rank with; empty: all");
    field("primary", primary,
          "comparisons declared as endpoints: protocol, metric, model, model it is held against");
    field("secondary", secondary, "comparisons declared beside them");
    field("form_turns", form_turns,
          "recommender's turns with people made of real forms; 0: no such dialogues");
    field("responses", responses, "messages answered for the text metrics; 0: all");
    field("resamples", resamples, "of the bootstrap behind each comparison");
    field("ablations", ablations, "rank with each of the ranker's terms switched off too");
    field("world_episodes", world_episodes, "dialogues that each model plays in a world");
    field("best_of", best_of,
          "in a world: the start model plays, too, with the best of so many replies by the reward "
          "model, for each number here");
    field("max_tokens", max_tokens, "tokens of a reply's words");
    field("temperature", temperature, "of replies");
  }
};

// Everything that a run depends on.
struct Recipe {
  std::string schema = "attune.recipe/1";
  std::string name = "run";
  RunSettings run;
  DataSettings data;
  simulate::WorldSettings world;
  dialogue::StateOptions state;
  TokenizerSettings tokenizer;
  ModelSettings model;
  train::SftSettings sft;
  recommend::RankerSettings ranker;
  SentimentSettings sentiment;
  RelevanceSettings relevance;
  SignalSettings signals;
  reward::RewardSettings reward;
  rl::RlSettings rl;
  EvaluationSettings evaluation;

  template <class F>
  void fields(F&& field) {
    field("schema", schema, "format of this file");
    field("name", name, "of the run");
    field("run", run, "");
    field("data", data, "");
    field("world", world, "");
    field("state", state, "");
    field("tokenizer", tokenizer, "");
    field("model", model, "");
    field("sft", sft, "");
    field("ranker", ranker, "");
    field("sentiment", sentiment, "how sentiment is read");
    field("relevance", relevance, "how relevance is read");
    field("signals", signals, "");
    field("reward", reward, "");
    field("rl", rl, "");
    field("evaluation", evaluation, "");
  }

  // Of the tokenizer to take; empty: one is trained.
  const std::string& tokenizer_folder() const {
    return tokenizer.folder.empty() ? model.base : tokenizer.folder;
  }
  bool in_world() const { return data.path.empty(); }
  std::filesystem::path folder() const { return run.folder.empty() ? "runs/" + name : run.folder; }
};

// Reads a recipe, applies "key.path=value" overrides and checks what no single setting can say
// alone. `path` may be a run folder too: its resolved recipe is read and its folder kept. Throws
// base::UsageError, base::DataError.
Recipe read_recipe(const std::filesystem::path& path, const std::vector<std::string>& overrides);

// The dialogues that a recipe names, simulated in its world, or read, with what is known of their
// items. Throws base::DataError.
dialogue::Corpus read_dialogues(const Recipe& recipe);

std::string recipe_text(Recipe recipe);  // resolved, as TOML

}  // namespace pipeline
