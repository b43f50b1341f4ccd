#pragma once

#include <string>

#include "evaluate/report.h"
#include "evaluate/sheets.h"

namespace evaluate {

// The sections of a report that show rankings: the protocols, whole dialogues and lists, slices,
// the ranker's terms, others' rules, sampled candidates. HTML; what there is no data for is left
// out.
std::string rankings(const ReportData& data, Sheets& sheets);

}  // namespace evaluate
