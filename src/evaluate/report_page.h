#pragma once

#include <string>

#include "evaluate/report.h"
#include "evaluate/sheets.h"

namespace evaluate {

// The report as one HTML page: styles, plots and one script inline, nothing loaded from anywhere;
// its policy lets no other script run. The script adds buttons that copy tables and save plots.
// What the page shows is kept in `sheets`.
std::string report_page(const ReportData& data, Sheets& sheets);

}  // namespace evaluate
