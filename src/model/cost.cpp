#include "model/cost.h"

#include "kernels/attention.h"

namespace model {

base::Work forward_work(const ModelConfig& config, const Packed& packed, std::int64_t predictions) {
  const auto width = static_cast<double>(config.width), inner = static_cast<double>(config.inner),
             mixed = static_cast<double>(config.heads * config.head_width),
             tokens = static_cast<double>(packed.ids.size(0));
  const double layer = width * static_cast<double>(config.qkv_width()) + mixed * width +
                       (config.gated ? 3 : 2) * width * inner;
  const kernels::Segments segments{packed.bounds, packed.prefix};
  double seen = 0;  // pairs of tokens of which the later sees the earlier
  for (std::int64_t i = 0; i + 1 < static_cast<std::int64_t>(packed.bounds.size()); ++i) {
    const auto length = static_cast<double>(segments.length(i)),
               before = static_cast<double>(segments.before(i));
    seen += length * (before + (length + 1) / 2);
  }
  return {
      .tokens = tokens,
      .operations = static_cast<double>(config.layers) * (2 * tokens * layer + 4 * seen * mixed) +
                    2 * static_cast<double>(predictions * config.vocabulary) * width};
}

base::Work optimiser_work(std::int64_t parameters) {
  return {.bytes = 28. * static_cast<double>(parameters)};
}

}  // namespace model
