// Any bytes as a tokenizer.json: refused, or a tokenizer that takes any text, gives ids of its own
// and is written and read again as the same.
#include "text/tokenizer_json.h"

#include <cstdlib>

#include "base/error.h"
#include "base/files.h"
#include "text/tokenizer_folder.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void use(const text::Tokenizer& tokenizer, std::string_view text) {
  const std::vector<int> ids = tokenizer.encode_with_added(text);
  for (const int id : ids) require(id >= 0 && id < tokenizer.size());
  for (const int id : tokenizer.encode(text)) require(id >= 0 && id < tokenizer.size());
  tokenizer.decode_for_people(ids, text::Tokenizer::ControlTokens::leave_out);
  tokenizer.encode_for_model(text, 1'000'000);
}

void read(std::string_view file) try {
  static const base::TemporaryFolder folder;
  const text::Tokenizer tokenizer = text::parse_tokenizer(file, "x");
  use(tokenizer, file.substr(0, 2000));
  use(tokenizer, "It's 1995,\u00A0caf\u00E9 e\u0301 \u4E16\xFF <t>");
  text::write_tokenizer(folder.path(), tokenizer);
  require(text::read_tokenizer(folder.path()).vocabulary() == tokenizer.vocabulary());
} catch (const base::DataError&) {
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  read({reinterpret_cast<const char*>(data), size});
  return 0;
}
