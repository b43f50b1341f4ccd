#pragma once

#include <string>

#include "evaluate/report.h"
#include "evaluate/sheets.h"

namespace evaluate {

// What was found, in words: the primary comparisons, or the first one. HTML; empty without any.
std::string findings(const ReportData& data);

// The sections of a report that hold its results: comparisons and their power, the world, people
// made of forms, rankings, words. HTML; what there is no data for is left out.
std::string results(const ReportData& data, Sheets& sheets);

}  // namespace evaluate
