#pragma once

#include <string_view>
#include <vector>

#include "serve/http.h"

namespace serve {

// A file of the pages (web/), as it was built into the program.
struct Page {
  std::string_view path;  // of its URL
  std::string_view content_type;
  std::string_view sha256;       // of `plain`
  bool immutable = false;        // its name changes with its content
  std::string_view plain, gzip;  // gzip may be empty
};

// All of them; none where the program was built without pages.
const std::vector<Page>& built_in_pages();

// The page of a path, or null.
const Page* find_page(std::string_view path);

// Whole or packed as the request allows; 304 where the client has it.
HttpResponse page_response(const Page& page, const HttpRequest& request);

}  // namespace serve
