#include "evaluate/html.h"

#include <cmath>

#include "base/format.h"

namespace evaluate {

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= ' ' || c == '\n' || c == '\t') out += c;
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

Cell text_cell(const std::string& text) { return {escape_html(text), ""}; }
Cell number_cell(const std::optional<double>& value, int digits) {
  return {value && std::isfinite(*value) ? base::fixed(*value, digits) : "–", ""};
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
