#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/progress.h"
#include "dialogue/dialogue.h"
#include "pipeline/recipe.h"
#include "pipeline/scorers.h"
#include "train/stage.h"

namespace pipeline {

// The dialogues of a run, as its data stage left them, with the sentiment of every seeker's turn.
struct Data {
  dialogue::Catalogue catalogue;
  std::vector<dialogue::Dialogue> train, validation, test;
  TextScorers scorers;

  feedback::SentimentFunction sentiment() const { return scorers.sentiment(); }
};

std::vector<const dialogue::Dialogue*> pointers(const std::vector<dialogue::Dialogue>& dialogues);

// A run: a recipe at work in its folder.
class Run {
 public:
  // Creates the folder and takes its lock; the resolved recipe is written once a stage has taken
  // it. Throws base::ResourceError where another process works there.
  Run(Recipe recipe, base::Console& console);

  const Recipe& recipe() const { return recipe_; }
  base::Console& console() const { return console_; }
  const std::filesystem::path& folder() const { return folder_; }
  // Where the language model is trained and the policy's replies are drawn, and the type of
  // products there; the type of those on the processor, where everything else is.
  torch::Device device() const { return device_; }
  torch::Dtype device_type() const;
  torch::Dtype type() const { return type_; }
  std::uint64_t seed() const { return static_cast<std::uint64_t>(recipe_.run.seed); }

  // Does a stage unless it is done: its folder holds a whole manifest made from the same settings
  // and inputs. `parts`: the recipe's parts that its result depends on; `needs`: the stages that it
  // reads; `inputs`: files outside the run, by what they are: their content counts, not where they
  // lie. `work` fills the folder and returns what to say of the result. Throws base::UsageError
  // where the folder was made by other settings (naming them) and run.redo is not set,
  // base::DataError where a needed stage is not there or damaged.
  struct StagePlan {
    std::string name;  // of the folder
    std::vector<std::string> parts, needs;
    std::vector<std::pair<std::string, std::filesystem::path>> inputs;
    std::function<std::string(const train::Stage& stage)> work;
    int checkpoint_every = 200;
  };
  void stage(const StagePlan& plan);

  // Throws base::DataError where a stage is not finished or a file of it is damaged.
  void require(const std::string& stage) { key_of(stage); }

  // Writes the resolved recipe into the folder, without what is meant for one time only.
  void keep_recipe() const;

  // Reads the data stage's folder, once.
  const Data& data();

 private:
  base::Ceilings ceilings() const;  // that a profile is held against; 0s: none are known
  std::string key_of(const std::string& stage);  // of a finished, undamaged stage
  Recipe recipe_;
  base::Console& console_;
  std::filesystem::path folder_;
  std::unique_ptr<base::FolderLock> lock_;
  torch::Device device_;
  torch::Dtype type_;
  std::optional<Data> data_;
  std::set<std::string> verified_;  // stages whose files were held to their sums
};

}  // namespace pipeline
