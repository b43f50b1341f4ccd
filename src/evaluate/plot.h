#pragma once

#include <string>
#include <utility>
#include <vector>

namespace evaluate {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // (x, y), x ascending; not finite: left out
};

enum class Marks { lines, lines_and_points };

struct Plot {
  std::string title;
  std::string x_label;
  std::vector<Series> series;  // drawn in the colours 1, 2, … 6 of the page's style
  Marks marks = Marks::lines;
};

// The plot as one <figure> with inline SVG: title, legend where there are several series, axes with
// ticks. More than 200 points of a series are drawn as means of neighbours. Empty where no series
// has a finite point. Text is escaped; colours are the CSS classes s1 … s6, axis, grid, tick.
// With a name, a file name without its ending, the figure carries it for the page's script.
std::string draw_plot(const Plot& plot, const std::string& name = "");

// The same as an SVG file, in light colours, title and legend inside; empty as above.
std::string plot_file(const Plot& plot);

// The style of a plot outside a report.
extern const char* const kPlotStyle;

// Round numbers from `low` to `high`, about `count` of them; low < high.
std::vector<double> ticks(double low, double high, int count);

// A number as a tick's label: as few digits as tell ticks of that distance apart.
std::string tick_label(double value, double step);

}  // namespace evaluate
