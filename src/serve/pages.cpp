#include "serve/pages.h"

#include <algorithm>

namespace serve {
namespace {

// Nothing but the pages' own files, and nobody may put them into a frame.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

}  // namespace

const Page* find_page(std::string_view path) {
  const std::vector<Page>& pages = built_in_pages();
  const auto at =
      std::find_if(pages.begin(), pages.end(), [&](const Page& page) { return page.path == path; });
  return at == pages.end() ? nullptr : &*at;
}

HttpResponse page_response(const Page& page, const HttpRequest& request) {
  HttpResponse out;
  const std::string tag = "\"" + std::string(page.sha256.substr(0, 32)) + "\"";
  out.headers = {
      {"ETag", tag},
      {"Cache-Control", page.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
      {"Content-Security-Policy", kPolicy},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Vary", "Accept-Encoding"}};
  if (request.header("if-none-match") == tag) {
    out.status = 304;
    return out;
  }
  out.headers.emplace_back("Content-Type", std::string(page.content_type));
  const bool packed =
      !page.gzip.empty() &&
      request.header("accept-encoding").value_or("").find("gzip") != std::string_view::npos;
  if (packed) out.headers.emplace_back("Content-Encoding", "gzip");
  out.body = packed ? page.gzip : page.plain;
  return out;
}

}  // namespace serve
