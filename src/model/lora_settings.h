#pragma once

#include <string>
#include <vector>

namespace model {

// Low-rank adaptation (Hu et al. 2022): a module's output gains scale * (x A) B.
struct LoraSettings {
  int rank = 0;  // 0: no adapter, all weights are trained
  double alpha = 16;
  double dropout = 0;
  std::vector<std::string> targets = {};  // empty: the queries', keys' and values' modules

  template <class F>
  void fields(F&& field) {
    field("rank", rank, "of the adapters; 0: none, all weights are trained");
    field("alpha", alpha, "what an adapter adds is multiplied by alpha / rank");
    field("dropout", dropout, "of what an adapter reads, in supervised fine-tuning");
    field(
        "targets", targets,
        "the modules that get one, by the end of their names, e.g. c_attn or q_proj; empty: those "
        "of queries, keys and values; all-linear: every one");
  }
};

}  // namespace model
