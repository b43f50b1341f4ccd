#include "model/config.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace model {
namespace {

constexpr std::int64_t kMostLayers = 1000, kMostSize = std::int64_t{1} << 31;

struct Named {
  const char* name;
  Activation activation;
};
// gelu_fast is gelu_new's polynomial in another order.
constexpr Named kActivations[] = {
    {"gelu_new", Activation::gelu_tanh},  {"gelu_pytorch_tanh", Activation::gelu_tanh},
    {"gelu_fast", Activation::gelu_tanh}, {"gelu", Activation::gelu},
    {"relu", Activation::relu},           {"silu", Activation::silu},
    {"swish", Activation::silu}};

// The keys of one config.json, and how to complain about them.
class Reader {
 public:
  Reader(const base::Json& json, const std::string& where) : json_(json), where_(where) {}

  template <class T>
  T need(const char* key) const {
    return base::require<T>(json_, key, where_);
  }
  // null counts as missing.
  template <class T>
  T get(const char* key, T otherwise) const {
    return base::optional<T>(json_, key, where_).value_or(otherwise);
  }
  bool has(const char* key) const { return json_.contains(key) && !json_.at(key).is_null(); }

  // Refuses the model unless the key is missing or has the one value that is built.
  template <class T>
  void expect(const char* key, T built) const {
    if (get<T>(key, built) == built) return;
    throw base::DataError(where_, ": ", key, " is ", json_.at(key).dump(),
                          ", which is not supported; expected ", base::Json(built).dump());
  }

  Activation activation(const char* key, const char* otherwise) const {
    return parse_activation(get<std::string>(key, otherwise), where_ + ": " + key);
  }

  const base::Json& json() const { return json_; }
  const std::string& where() const { return where_; }

 private:
  const base::Json& json_;
  const std::string& where_;
};

ModelConfig read_gpt2(const Reader& read) {
  ModelConfig config;
  config.layers = read.need<std::int64_t>("n_layer");
  config.heads = read.need<std::int64_t>("n_head");
  config.width = read.need<std::int64_t>("n_embd");
  config.inner = read.get<std::int64_t>("n_inner", 0);
  config.positions = read.get<std::int64_t>("n_positions", 1024);
  config.norm_epsilon = read.get<double>("layer_norm_epsilon", 1e-5);
  config.activation = read.activation("activation_function", "gelu_new");
  config.scale_scores = read.get<bool>("scale_attn_weights", true);
  config.scale_by_layer = read.get<bool>("scale_attn_by_inverse_layer_idx", false);
  config.tied = read.get<bool>("tie_word_embeddings", true);
  // reorder_and_upcast_attn asks for scores in fp32, which is how they are always summed here.
  read.get<bool>("reorder_and_upcast_attn", false);
  read.expect("add_cross_attention", false);
  return config;
}

double positive(const Reader& read, const char* key) {
  const auto value = read.need<double>(key);
  if (!(value > 0 && value < 1e12))
    throw base::DataError(read.where(), ": ", key, " is ", read.json().at(key).dump(),
                          ", expected a number above 0");
  return value;
}

// transformers 4 writes rope_theta beside rope_scaling, 5 both in rope_parameters.
Rope read_rope(const Reader& read, std::int64_t positions) {
  Rope rope;
  if (read.has("rope_theta")) rope.theta = positive(read, "rope_theta");
  read.expect("partial_rotary_factor", 1.0);
  const char* key = read.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  if (!read.has(key)) return rope;
  const base::Json& json = read.json().at(key);
  const std::string where = read.where() + ": " + key;
  if (!json.is_object()) throw base::DataError(where, " is no object");
  for (const auto& [name, value] : json.items())
    if (value.is_object())
      throw base::DataError(where, " differs between kinds of layers, which is not supported");
  const Reader scaling(json, where);
  if (scaling.has("rope_theta")) rope.theta = positive(scaling, "rope_theta");
  scaling.expect("partial_rotary_factor", 1.0);
  const auto type =
      scaling.get<std::string>(scaling.has("rope_type") ? "rope_type" : "type", "default");
  if (type == "default") return rope;
  if (type != "linear" && type != "llama3")
    throw base::DataError(where, ": rope_type is \"", type,
                          "\", expected default, linear or llama3");
  rope.factor = positive(scaling, "factor");
  if (type == "llama3") {
    rope.llama3 =
        Llama3Rope{positive(scaling, "low_freq_factor"), positive(scaling, "high_freq_factor"),
                   scaling.has("original_max_position_embeddings")
                       ? positive(scaling, "original_max_position_embeddings")
                       : static_cast<double>(positions)};
    if (rope.llama3->high_frequency_factor <= rope.llama3->low_frequency_factor)
      throw base::DataError(where, ": high_freq_factor must be above low_freq_factor");
  }
  return rope;
}

ModelConfig read_llama(const Reader& read, Family family) {
  const bool qwen = family == Family::qwen2;
  ModelConfig config;
  config.family = family;
  config.layers = read.need<std::int64_t>("num_hidden_layers");
  config.heads = read.need<std::int64_t>("num_attention_heads");
  config.key_heads = read.get<std::int64_t>("num_key_value_heads", 0);
  config.width = read.need<std::int64_t>("hidden_size");
  config.head_width = read.get<std::int64_t>("head_dim", 0);
  config.inner = read.need<std::int64_t>("intermediate_size");
  config.positions = read.get<std::int64_t>("max_position_embeddings", qwen ? 32768 : 2048);
  config.norm = NormKind::rms;
  config.norm_epsilon = read.get<double>("rms_norm_eps", 1e-6);
  config.activation = read.activation("hidden_act", "silu");
  config.gated = true;
  config.query_bias = qwen || read.get<bool>("attention_bias", false);
  config.output_bias = !qwen && read.get<bool>("attention_bias", false);
  config.inner_bias = !qwen && read.get<bool>("mlp_bias", false);
  config.rope = read_rope(read, config.positions);
  config.tied = read.get<bool>("tie_word_embeddings", false);
  read.expect("use_sliding_window", false);
  for (const auto& type : read.get<std::vector<std::string>>("layer_types", {}))
    if (type != "full_attention")
      throw base::DataError(read.where(), ": layer_types holds \"", type,
                            "\", expected full_attention only");
  return config;
}

}  // namespace

