#include "evaluate/plot.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/format.h"
#include "evaluate/html.h"

namespace evaluate {
namespace {

constexpr double kWidth = 560, kHeight = 250;
constexpr double kLeft = 58, kRight = 14, kTop = 10, kBottom = 42;
constexpr std::size_t kMostPoints = 200;
constexpr int kColours = 6;

using Points = std::vector<std::pair<double, double>>;

// Finite points only, thinned to at most kMostPoints means of neighbours.
Points thin(const Points& points) {
  Points finite, thinned;
  for (const auto& point : points)
    if (std::isfinite(point.first) && std::isfinite(point.second)) finite.push_back(point);
  const std::size_t bucket = (finite.size() + kMostPoints - 1) / kMostPoints;
  if (bucket <= 1) return finite;
  for (std::size_t first = 0; first < finite.size(); first += bucket) {
    const std::size_t size = std::min(bucket, finite.size() - first);
    std::pair<double, double> mean{0, 0};
    for (std::size_t i = first; i < first + size; ++i) {
      mean.first += finite[i].first / static_cast<double>(size);
      mean.second += finite[i].second / static_cast<double>(size);
    }
    thinned.push_back(mean);
  }
  return thinned;
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // Some room, also where all values are one.
  void widen(double share) {
    const double room = high > low ? (high - low) * share : std::max(std::abs(high) * .1, .1);
    low -= room;
    high += room;
  }
};

struct Scale {
  Range x, y;
  double at_x(double value) const {
    return kLeft + (value - x.low) / (x.high - x.low) * (kWidth - kLeft - kRight);
  }
  double at_y(double value) const {
    return kHeight - kBottom - (value - y.low) / (y.high - y.low) * (kHeight - kTop - kBottom);
  }
};

std::string number(double value) { return base::fixed(value, 1); }

std::string line(const char* style, double x1, double y1, double x2, double y2) {
  return std::string("<line class=\"") + style + "\" x1=\"" + number(x1) + "\" y1=\"" + number(y1) +
         "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) + "\"/>";
}

std::string label(const char* anchor, double x, double y, const std::string& text) {
  return std::string("<text class=\"tick\" text-anchor=\"") + anchor + "\" x=\"" + number(x) +
         "\" y=\"" + number(y) + "\">" + escape_html(text) + "</text>";
}

std::string axes(const Plot& plot, const Scale& scale) {
  std::string svg;
  const double bottom = kHeight - kBottom, right = kWidth - kRight;
  const std::vector<double> ys = ticks(scale.y.low, scale.y.high, 5);
  for (double y : ys) {
    svg += line("grid", kLeft, scale.at_y(y), right, scale.at_y(y));
    svg += label("end", kLeft - 8, scale.at_y(y) + 4,
                 tick_label(y, ys.size() > 1 ? ys[1] - ys[0] : 1));
  }
  const std::vector<double> xs = ticks(scale.x.low, scale.x.high, 6);
  for (double x : xs) {
    svg += line("axis", scale.at_x(x), bottom, scale.at_x(x), bottom + 4);
    svg += label("middle", scale.at_x(x), bottom + 17,
                 tick_label(x, xs.size() > 1 ? xs[1] - xs[0] : 1));
  }
  svg += line("axis", kLeft, bottom, right, bottom);
  return svg + label("middle", (kLeft + right) / 2, kHeight - 6, plot.x_label);
}

std::string draw_series(const Points& points, std::size_t index, Marks marks, const Scale& scale) {
  const std::string colour = "s" + std::to_string(index % kColours + 1);
  std::string path, dots;
  for (const auto& [x, y] : points) {
    const std::string px = number(scale.at_x(x)), py = number(scale.at_y(y));
    path += (path.empty() ? "" : " ") + px + "," + py;
    if (marks == Marks::lines_and_points || points.size() == 1)
      dots += "<circle class=\"dot " + colour + "\" cx=\"" + px + "\" cy=\"" + py + "\" r=\"3\"/>";
  }
  return "<polyline class=\"curve " + colour + "\" points=\"" + path + "\"/>" + dots;
}

std::string legend(const Plot& plot) {
  if (plot.series.size() < 2) return "";
  std::string html = "<span class=\"legend\">";
  for (std::size_t i = 0; i < plot.series.size(); ++i)
    html += "<span><i class=\"key s" + std::to_string(i % kColours + 1) + "\"></i>" +
            escape_html(plot.series[i].name) + "</span>";
  return html + "</span>";
}

constexpr double kAbove = 46;  // of a plot that stands alone, for title and legend

// What a page shows beside the plot, for when it stands alone: on white, above the frame.
std::string drawn_legend(const Plot& plot) {
  std::string svg = "<g class=\"alone\"><rect class=\"back\" x=\"0\" y=\"" + number(-kAbove) +
                    "\" width=\"" + number(kWidth) + "\" height=\"" + number(kHeight + kAbove) +
                    "\"/><text class=\"title\" x=\"" + number(kLeft) + "\" y=\"-26\">" +
                    escape_html(plot.title) + "</text>";
  if (plot.series.size() > 1) {
    double x = kLeft;
    for (std::size_t i = 0; i < plot.series.size(); ++i) {
      svg += line(("curve s" + std::to_string(i % kColours + 1)).c_str(), x, -11, x + 16, -11) +
             "<text class=\"tick\" x=\"" + number(x + 21) + "\" y=\"-7\">" +
             escape_html(plot.series[i].name) + "</text>";
      x += 36 + 6.5 * static_cast<double>(plot.series[i].name.size());
    }
  }
  return svg + "</g>";
}

// The inside of the <svg>; empty where there is nothing to draw.
std::string draw_inside(const Plot& plot) {
  std::vector<Points> drawn;
  Scale scale;
  for (const Series& series : plot.series) {
    drawn.push_back(thin(series.points));
    for (const auto& [x, y] : drawn.back()) {
      scale.x.take(x);
      scale.y.take(y);
    }
  }
  if (scale.x.low > scale.x.high) return "";
  scale.x.widen(scale.x.high > scale.x.low ? .01 : 0);
  scale.y.widen(.06);
  std::string svg = axes(plot, scale);
  for (std::size_t i = 0; i < drawn.size(); ++i)
    if (!drawn[i].empty()) svg += draw_series(drawn[i], i, plot.marks, scale);
  return drawn_legend(plot) + svg;
}

std::string view_box(double above) {
  return "0 " + base::fixed(-above, 0) + " " + base::fixed(kWidth, 0) + " " +
         base::fixed(kHeight + above, 0);
}

}  // namespace

const char* const kPlotStyle =
    "text{font-family:system-ui,Arial,sans-serif;font-size:12px;fill:#646a73}"
    ".title{font-size:14px;font-weight:600;fill:#22252a}.back{fill:#ffffff}"
    ".axis{stroke:#646a73;stroke-width:1}.grid{stroke:#e2dfd9;stroke-width:1}"
    ".curve{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}"
    ".curve.s1{stroke:#2f6fb5}.curve.s2{stroke:#d9772b}.curve.s3{stroke:#2f8f6b}"
    ".curve.s4{stroke:#9b5fb0}.curve.s5{stroke:#b59a1f}.curve.s6{stroke:#c2477f}"
    ".dot.s1{fill:#2f6fb5}.dot.s2{fill:#d9772b}.dot.s3{fill:#2f8f6b}"
    ".dot.s4{fill:#9b5fb0}.dot.s5{fill:#b59a1f}.dot.s6{fill:#c2477f}";

std::string draw_plot(const Plot& plot, const std::string& name) {
  const std::string inside = draw_inside(plot);
  if (inside.empty()) return "";
  return "<figure" + (name.empty() ? "" : " data-name=\"" + name + "\"") + "><figcaption>" +
         escape_html(plot.title) + legend(plot) + "</figcaption><svg viewBox=\"" + view_box(0) +
         "\" data-alone=\"" + view_box(kAbove) + "\" role=\"img\" aria-label=\"" +
         escape_html(plot.title) + "\">" + inside + "</svg></figure>\n";
}

std::string plot_file(const Plot& plot) {
  const std::string inside = draw_inside(plot);
  if (inside.empty()) return "";
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"" + view_box(kAbove) + "\" width=\"" +
         base::fixed(kWidth, 0) + "\" height=\"" + base::fixed(kHeight + kAbove, 0) + "\"><style>" +
         kPlotStyle + "</style>" + inside + "</svg>\n";
}

std::vector<double> ticks(double low, double high, int count) {
  const double raw = (high - low) / std::max(count, 1);
  const double power = std::pow(10, std::floor(std::log10(raw)));
  const double lead = raw / power;
  const double step = power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
  std::vector<double> values;
  for (double i = std::ceil(low / step); i * step <= high; ++i) values.push_back(i * step);
  return values;
}

std::string tick_label(double value, double step) {
  const double digits = std::ceil(-std::log10(step) - 1e-9);
  if (std::abs(value) < step * 1e-6) return "0";
  if (std::abs(value) >= 1e4 && digits <= 0) {
    const double thousands = value / 1000;
    return base::fixed(thousands, step >= 1000 ? 0 : 1) + "k";
  }
  return base::fixed(value, static_cast<int>(std::clamp(digits, 0., 9.)));
}

}  // namespace evaluate
