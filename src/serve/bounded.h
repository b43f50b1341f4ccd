#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace serve {

// Reading what strangers send. Each throws ApiError 400 that names the part (`param`) and its
// bounds; nothing where the key is absent or null.

// The body of a request as an object. Throws 400 where it is not JSON, or nests deeper than 64.
base::Json read_body(std::string_view body);

std::optional<std::string> text_in(const base::Json& object, const std::string& key,
                                   std::size_t most_bytes);
std::optional<std::int64_t> whole_in(const base::Json& object, const std::string& key,
                                     std::int64_t least, std::int64_t most);
std::optional<double> number_in(const base::Json& object, const std::string& key, double least,
                                double most);
std::optional<bool> truth_in(const base::Json& object, const std::string& key);
// An empty object where the key is absent.
base::Json object_in(const base::Json& object, const std::string& key);
// An empty list where the key is absent.
base::Json list_in(const base::Json& object, const std::string& key, std::size_t most);
// A UUID, in lower case.
std::optional<std::string> uuid_in(const base::Json& object, const std::string& key);

}  // namespace serve
