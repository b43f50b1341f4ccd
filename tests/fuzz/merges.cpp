// Any bytes as a merges.txt beside a vocabulary of the bytes and all that its lines could make:
// refused, or a tokenizer that gives any text back.
#include <cstdlib>
#include <unordered_set>

#include "base/error.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer_json.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

text::VocabularySource read_lines(std::string_view file) {
  text::VocabularySource source{"x", {}, "x", ":", {}, "x", {}, {}};
  long number = 0;
  for (std::size_t begin = 0; begin < file.size();) {
    const std::size_t end = std::min(file.find('\n', begin), file.size());
    text::read_merge_line(file.substr(begin, end - begin), ++number, "x", source.merges);
    begin = end + 1;
  }
  return source;
}

void read(std::string_view file) try {
  text::VocabularySource source = read_lines(file);
  std::unordered_set<std::string> there;
  const auto add = [&](const std::string& token) {
    if (there.insert(token).second)
      source.vocabulary.emplace_back(token, static_cast<int>(source.vocabulary.size()));
  };
  for (const unsigned char byte : text::byte_order())
    add(text::to_printable(std::string(1, static_cast<char>(byte))));
  for (const auto& merge : source.merges) add(merge.left + merge.right);
  const text::Tokenizer tokenizer(text::assemble(std::move(source)));
  require(tokenizer.decode(tokenizer.encode(file)) == file);
} catch (const base::DataError&) {
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  read({reinterpret_cast<const char*>(data), size});
  return 0;
}
