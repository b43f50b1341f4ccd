#pragma once

#include <string>

#include "evaluate/report.h"

namespace evaluate {

// The report as one HTML page: styles and plots inline, nothing loaded from anywhere, no scripts.
std::string report_page(const ReportData& data);

}  // namespace evaluate
