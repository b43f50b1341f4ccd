#pragma once

#include <string>

#include "evaluate/report.h"
#include "evaluate/sheets.h"

namespace evaluate {

// A whole HTML page: styles and one script inline, nothing loaded from anywhere; its policy lets no
// other script run. The script adds buttons that copy tables and save plots. title: plain text,
// shown above `body`, which is HTML.
std::string whole_page(const std::string& title, const std::string& body);

// The report as a whole page. What it shows is kept in `sheets`.
std::string report_page(const ReportData& data, Sheets& sheets);

}  // namespace evaluate
