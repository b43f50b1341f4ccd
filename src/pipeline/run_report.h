#pragma once

#include "evaluate/report.h"
#include "pipeline/run.h"

namespace pipeline {

// Adds to a report what the run's stages left: title, training curves, signal validity, the reward
// model's checks, gold against proxy over KL, data statistics, the recipe, warnings.
void add_run_parts(const Run& run, evaluate::ReportData& report);

}  // namespace pipeline
