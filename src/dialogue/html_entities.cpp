#include "dialogue/html_entities.h"

#include <algorithm>
#include <array>

namespace dialogue {
namespace {

constexpr std::array<HtmlEntity, 8> kEntities = {{{"&amp;", '&'},
                                                  {"&quot;", '"'},
                                                  {"&#39;", '\''},
                                                  {"&#039;", '\''},
                                                  {"&apos;", '\''},
                                                  {"&lt;", '<'},
                                                  {"&gt;", '>'},
                                                  {"&nbsp;", ' '}}};

}  // namespace

const HtmlEntity* html_entity_at(std::string_view text, std::size_t at) {
  if (at >= text.size() || text[at] != '&') return nullptr;
  const auto found = std::find_if(kEntities.begin(), kEntities.end(), [&](const HtmlEntity& e) {
    return text.substr(at, e.written.size()) == e.written;
  });
  return found == kEntities.end() ? nullptr : &*found;
}

std::string without_html_entities(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const HtmlEntity* entity = html_entity_at(text, i);
    out += entity ? entity->character : text[i];
    i += entity ? entity->written.size() : 1;
  }
  return out;
}

}  // namespace dialogue
