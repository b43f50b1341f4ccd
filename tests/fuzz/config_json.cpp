// Any text as a model's config.json: refused, or read as a decoder or an encoder of sizes that make
// one; a decoder's says the same when it is written and read again.
#include <cstdlib>

#include "base/error.h"
#include "model/encoder_config.h"
#include "model/layout.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void read_decoder(const base::Json& json) try {
  const model::ModelConfig config = model::parse_config(json, "x");
  require(config.layers > 0 && config.heads % config.key_heads == 0 && config.head_width > 0);
  require(config.qkv_width() > 0 && config.inner > 0 && config.context <= config.positions);
  for (const model::TensorShape& tensor : model::tensor_shapes(config))
    for (const std::int64_t size : tensor.shape) require(size > 0);
  const base::Json written = model::config_json(config);
  require(model::config_json(model::parse_config(written, "again")) == written);
} catch (const base::DataError&) {
}

void read_encoder(const base::Json& json) try {
  const model::EncoderConfig config = model::parse_encoder_config(json, "x");
  require(config.layers > 0 && config.width % config.heads == 0 && config.vocabulary > 0);
  require(config.first_position >= 0 && config.longest() > 1 && config.token_types > 0);
} catch (const base::DataError&) {
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  try {
    const base::Json json =
        base::parse_json(std::string_view(reinterpret_cast<const char*>(data), size), "x");
    read_decoder(json);
    read_encoder(json);
  } catch (const base::DataError&) {
  }
  return 0;
}
