// Runs a tokenizer folder over many texts, for tests/conformance/check_tokenizers.py.
//
//   text_probe encode FOLDER            texts -> ids, added tokens looked for
//   text_probe encode-text FOLDER       texts -> ids, added tokens not looked for
//   text_probe encode-model FOLDER N    texts -> ids with the special tokens, at most N
//   text_probe decode FOLDER            ids -> text
//   text_probe decode-skip FOLDER       ids -> text without control tokens
//   text_probe extend FOLDER TO TOKEN…  writes the folder TO with more control tokens
//
// Standard input and output hold records: a 32-bit little-endian count, then as many bytes of text
// or 32-bit ids.
#include <cstdint>
#include <cstring>
#include <iostream>
#include <iterator>

#include "base/error.h"
#include "base/files.h"
#include "text/tokenizer_folder.h"

namespace {

using Ids = std::vector<int>;
static_assert(sizeof(int) == 4);

class Records {
 public:
  explicit Records(std::string bytes) : bytes_(std::move(bytes)) {}
  bool done() const { return at_ == bytes_.size(); }
  std::string text() { return take(1); }
  Ids ids() {
    const std::string bytes = take(sizeof(int));
    Ids out(bytes.size() / sizeof(int));
    std::memcpy(out.data(), bytes.data(), bytes.size());
    return out;
  }

 private:
  std::string take(std::size_t unit) {
    std::uint32_t count = 0;
    base::check(bytes_.size() - at_ >= sizeof count, "a cut record");
    std::memcpy(&count, bytes_.data() + at_, sizeof count);
    at_ += sizeof count;
    base::check((bytes_.size() - at_) / unit >= count, "a cut record");
    at_ += count * unit;
    return bytes_.substr(at_ - count * unit, count * unit);
  }

  std::string bytes_;
  std::size_t at_ = 0;
};

void append(const void* bytes, std::size_t count, std::size_t unit, std::string& out) {
  const auto records = static_cast<std::uint32_t>(count);
  out.append(reinterpret_cast<const char*>(&records), sizeof records);
  out.append(static_cast<const char*>(bytes), count * unit);
}

void extend(const text::Tokenizer& tokenizer, int argc, char** argv) {
  base::create_folder(argv[3]);
  text::write_tokenizer(argv[3], tokenizer.with_added_tokens({argv + 4, argv + argc}));
}

Ids encode(const text::Tokenizer& tokenizer, const std::string& mode, const std::string& text,
           std::size_t longest) {
  if (mode == "encode") return tokenizer.encode_with_added(text);
  if (mode == "encode-text") return tokenizer.encode(text);
  return tokenizer.encode_for_model(text, longest);
}

int run(int argc, char** argv) {
  base::check(argc >= 3, "usage: text_probe MODE FOLDER …");
  const std::string mode = argv[1];
  const text::Tokenizer tokenizer = text::read_tokenizer(argv[2]);
  if (mode == "extend") {
    extend(tokenizer, argc, argv);
    return 0;
  }
  Records in(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  std::string out;
  while (!in.done()) {
    if (mode.starts_with("decode")) {
      const std::string text = tokenizer.decode_for_people(
          in.ids(), mode == "decode" ? text::Tokenizer::ControlTokens::keep
                                     : text::Tokenizer::ControlTokens::leave_out);
      append(text.data(), text.size(), 1, out);
    } else {
      const Ids ids = encode(tokenizer, mode, in.text(), argc > 3 ? std::stoul(argv[3]) : 0);
      append(ids.data(), ids.size(), sizeof(int), out);
    }
  }
  std::cout << out;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const base::Error& error) {
    std::cerr << "text_probe: " << error.what() << "\n";
    return 1;
  }
}
