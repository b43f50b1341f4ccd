#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace serve {

// The words of a reply as they may be sent, from the pieces that a model gives: white space at the
// beginning is left out, a character that is not whole yet waits for the rest of it, and so does
// what could be the beginning of a stop text. From a stop text on nothing is sent. Bytes that are
// no UTF-8, which a model may draw, become U+FFFD.
class TextStream {
 public:
  explicit TextStream(std::vector<std::string> stops = {}) : stops_(std::move(stops)) {}

  // What may be sent now.
  std::string take(std::string_view piece);
  // What was still held back, at the end.
  std::string finish();

  bool stopped() const { return stopped_; }
  const std::string& sent() const { return sent_; }  // all of it so far

 private:
  std::string release(std::size_t bytes);

  std::vector<std::string> stops_;
  std::string held_, sent_;
  bool stopped_ = false;
};

}  // namespace serve
