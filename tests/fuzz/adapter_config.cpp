// Any text as adapter_config.json: refused, or read to a rank, a scale and rows that make an
// adapter.
#include "model/adapter_config.h"

#include <cmath>
#include <cstdlib>

#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  try {
    const model::AdapterConfig config = model::parse_adapter_config(
        base::parse_json(std::string_view(reinterpret_cast<const char*>(data), size), "x"), "x");
    const model::LoraSettings& settings = config.settings;
    if (settings.rank < 1 || settings.targets.empty() || !std::isfinite(settings.alpha) ||
        !(settings.dropout >= 0 && settings.dropout < 1) || config.first_row < 0 || config.rows < 0)
      std::abort();
  } catch (const base::DataError&) {
  }
  return 0;
}
