#include "serve/text_stream.h"

#include <algorithm>

#include "text/unicode.h"

namespace serve {
namespace {

// Bytes at the end that begin a UTF-8 character without ending it.
std::size_t unfinished_bytes(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;  // goes on with a character
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

// The longest end of `text` that some stop text begins with.
std::size_t begun_stop(std::string_view text, const std::vector<std::string>& stops) {
  std::size_t longest = 0;
  for (const std::string& stop : stops)
    for (std::size_t n = std::min(stop.size() - 1, text.size()); n > longest; --n)
      if (text.substr(text.size() - n) == std::string_view(stop).substr(0, n)) longest = n;
  return longest;
}

}  // namespace

std::string TextStream::take(std::string_view piece) {
  if (stopped_) return "";
  held_ += piece;
  if (sent_.empty()) held_.erase(0, std::min(held_.find_first_not_of(" \n\t"), held_.size()));
  std::size_t stop = std::string::npos;
  for (const std::string& one : stops_) stop = std::min(stop, held_.find(one));
  if (stop != std::string::npos) {
    stopped_ = true;
    std::string out = release(stop);
    held_.clear();
    return out;
  }
  return release(held_.size() - std::max(unfinished_bytes(held_), begun_stop(held_, stops_)));
}

std::string TextStream::finish() { return release(held_.size()); }

std::string TextStream::release(std::size_t bytes) {
  std::string out = text::replace_invalid(std::string_view(held_).substr(0, bytes));
  held_.erase(0, bytes);
  sent_ += out;
  return out;
}

}  // namespace serve
