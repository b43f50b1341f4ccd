// Any JSON as the config and the tokenizer of a model to be exported: refused, or made into a
// file's head.
#include "base/error.h"
#include "model/gguf_model.h"
#include "model/gguf_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  try {
    const base::Json json =
        base::parse_json(std::string_view(reinterpret_cast<const char*>(data), size), "x");
    const auto part = [&](const char* key) {
      return json.is_object() && json.contains(key) ? json.at(key) : base::Json::object();
    };
    try {
      model::GgufMetadata metadata;
      const auto model = model::describe_gguf_model(metadata, part("config"), "x");
      model::format_gguf_head(metadata, {});
    } catch (const base::DataError&) {
    }
    model::GgufMetadata metadata;
    model::add_gguf_tokenizer(metadata,
                              {part("tokenizer"), part("settings"), part("config"), "", "x"}, 64);
  } catch (const base::DataError&) {
  }
  return 0;
}
