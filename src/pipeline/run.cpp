#include "pipeline/run.h"

#include <chrono>

#include "base/error.h"
#include "base/hash.h"
#include "base/manifest.h"
#include "base/settings.h"
#include "dialogue/jsonl.h"
#include "kernels/compute.h"
#include "kernels/probe.h"
#include "pipeline/check_recipe.h"

namespace pipeline {
namespace fs = std::filesystem;
namespace {

constexpr int kStageVersion = 1;

// The settings that a stage depends on, flat.
base::Json settings_of(Recipe recipe, const std::vector<std::string>& parts) {
  const std::vector<base::Setting> settings = base::list_settings(recipe);
  base::Json json = base::Json::object();
  for (const std::string& part : parts) {
    const base::Json own = base::to_json(settings, part);
    for (const auto& [path, value] : own.items())
      if (!path.ends_with(".checkpoint_every") && path != "rl.gate" && path != "rl.preferences")
        json[path] = value;
  }
  return json;
}

// Which settings differ between two flat objects, as "sft.epochs (was 6, is 8)".
std::string differences(const base::Json& then, const base::Json& now) {
  std::string text;
  const auto add = [&](const std::string& path, const std::string& was, const std::string& is) {
    text += (text.empty() ? "" : ", ") + path + " (was " + was + ", is " + is + ")";
  };
  for (const auto& [path, value] : now.items()) {
    if (!then.contains(path))
      add(path, "absent", value.dump());
    else if (then.at(path) != value)
      add(path, then.at(path).dump(), value.dump());
  }
  for (const auto& [path, value] : then.items())
    if (!now.contains(path)) add(path, value.dump(), "absent");
  return text;
}

// A file's content as one hash, or that of all files of a folder.
std::string hash_input(const fs::path& path) {
  if (path.empty()) return "";
  if (!fs::exists(path)) throw base::DataError(path, ": there is no such file or folder");
  if (!fs::is_directory(path)) return base::sha256_file(path);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::string sums;
  for (const fs::path& file : files)
    sums += file.lexically_relative(path).string() + " " + base::sha256_file(file) + "\n";
  return base::sha256(sums);
}

}  // namespace

std::vector<const dialogue::Dialogue*> pointers(const std::vector<dialogue::Dialogue>& dialogues) {
  std::vector<const dialogue::Dialogue*> out;
  for (const dialogue::Dialogue& dialogue : dialogues) out.push_back(&dialogue);
  return out;
}

Run::Run(Recipe recipe, base::Console& console)
    : recipe_(std::move(recipe)),
      console_(console),
      folder_(recipe_.folder()),
      lock_(std::make_unique<base::FolderLock>(folder_)),
      device_(kernels::device_named(recipe_.run.device)),
      type_(kernels::compute_dtype(recipe_.run.compute)) {
  check_device(recipe_, device_);
  kernels::use_threads(recipe_.run.threads);
  kernels::set_default_backend(kernels::backend_named(recipe_.run.kernels));
}

torch::Dtype Run::device_type() const {
  return kernels::compute_dtype(recipe_.run.compute, device_);
}

std::string Run::key_of(const std::string& stage) {
  const fs::path folder = folder_ / stage;
  if (!base::has_manifest(folder))
    throw base::DataError(folder,
                          ": this stage is not finished; do it first, or all with `attune run`");
  const base::Json about =
      verified_.insert(stage).second ? base::verify_manifest(folder) : base::read_manifest(folder);
  return base::require<std::string>(about, "key", (folder / "manifest.json").string());
}

void Run::keep_recipe() const {
  Recipe lasting = recipe_;  // what is meant for this time only is not kept
  lasting.run.redo = false;
  lasting.run.profile = false;
  lasting.run.allow_different_machine = false;
  for (std::string* path :
       {&lasting.data.path, &lasting.data.catalogue, &lasting.data.test, &lasting.data.lexicon,
        &lasting.data.emoji, &lasting.tokenizer.folder, &lasting.rl.preferences})
    if (!path->empty()) *path = fs::absolute(*path).lexically_normal().string();
  base::write_file(folder_ / "recipe.toml", recipe_text(lasting));
}

void Run::stage(const StagePlan& plan) {
  const fs::path folder = folder_ / plan.name;
  base::Json settings = settings_of(recipe_, plan.parts), inputs = base::Json::object();
  settings["run.seed"] = recipe_.run.seed;
  settings["run.compute"] = recipe_.run.compute;
  if (recipe_.run.kernels != "native") settings["run.kernels"] = recipe_.run.kernels;
  for (const std::string& need : plan.needs) inputs[need] = key_of(need);
  for (const auto& [what, path] : plan.inputs) inputs[what] = hash_input(path);
  const base::Json identity = {{"schema", base::schema("stage", kStageVersion)},
                               {"stage", plan.name},
                               {"settings", settings},
                               {"inputs", inputs}};
  const std::string key = base::sha256(identity.dump());
  const fs::path identity_file = folder / "stage.json";

  if (fs::exists(identity_file)) {
    const base::Json then = base::read_json(identity_file);
    base::require_schema(then, "stage", kStageVersion, identity_file.string());
    if (base::sha256(then.dump()) == key) {
      if (base::has_manifest(folder)) {
        base::verify_manifest(folder);
        verified_.insert(plan.name);
        console_.line(plan.name + "  unchanged, skipped");
        return;
      }
    } else {
      std::string why = differences(then.value("settings", base::Json::object()), settings);
      if (why.empty())
        why = "its inputs have changed: " +
              differences(then.value("inputs", base::Json::object()), inputs);
      if (!recipe_.run.redo)
        throw base::UsageError(folder.string(), " was made by other settings: ", why,
                               "; use another run.folder, or run.redo=true to do it anew");
      console_.line(base::concatenate(plan.name, "  done anew: ", why));
      fs::remove_all(folder);
    }
  } else if (fs::exists(folder) && !fs::is_empty(folder)) {
    throw base::UsageError(
        folder.string(), " holds files but no stage.json, so it is not this stage's; move it away");
  }
  base::create_folder(folder);
  keep_recipe();
  base::write_json(identity_file, identity);

  console_.line(plan.name + "  …");
  const auto start = std::chrono::steady_clock::now();
  train::Stage stage{folder, console_, seed(), plan.checkpoint_every,
                     recipe_.run.allow_different_machine};
  stage.device = device_;
  const std::string result = plan.work(stage);
  model::remove_checkpoints(folder);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  base::write_manifest(folder, {{"stage", plan.name},
                                {"key", key},
                                {"version", ATTUNE_VERSION},
                                {"device", kernels::device_text(device_)},
                                {"instruction_set", kernels::instruction_set()},
                                {"threads", kernels::use_threads(0)},
                                {"seconds", seconds.count()}});
  verified_.insert(plan.name);
  console_.line(base::concatenate(plan.name, "  done in ", base::format_duration(seconds.count()),
                                  result.empty() ? "" : ": ", result));
  if (recipe_.run.profile && !stage.profile->phases().empty())
    for (const std::string& line : base::describe(*stage.profile, seconds.count(), ceilings()))
      console_.line("  " + line);
}

// On a GPU what the processor gives is no measure.
base::Ceilings Run::ceilings() const {
  if (!device_.is_cpu()) return {};
  const kernels::Probe probe = kernels::probe(type_);
  return {probe.peak * 1e9, probe.memory * 1e9};
}

const Data& Run::data() {
  if (data_) return *data_;
  const fs::path folder = folder_ / "data";
  key_of("data");  // throws where it is not finished
  Data data{dialogue::read_catalogue(folder / "catalogue.jsonl"),
            {},
            {},
            {},
            TextScorers(recipe_, folder)};
  const auto read = [&](const char* split) {
    const fs::path file = folder / (std::string(split) + ".jsonl");
    if (!fs::exists(file)) return std::vector<dialogue::Dialogue>{};
    dialogue::Corpus corpus = dialogue::read_dialogues(file, data.catalogue);
    data.scorers.read_ahead(
        [&](const auto&, const auto& sentiment) { feedback::with_sentiment(corpus, sentiment); });
    return feedback::with_sentiment(std::move(corpus), data.sentiment()).dialogues;
  };
  data.train = read("train");
  data.validation = read("validation");
  data.test = read("test");
  data_ = std::move(data);
  return *data_;
}

}  // namespace pipeline
