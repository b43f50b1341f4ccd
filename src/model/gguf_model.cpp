#include "model/gguf_model.h"

#include "base/format.h"

namespace model {
namespace {

using base::Json;

constexpr std::uint32_t kMaxLayers = 1000;

std::uint32_t size_at(const Json& config, const char* key, const std::string& where) {
  const auto size = base::require<std::uint32_t>(config, key, where);
  if (size == 0) throw base::DataError(where, ": ", key, " is 0");
  return size;
}

// A number of layers, each of which is a dozen names below.
std::uint32_t layers_at(const Json& config, const char* key, const std::string& where) {
  const std::uint32_t layers = size_at(config, key, where);
  if (layers > kMaxLayers)
    throw base::DataError(where, ": ", key, " is ", layers, ", expected at most ", kMaxLayers);
  return layers;
}

// Refuses a setting that changes what the model computes and has no key in GGUF.
void require_value(const Json& config, const char* key, const Json& only,
                   const std::string& where) {
  if (config.contains(key) && !config.at(key).is_null() && config.at(key) != only)
    throw base::DataError(where, ": ", key, " is ", base::in_quotes(config.at(key).dump()),
                          ", but only ", only.dump(), " can be exported");
}

std::string layer(const char* prefix, std::uint32_t number, const char* name) {
  return prefix + std::to_string(number) + "." + name;
}

// ---- GPT-2 ----

void add_gpt2_places(GgufModel& model, std::uint32_t layers) {
  model.places = {{"wte.weight", "token_embd.weight"}, {"wpe.weight", "position_embd.weight"}};
  struct Pair {
    const char *from, *to;
    GgufLayout layout;
  };
  constexpr Pair kPairs[] = {{"ln_1", "attn_norm", GgufLayout::same},
                             {"attn.c_attn", "attn_qkv", GgufLayout::transposed},
                             {"attn.c_proj", "attn_output", GgufLayout::transposed},
                             {"ln_2", "ffn_norm", GgufLayout::same},
                             {"mlp.c_fc", "ffn_up", GgufLayout::transposed},
                             {"mlp.c_proj", "ffn_down", GgufLayout::transposed}};
  for (std::uint32_t i = 0; i < layers; ++i)
    for (const Pair& pair : kPairs) {
      const std::string from = layer("h.", i, pair.from), to = layer("blk.", i, pair.to);
      model.places.push_back({from + ".weight", to + ".weight", pair.layout});
      model.places.push_back({from + ".bias", to + ".bias"});
    }
  model.places.push_back({"ln_f.weight", "output_norm.weight"});
  model.places.push_back({"ln_f.bias", "output_norm.bias"});
  // llama.cpp of 2024 asks for an output layer of GPT-2 even where it is the embedding.
  model.places.push_back({model.tied ? "wte.weight" : "lm_head.weight", "output.weight"});
}

void describe_gpt2(GgufModel& model, GgufMetadata& metadata, const Json& config,
                   const std::string& where) {
  require_value(config, "activation_function", "gelu_new", where);
  require_value(config, "scale_attn_weights", true, where);
  require_value(config, "scale_attn_by_inverse_layer_idx", false, where);
  require_value(config, "add_cross_attention", false, where);
  const std::uint32_t width = size_at(config, "n_embd", where);
  const std::uint32_t layers = layers_at(config, "n_layer", where);
  model.heads = model.key_heads = size_at(config, "n_head", where);
  model.tied = base::optional<bool>(config, "tie_word_embeddings", where).value_or(true);
  metadata.add_number("gpt2.block_count", layers);
  metadata.add_number("gpt2.context_length", size_at(config, "n_positions", where));
  metadata.add_number("gpt2.embedding_length", width);
  metadata.add_number("gpt2.feed_forward_length",
                      base::optional<std::uint32_t>(config, "n_inner", where).value_or(4 * width));
  metadata.add_number("gpt2.attention.head_count", static_cast<std::uint32_t>(model.heads));
  metadata.add_float("gpt2.attention.layer_norm_epsilon",
                     base::require<float>(config, "layer_norm_epsilon", where));
  add_gpt2_places(model, layers);
}

// ---- Llama and Qwen 2 ----

void add_llama_places(GgufModel& model, std::uint32_t layers) {
  const bool llama = model.architecture == "llama";
  const auto query = llama ? GgufLayout::query_paired : GgufLayout::same;
  const auto key = llama ? GgufLayout::key_paired : GgufLayout::same;
  model.places = {{"embed_tokens.weight", "token_embd.weight"}};
  struct Pair {
    const char *from, *to;
    GgufLayout layout;
    bool needed;
  };
  const Pair pairs[] = {
      {"input_layernorm.weight", "attn_norm.weight", GgufLayout::same, true},
      {"self_attn.q_proj.weight", "attn_q.weight", query, true},
      {"self_attn.q_proj.bias", "attn_q.bias", query, !llama},
      {"self_attn.k_proj.weight", "attn_k.weight", key, true},
      {"self_attn.k_proj.bias", "attn_k.bias", key, !llama},
      {"self_attn.v_proj.weight", "attn_v.weight", GgufLayout::same, true},
      {"self_attn.v_proj.bias", "attn_v.bias", GgufLayout::same, !llama},
      {"self_attn.o_proj.weight", "attn_output.weight", GgufLayout::same, true},
      {"self_attn.o_proj.bias", "attn_output.bias", GgufLayout::same, false},
      {"post_attention_layernorm.weight", "ffn_norm.weight", GgufLayout::same, true},
      {"mlp.gate_proj.weight", "ffn_gate.weight", GgufLayout::same, true},
      {"mlp.gate_proj.bias", "ffn_gate.bias", GgufLayout::same, false},
      {"mlp.up_proj.weight", "ffn_up.weight", GgufLayout::same, true},
      {"mlp.up_proj.bias", "ffn_up.bias", GgufLayout::same, false},
      {"mlp.down_proj.weight", "ffn_down.weight", GgufLayout::same, true},
      {"mlp.down_proj.bias", "ffn_down.bias", GgufLayout::same, false}};
  for (std::uint32_t i = 0; i < layers; ++i)
    for (const Pair& pair : pairs)
      model.places.push_back(
          {layer("layers.", i, pair.from), layer("blk.", i, pair.to), pair.layout, pair.needed});
  model.places.push_back({"norm.weight", "output_norm.weight"});
  if (!model.tied) model.places.push_back({"lm_head.weight", "output.weight"});
}

// The settings of the rotary positions, which transformers 5 keeps in one place and older versions
// in two.
Json rope_settings(const Json& config) {
  for (const char* key : {"rope_parameters", "rope_scaling"})
    if (config.contains(key) && config.at(key).is_object()) {
      Json rope = config.at(key);
      if (!rope.contains("rope_theta") && config.contains("rope_theta"))
        rope["rope_theta"] = config.at("rope_theta");
      if (!rope.contains("rope_type") && rope.contains("type")) rope["rope_type"] = rope["type"];
      return rope;
    }
  Json rope = Json::object();
  if (config.contains("rope_theta")) rope["rope_theta"] = config.at("rope_theta");
  return rope;
}

void describe_rope(GgufModel& model, GgufMetadata& metadata, const Json& config,
                   std::uint32_t head_width, const std::string& file) {
  const Json rope = rope_settings(config);
  const std::string where = file + ": the rotary positions";
  const std::string name = model.architecture + ".rope.";
  const std::string kind =
      base::optional<std::string>(rope, "rope_type", where).value_or("default");
  const double base = base::optional<double>(rope, "rope_theta", where).value_or(10000);
  metadata.add_float(name + "freq_base", static_cast<float>(base));
  if (model.architecture == "llama") metadata.add_number(name + "dimension_count", head_width);
  if (kind == "default") return;
  const double factor = base::require<double>(rope, "factor", where);
  const auto old_context =
      base::optional<std::uint32_t>(rope, "original_max_position_embeddings", where);
  if (kind == "llama3" && model.architecture == "llama") {
    model.rope = GgufRope{base,
                          head_width,
                          factor,
                          base::require<double>(rope, "low_freq_factor", where),
                          base::require<double>(rope, "high_freq_factor", where),
                          static_cast<double>(old_context.value_or(8192))};
    if (!(factor > 0) || !(model.rope->high_factor > model.rope->low_factor) ||
        !(model.rope->low_factor > 0))
      throw base::DataError(where, ": the factors are not above 0 and in order");
    return;
  }
  if (kind != "linear" && kind != "yarn")
    throw base::DataError(where, " are ", base::in_quotes(kind), ", which cannot be exported for ",
                          model.architecture);
  metadata.add_text(name + "scaling.type", kind);
  metadata.add_float(name + "scaling.factor", static_cast<float>(factor));
  if (kind == "yarn")
    metadata.add_number(name + "scaling.original_context_length",
                        old_context.value_or(size_at(config, "max_position_embeddings", file)));
}

void describe_llama(GgufModel& model, GgufMetadata& metadata, const Json& config,
                    const std::string& where) {
  const std::string& name = model.architecture;
  require_value(config, "hidden_act", "silu", where);
  require_value(config, "use_sliding_window", false, where);
  const std::uint32_t width = size_at(config, "hidden_size", where);
  const std::uint32_t layers = layers_at(config, "num_hidden_layers", where);
  const std::uint32_t heads = size_at(config, "num_attention_heads", where);
  const std::uint32_t key_heads =
      base::optional<std::uint32_t>(config, "num_key_value_heads", where).value_or(heads);
  const auto head_width = base::optional<std::uint32_t>(config, "head_dim", where);
  if (key_heads == 0 || heads % key_heads != 0)
    throw base::DataError(where, ": ", heads, " heads share ", key_heads, " heads of keys");
  model.heads = heads;
  model.key_heads = key_heads;
  model.tied = base::optional<bool>(config, "tie_word_embeddings", where).value_or(false);
  metadata.add_number(name + ".block_count", layers);
  metadata.add_number(name + ".context_length", size_at(config, "max_position_embeddings", where));
  metadata.add_number(name + ".embedding_length", width);
  metadata.add_number(name + ".feed_forward_length", size_at(config, "intermediate_size", where));
  metadata.add_number(name + ".attention.head_count", heads);
  metadata.add_number(name + ".attention.head_count_kv", key_heads);
  metadata.add_float(name + ".attention.layer_norm_rms_epsilon",
                     base::require<float>(config, "rms_norm_eps", where));
  if (head_width) {
    metadata.add_number(name + ".attention.key_length", *head_width);
    metadata.add_number(name + ".attention.value_length", *head_width);
  }
  if (name == "llama")
    metadata.add_number("llama.vocab_size", size_at(config, "vocab_size", where));
  describe_rope(model, metadata, config, head_width.value_or(width / heads), where);
  add_llama_places(model, layers);
}

}  // namespace

GgufModel describe_gguf_model(GgufMetadata& metadata, const Json& config,
                              const std::string& where) {
  GgufModel model;
  model.architecture = base::require<std::string>(config, "model_type", where);
  if (model.architecture != "gpt2" && model.architecture != "llama" &&
      model.architecture != "qwen2")
    throw base::DataError(where, ": model_type is ", base::in_quotes(model.architecture),
                          "; gpt2, llama and qwen2 can be exported");
  model.vocabulary = size_at(config, "vocab_size", where);
  metadata.add_text("general.architecture", model.architecture);
  if (model.architecture == "gpt2")
    describe_gpt2(model, metadata, config, where);
  else
    describe_llama(model, metadata, config, where);
  return model;
}

}  // namespace model
