#include "evaluate/html.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/format.h"
#include "text/unicode.h"

namespace evaluate {

std::string escape_html(std::string_view page_text) {
  std::string out;
  out.reserve(page_text.size());
  for (std::size_t at = 0; at < page_text.size();) {
    const text::CodePoint code_point = text::code_point_at(page_text, at);
    const std::string_view bytes = page_text.substr(at, code_point.length);
    at += code_point.length;
    if (code_point.value == text::kInvalid) {
      out += "\uFFFD";  // a reply may end within a character
    } else if (bytes == "&") {
      out += "&amp;";
    } else if (bytes == "<") {
      out += "&lt;";
    } else if (bytes == ">") {
      out += "&gt;";
    } else if (bytes == "\"") {
      out += "&quot;";
    } else if (bytes == "'") {
      out += "&#39;";
    } else if (code_point.value >= ' ' || bytes == "\n" || bytes == "\t") {
      out += bytes;
    }
  }
  return out;
}

std::string element(const std::string& tag, const std::string& content, const std::string& style) {
  return "<" + tag + (style.empty() ? "" : " class=\"" + style + "\"") + ">" + content + "</" +
         tag + ">\n";
}

std::string paragraph(const std::string& text, const std::string& style) {
  return element("p", escape_html(text), style);
}

std::string warnings(const std::vector<std::string>& texts) {
  std::string html;
  for (const std::string& text : texts) html += paragraph(text);
  return html.empty() ? "" : element("div", html, "warnings");
}

std::string plain_text(const std::string& html) {
  constexpr std::pair<std::string_view, char> kReferences[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
  std::string out;
  for (std::size_t at = 0; at < html.size();) {
    std::size_t length = 1;
    char shown = html[at];
    if (html[at] == '<') {
      at = std::min(html.find('>', at), html.size() - 1) + 1;
      continue;
    }
    for (const auto& [reference, character] : kReferences)
      if (std::string_view(html).substr(at, reference.size()) == reference) {
        length = reference.size();
        shown = character;
      }
    out += shown;
    at += length;
  }
  return out;
}

Cell text_cell(const std::string& text) { return {escape_html(text), ""}; }
Cell number_cell(const std::optional<double>& value, int digits) {
  return {value && std::isfinite(*value) ? base::fixed(*value, digits) : "–", ""};
}

std::string interval_text(const std::optional<double>& low, const std::optional<double>& high,
                          int digits) {
  if (!low || !high) return "–";
  return "[" + base::fixed(*low, digits) + ", " + base::fixed(*high, digits) + "]";
}

std::string interval_picture(double low, double estimate, double high, double reach) {
  const auto x = [&](double value) {
    return base::fixed(90 + 86 * std::clamp(value / reach, -1., 1.), 1);
  };
  return "<svg class=\"interval\" viewBox=\"0 0 180 18\" aria-hidden=\"true\"><line class=\"zero\" "
         "x1=\"90\" x2=\"90\" y1=\"0\" y2=\"18\"/><line class=\"range\" x1=\"" +
         x(low) + "\" x2=\"" + x(high) + "\" y1=\"9\" y2=\"9\"/><circle cx=\"" + x(estimate) +
         "\" cy=\"9\" r=\"3.5\"/></svg>";
}

std::string table(const std::vector<std::string>& header,
                  const std::vector<std::vector<Cell>>& rows) {
  std::string head, body;
  for (const std::string& name : header) head += "<th>" + escape_html(name) + "</th>";
  for (const std::vector<Cell>& row : rows) {
    std::string cells;
    for (const Cell& cell : row)
      cells += "<td" + (cell.style.empty() ? "" : " class=\"" + cell.style + "\"") + ">" +
               cell.html + "</td>";
    body += "<tr>" + cells + "</tr>\n";
  }
  return "<div class=\"table\"><table><thead><tr>" + head + "</tr></thead><tbody>\n" + body +
         "</tbody></table></div>\n";
}

}  // namespace evaluate
