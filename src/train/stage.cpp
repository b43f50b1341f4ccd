#include "train/stage.h"

#include <torch/headeronly/version.h>

#include "base/error.h"
#include "base/hash.h"
#include "kernels/compute.h"

namespace train {
namespace {

// What must be the same for bit-equal results. The build is told by the program's own bytes.
base::Json machine_marks(const Stage& stage) {
  static const std::string build = base::sha256_file("/proc/self/exe").substr(0, 16);
  return {{"version", ATTUNE_VERSION},
          {"build", build},
          {"libtorch", TORCH_VERSION},
          {"device", kernels::device_text(stage.device)},
          {"instruction_set", kernels::instruction_set()},
          {"threads", kernels::use_threads(0)}};
}

}  // namespace

std::optional<model::Checkpoint> resume(const Stage& stage) {
  std::optional<model::Checkpoint> checkpoint = model::read_newest_checkpoint(
      stage.folder, [&](const std::string& text) { stage.console.line(text); });
  if (!checkpoint) return checkpoint;
  const base::Json now = machine_marks(stage),
                   then = checkpoint->state.value("machine", base::Json());
  if (then != now) {
    const std::string text =
        base::concatenate(stage.folder.string(), ": the checkpoint was made with ", then.dump(),
                          ", this is ", now.dump(), "; the numbers would not be bit-equal");
    if (!stage.allow_different_machine)
      throw base::UsageError(text,
                             "; go on with run.allow_different_machine=true or remove the folder");
    stage.console.line(text);
  }
  stage.console.line(
      base::concatenate("going on after step ", checkpoint->step, " of ", stage.folder.string()));
  return checkpoint;
}

void save(const Stage& stage, model::Checkpoint checkpoint) {
  checkpoint.state["machine"] = machine_marks(stage);
  model::write_checkpoint(stage.folder, checkpoint);
}

void save_when_due(const Stage& stage, std::int64_t step,
                   const std::function<model::Checkpoint()>& make) {
  const bool stop = stage.stop(step);
  if (stop || step % stage.checkpoint_every == 0) save(stage, make());
  if (stop) throw base::Interrupted(base::Interrupted::Kept::checkpoint);
}

}  // namespace train
