#pragma once

#include "feedback/signals.h"
#include "pipeline/run.h"

namespace pipeline {

// The signals of a run's training dialogues, the composites beside them. Validation and test
// dialogues stay out: nothing is fitted to them.
struct SignalData {
  dialogue::Corpus corpus;  // the training dialogues
  feedback::Composites composites;
  feedback::SignalTable table;
};

SignalData measure_run_signals(const Data& data);

}  // namespace pipeline
