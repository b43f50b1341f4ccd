#pragma once

#include <string>

#include "evaluate/report.h"

namespace evaluate {

// What was found, in words: the primary comparisons, or the first one. HTML; empty without any.
std::string findings(const ReportData& data);

// The sections of a report that hold its results: comparisons, the world, rankings, words. HTML;
// what there is no data for is left out.
std::string results(const ReportData& data);

}  // namespace evaluate
