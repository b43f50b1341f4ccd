#pragma once

#include <string>
#include <string_view>

namespace dialogue {

// A character as HTML writes it: "&amp;" for "&".
struct HtmlEntity {
  std::string_view written;
  char character;
};

// The entity that begins at `at` of the text, or null. Only those of the characters & " ' < > and
// the space are known, which is what data sets leave in their texts.
const HtmlEntity* html_entity_at(std::string_view text, std::size_t at);

// The text with its entities replaced by their characters.
std::string without_html_entities(std::string_view text);

}  // namespace dialogue
