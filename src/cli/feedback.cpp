#include "cli/feedback.h"

#include <charconv>
#include <iostream>

#include "base/error.h"
#include "base/time.h"

namespace cli {

std::int64_t parse_count(const std::string& text, const std::string& flag) {
  std::int64_t value = 0;
  if (text.empty()) return value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    throw base::UsageError(flag, " is \"", text, "\", expected a whole number of 0 or more");
  return value;
}

std::int64_t parse_moment(const std::string& text, const std::string& flag) {
  if (text.empty()) return 0;
  const auto at = base::parse_rfc3339(text);
  if (!at)
    throw base::UsageError(flag, " is \"", text, "\", expected a moment like 2026-11-25T09:30:00Z");
  return *at;
}

void print(const feedback::Erased& erased, const std::string& verb) {
  std::cout << verb << " " << erased.conversations << " conversations, " << erased.turns
            << " turns, " << erased.decisions << " decisions, " << erased.events << " events, "
            << erased.consents << " consents\n";
  if (!erased.scrubbed)
    std::cerr << "attune: their bytes are still in the file, since another process reads it; they "
                 "go with the next erasure or a server's start\n";
}

}  // namespace cli