ModelConfig ModelConfig::complete(const std::string& where) const {
  ModelConfig config = *this;
  const auto need = [&](const char* what, std::int64_t value, std::int64_t most) {
    if (value < 1 || value > most)
      throw base::DataError(where, ": a model of ", value, " ", what, ", expected 1 to ", most);
  };
  need("layers", config.layers, kMostLayers);
  need("heads", config.heads, kMostSize);
  need("numbers of width", config.width, kMostSize);
  need("positions", config.positions, kMostSize);
  need("tokens", config.vocabulary, kMostSize);
  if (config.key_heads == 0) config.key_heads = config.heads;
  if (config.inner == 0) config.inner = 4 * config.width;
  if (config.context == 0) config.context = config.positions;
  need("tokens of context", config.context, config.positions);
  need("inner numbers", config.inner, kMostSize);
  need("heads of keys", config.key_heads, config.heads);
  if (config.heads % config.key_heads != 0)
    throw base::DataError(where, ": ", config.heads, " heads cannot share ", config.key_heads,
                          " heads of keys");
  if (config.head_width == 0) {
    if (config.width % config.heads != 0)
      throw base::DataError(where, ": a width of ", config.width, " is no multiple of ",
                            config.heads, " heads");
    config.head_width = config.width / config.heads;
  }
  need("numbers a head", config.head_width, 256);
  if (config.rope && config.head_width % 2 != 0)
    throw base::DataError(where, ": rotary positions need an even head width, found ",
                          config.head_width);
  if (!(config.norm_epsilon > 0 && config.norm_epsilon < 1))
    throw base::DataError(where, ": the norms' epsilon is ", config.norm_epsilon,
                          ", expected a small number above 0");
  return config;
}

ModelConfig gpt2_config(std::int64_t layers, std::int64_t heads, std::int64_t width,
                        std::int64_t positions, std::int64_t vocabulary) {
  ModelConfig config;
  config.layers = layers;
  config.heads = heads;
  config.width = width;
  config.positions = positions;
  config.vocabulary = vocabulary;
  return config.complete("model");
}

ModelConfig parse_config(const base::Json& json, const std::string& where) {
  const Reader read(json, where);
  const auto type = read.need<std::string>("model_type");
  refuse_quantised(json, where);
  ModelConfig config;
  if (type == "gpt2")
    config = read_gpt2(read);
  else if (type == "llama")
    config = read_llama(read, Family::llama);
  else if (type == "qwen2")
    config = read_llama(read, Family::qwen2);
  else
    throw base::DataError(where, ": model_type is \"", type, "\", expected gpt2, llama or qwen2");
  config.vocabulary = read.need<std::int64_t>("vocab_size");
  // A reward model has no output layer of words.
  for (const auto& name : read.get<std::vector<std::string>>("architectures", {}))
    if (name.ends_with("ForSequenceClassification")) config.tied = true;
  config.other = json;
  return config.complete(where);
}

base::Json config_json(const ModelConfig& given) {
  const ModelConfig config = given.complete("model");
  base::Json json = config.other;
  if (!json.contains("model_type")) {
    base::check(config.family == Family::gpt2, "only GPT-2 is made from nothing");
    json.update({{"model_type", "gpt2"},
                 {"architectures", {"GPT2LMHeadModel"}},
                 {"n_layer", config.layers},
                 {"n_head", config.heads},
                 {"n_embd", config.width},
                 {"n_inner", config.inner == 4 * config.width ? base::Json(nullptr)
                                                              : base::Json(config.inner)},
                 {"n_positions", config.positions},
                 {"activation_function", "gelu_new"},
                 {"layer_norm_epsilon", config.norm_epsilon},
                 {"tie_word_embeddings", true},
                 {"attn_pdrop", 0.0},
                 {"embd_pdrop", 0.0},
                 {"resid_pdrop", 0.0},
                 {"dtype", "float32"}});
  }
  json["vocab_size"] = config.vocabulary;
  return json;
}

const char* family_name(Family family) {
  return family == Family::gpt2 ? "gpt2" : family == Family::llama ? "llama" : "qwen2";
}

Activation parse_activation(const std::string& name, const std::string& where) {
  for (const Named& known : kActivations)
    if (name == known.name) return known.activation;
  throw base::DataError(where, " is \"", name,
                        "\", expected gelu_new, gelu_pytorch_tanh, gelu_fast, gelu, relu or silu");
}

void refuse_quantised(const base::Json& json, const std::string& where) {
  if (json.contains("quantization_config") && !json.at("quantization_config").is_null())
    throw base::DataError(where,
                          ": quantization_config: quantised weights are not supported; "
                          "export the model in float32, float16 or bfloat16");
}

}  // namespace model
