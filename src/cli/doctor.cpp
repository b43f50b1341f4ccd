#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

#include <torch/version.h>

#include "base/format.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "kernels/compute.h"
#include "kernels/cuda.h"
#include "model/config.h"
#include "model/folder.h"
#include "pipeline/memory.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

constexpr double kGigabyte = 1 << 30;
constexpr double kItems = 10'000;  // of a catalogue that nobody has named yet

// A line of the report, and what to do where it is a fault.
struct Finding {
  std::string name;
  base::Json value;
  std::string advice;  // empty: all is well
};

// A line "KEY:   VALUE kB" of the kernel's own account, in GiB.
double memory(const std::string& key) {
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word) {
    double kilobytes = 0;
    if (word == key + ":" && file >> kilobytes) return kilobytes * 1024 / kGigabyte;
  }
  return 0;
}

double round_to_tenths(double value) { return std::stod(base::fixed(value, 1)); }

Finding data_folder() {
  const char* named = std::getenv("ATTUNE_DATA");
  const fs::path folder = named ? named : "../shared/data";
  if (fs::is_directory(folder)) return {"data folder", folder.string(), ""};
  return {"data folder", nullptr,
          "no " + folder.string() +
              ": tests that read public data sets are skipped; set ATTUNE_DATA to mend it"};
}

std::vector<Finding> examine() {
  const bool has_bf16 = kernels::compute_dtype("auto") == torch::kBFloat16;
  const int threads = kernels::use_threads(0);
  const double free_memory = round_to_tenths(memory("MemAvailable"));
  std::error_code failed;
  const fs::space_info disk = fs::space(fs::current_path(), failed);
  const double free_disk =
      failed ? 0 : round_to_tenths(static_cast<double>(disk.available) / kGigabyte);
#ifdef NDEBUG
  const char* build = "optimised";
#else
  const char* build = "with assertions";
#endif
  return {
      {"attune", ATTUNE_VERSION, ""},
      {"libtorch", TORCH_VERSION, ""},
      {"compiler", "g++ " __VERSION__, ""},
      {"build", build, ""},
      {"processor", kernels::instruction_set(), ""},
      {"computes in", has_bf16 ? "bf16" : "fp32",
       has_bf16 ? ""
                : "this processor has no bf16 instructions: training takes several times as long"},
      {"GPU", kernels::cuda::has_device() ? base::Json(kernels::cuda::card()) : base::Json("none"),
       ""},
      {"threads", threads, ""},
      {"processors", std::thread::hardware_concurrency(), ""},
      {"memory, GiB", round_to_tenths(memory("MemTotal")), ""},
      {"memory free, GiB", free_memory,
       free_memory < 4 ? "the quickstart needs 4 GiB: close other programs" : ""},
      {"disk free, GiB", free_disk,
       free_disk < 2 ? "a run may need 2 GiB: free some, or work in a folder on another disk" : ""},
      data_folder(),
  };
}

// What each stage needs for a model of this folder, with a recipe's usual numbers.
std::vector<Finding> examine_model(const fs::path& folder, double free_memory) {
  const fs::path file = model::whole_model(model::find_model(folder)) / "config.json";
  const model::ModelConfig config = model::parse_config(base::read_json(file), file.string());
  const double vocabulary = static_cast<double>(config.vocabulary) + kItems, context = 512;
  std::vector<Finding> findings;
  for (const bool adapter : {false, true}) {
    model::LoraSettings lora;
    lora.rank = adapter ? 16 : 0;
    const pipeline::ModelSize size = pipeline::size_of(config, lora, vocabulary, kItems);
    const std::string way = adapter ? ", LoRA of rank 16" : "";
    for (const auto& [stage, bytes] :
         {std::pair{"sft", pipeline::sft_memory(size, 2048)},
          {"reward by language model", pipeline::scorer_memory(size, 2048)},
          {"rl", pipeline::rl_memory(size, 32, 8, context)},
          {"chat and evaluation", pipeline::serving_memory(size, 64, context)}}) {
      const double gigabytes = round_to_tenths(bytes / kGigabyte);
      findings.push_back({stage + way + ", GiB", gigabytes,
                          gigabytes > free_memory
                              ? base::concatenate(stage, way, " needs about ", gigabytes,
                                                  " GiB, free are ", free_memory,
                                                  ": take a smaller batch, an adapter (model.lora) "
                                                  "or a machine with more memory")
                              : ""});
    }
  }
  return findings;
}

std::string shown(const base::Json& value) {
  if (value.is_null()) return "not found";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

int doctor(const Command& self, const std::vector<std::string>& given) {
  bool json = false;
  std::vector<std::string> models;
  Arguments arguments(self);
  arguments.positional("MODEL", models, "folders of models: what each stage will need",
                       Arguments::Need::optional);
  arguments.flag("--json", json, "print one JSON object");
  arguments.parse(given);

  base::Json object = base::Json::object(), advice = base::Json::array();
  std::vector<Finding> findings = examine();
  for (const std::string& model : models) {
    for (Finding& finding : examine_model(model, round_to_tenths(memory("MemAvailable")))) {
      if (models.size() > 1) finding.name = model + ": " + finding.name;
      findings.push_back(std::move(finding));
    }
  }
  std::size_t width = 18;
  for (const Finding& finding : findings) width = std::max(width, finding.name.size() + 2);
  for (const Finding& finding : findings) {
    object[finding.name] = finding.value;
    if (!finding.advice.empty()) advice.push_back(finding.advice);
    if (!json)
      std::cout << finding.name << std::string(width - finding.name.size(), ' ')
                << shown(finding.value) << "\n";
  }
  object["advice"] = advice;
  if (json) {
    std::cout << object.dump(2) << "\n";
    return 0;
  }
  std::cout << (advice.empty() ? "\nNothing is missing.\n" : "\n");
  for (const base::Json& line : advice) std::cout << "- " << line.get<std::string>() << "\n";
  return 0;
}

}  // namespace

Command doctor_command() {
  return {"doctor", "say what this machine and this build have, what is missing and how to mend it",
          "attune doctor runs/quickstart/sft/model", doctor};
}

}  // namespace cli
