#pragma once

#include <cstdint>
#include <string>

#include "feedback/store.h"

// What the commands on a feedback store share.
namespace cli {

// A whole number of 0 or more, a moment by RFC 3339 as milliseconds since 1970. An empty text is 0.
// Both throw base::UsageError naming the flag.
std::int64_t parse_count(const std::string& text, const std::string& flag);
std::int64_t parse_moment(const std::string& text, const std::string& flag);

// "erased 1 conversation, …", on standard output; a warning on standard error where bytes are left.
void print(const feedback::Erased& erased, const std::string& verb);

}  // namespace cli
