#include "text/rules.h"

#include <array>
#include <utility>

#include "text/normal_form.h"

namespace text {
namespace {

void replace_all(std::string& text, std::string_view old, std::string_view with) {
  std::string out;
  std::size_t begin = 0;
  for (std::size_t at = text.find(old); at != std::string::npos; at = text.find(old, begin)) {
    out.append(text, begin, at - begin);
    out += with;
    begin = at + old.size();
  }
  if (begin == 0) return;
  text = out.append(text, begin);
}

// The order matters: each works on what the ones before made.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kCleanup = {{
    {" .", "."},
    {" ?", "?"},
    {" !", "!"},
    {" ,", ","},
    {" ' ", "'"},
    {" n't", "n't"},
    {" 'm", "'m"},
    {" do not", " don't"},
    {" 's", "'s"},
    {" 've", "'ve"},
    {" 're", "'re"},
}};

}  // namespace

std::string normalize(std::string_view text, const std::vector<NormalizerStep>& steps) {
  std::string out(text);
  for (const NormalizerStep& step : steps) {
    const auto* bert = std::get_if<BertNormalizer>(&step);
    out = bert != nullptr ? normalize(out, *bert) : to_nfc(out);
  }
  return out;
}

std::string join_pieces(const std::vector<std::string>& tokens, const WordPieceDecoder& decoder) {
  std::string out;
  bool is_first = true;
  for (const std::string& token : tokens) {
    std::string piece = token;
    if (!is_first)
      piece = token.starts_with(decoder.continuing) ? token.substr(decoder.continuing.size())
                                                    : " " + token;
    is_first = false;
    if (decoder.cleanup)
      for (const auto& [old, with] : kCleanup) replace_all(piece, old, with);
    out += piece;
  }
  return out;
}

}  // namespace text
