#include "base/error.h"
#include "base/run_log.h"
#include "feedback/validity.h"
#include "pipeline/signal_data.h"
#include "pipeline/stages.h"

namespace pipeline {

void signals_stage(Run& run) {
  Run::StagePlan plan{"signals", {"signals"}, {"data"}, {}, {}};
  if (const std::string& folder = run.recipe().relevance.model; !folder.empty())
    plan.inputs.emplace_back("relevance.model", folder);
  plan.work = [&](const train::Stage& stage) {
    const SignalData signals = measure_run_signals(run.data());
    const std::vector<feedback::SignalValidity> validity = feedback::validate_signals(
        signals.corpus, signals.table,
        {.resamples = run.recipe().signals.resamples, .seed = run.seed()});
    base::write_json(stage.folder / "signals.json", {{"schema", base::schema("signals", 1)},
                                                     {"signals", feedback::to_json(validity)}});
    base::write_json(
        stage.folder / "composites.json",
        {{"schema", base::schema("composites", 1)}, {"composites", signals.composites.to_json()}});
    base::Metrics metrics;
    int validated = 0;
    for (const feedback::SignalValidity& signal : validity) {
      if (signal.auc) metrics.emplace_back("auc/" + signal.name, signal.auc->estimate);
      validated += signal.validated;
    }
    base::RunLog(stage.folder).write(1, metrics);
    for (const std::string& line : feedback::describe(validity))
      run.console().line("signals  " + line);
    return base::concatenate(validated, " of ", validity.size(), " signals validated");
  };
  run.stage(plan);
}

}  // namespace pipeline
