#include "model/layout.h"

#include "base/error.h"

namespace model {
namespace {

LayerModules gpt2_layer(const ModelConfig& c, const std::string& at) {
  return {at + "ln_1",
          {{at + "attn.c_attn", c.width, c.qkv_width(), true}},
          {at + "attn.c_proj", c.heads * c.head_width, c.width, true},
          at + "ln_2",
          {{at + "mlp.c_fc", c.width, c.inner, true}},
          {at + "mlp.c_proj", c.inner, c.width, true}};
}

LayerModules llama_layer(const ModelConfig& c, const std::string& at) {
  const std::int64_t queries = c.heads * c.head_width, keys = c.key_heads * c.head_width;
  return {at + "input_layernorm",
          {{at + "self_attn.q_proj", c.width, queries, c.query_bias},
           {at + "self_attn.k_proj", c.width, keys, c.query_bias},
           {at + "self_attn.v_proj", c.width, keys, c.query_bias}},
          {at + "self_attn.o_proj", queries, c.width, c.output_bias},
          at + "post_attention_layernorm",
          {{at + "mlp.gate_proj", c.width, c.inner, c.inner_bias},
           {at + "mlp.up_proj", c.width, c.inner, c.inner_bias}},
          {at + "mlp.down_proj", c.inner, c.width, c.inner_bias}};
}

}  // namespace

std::vector<Module> LayerModules::all() const {
  std::vector<Module> modules = qkv;
  modules.push_back(attention_out);
  modules.insert(modules.end(), up.begin(), up.end());
  modules.push_back(down);
  return modules;
}

LayerModules layer_modules(const ModelConfig& config, std::int64_t layer) {
  return config.family == Family::gpt2
             ? gpt2_layer(config, base::concatenate("h.", layer, "."))
             : llama_layer(config, base::concatenate("model.layers.", layer, "."));
}

OuterNames outer_names(Family family) {
  if (family == Family::gpt2) return {"wte.weight", "wpe.weight", "ln_f", "lm_head.weight"};
  return {"model.embed_tokens.weight", nullptr, "model.norm", "lm_head.weight"};
}

bool stores_inputs_first(Family family) { return family == Family::gpt2; }

std::string checkpoint_prefix(Family family) {
  return family == Family::gpt2 ? "transformer." : "";
}

std::vector<TensorShape> tensor_shapes(const ModelConfig& config) {
  const OuterNames names = outer_names(config.family);
  std::vector<TensorShape> out = {{names.embedding, {config.vocabulary, config.width}}};
  if (!config.rope) out.push_back({names.positions, {config.positions, config.width}});
  const auto add_norm = [&](const std::string& name) {
    out.push_back({name + ".weight", {config.width}});
    if (config.norm == NormKind::layer) out.push_back({name + ".bias", {config.width}});
  };
  const auto add = [&](const Module& module) {
    out.push_back({module.name + ".weight", stores_inputs_first(config.family)
                                                ? std::vector{module.in, module.out}
                                                : std::vector{module.out, module.in}});
    if (module.bias) out.push_back({module.name + ".bias", {module.out}});
  };
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const LayerModules layer = layer_modules(config, i);
    add_norm(layer.attention_norm);
    for (const Module& module : layer.qkv) add(module);
    add(layer.attention_out);
    add_norm(layer.inner_norm);
    for (const Module& module : layer.up) add(module);
    add(layer.down);
  }
  add_norm(names.final_norm);
  if (!config.tied) out.push_back({names.head, {config.vocabulary, config.width}});
  return out;
}

}  // namespace model
