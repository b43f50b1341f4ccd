#include "model/encoder_config.h"

#include "base/error.h"

namespace model {
namespace {

constexpr std::int64_t kMostLayers = 1000, kMostSize = std::int64_t{1} << 31;

std::int64_t within(const char* key, std::int64_t value, std::int64_t least, std::int64_t most,
                    const std::string& where) {
  if (value < least || value > most)
    throw base::DataError(where, ": ", key, " is ", value, ", expected ", least, " to ", most);
  return value;
}

// Refuses the model unless the key is missing, null, or has the one value that is built.
void expect(const base::Json& json, const char* key, const base::Json& built,
            const std::string& where) {
  if (json.contains(key) && !json[key].is_null() && json[key] != built)
    throw base::DataError(where, ": ", key, " is ", json[key].dump(),
                          ", which is not supported; expected ", built.dump());
}

std::vector<std::string> label_names(const base::Json& json, const std::string& where) {
  if (!json.contains("id2label") || json["id2label"].is_null())
    return {"LABEL_0", "LABEL_1"};  // transformers does not write its default
  const base::Json& names = json["id2label"];
  if (!names.is_object()) throw base::DataError(where, ": id2label is no object");
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < names.size(); ++i)
    labels.push_back(base::require<std::string>(names, std::to_string(i), where + ": id2label"));
  return labels;
}

}  // namespace

EncoderConfig parse_encoder_config(const base::Json& json, const std::string& where) {
  const auto type = base::require<std::string>(json, "model_type", where);
  if (type != "bert" && type != "roberta" && type != "xlm-roberta")
    throw base::DataError(where, ": model_type is \"", type,
                          "\", expected bert, roberta or xlm-roberta");
  refuse_quantised(json, where);
  expect(json, "position_embedding_type", "absolute", where);
  expect(json, "is_decoder", false, where);
  expect(json, "add_cross_attention", false, where);
  const auto size = [&](const char* key, std::int64_t most) {
    return within(key, base::require<std::int64_t>(json, key, where), 1, most, where);
  };
  EncoderConfig config;
  config.roberta = type != "bert";
  config.layers = size("num_hidden_layers", kMostLayers);
  config.heads = size("num_attention_heads", kMostSize);
  config.width = size("hidden_size", kMostSize);
  config.inner = size("intermediate_size", kMostSize);
  config.positions = size("max_position_embeddings", kMostSize);
  config.vocabulary = size("vocab_size", kMostSize);
  const auto types = base::optional<std::int64_t>(json, "type_vocab_size", where);
  config.token_types = within("type_vocab_size", types.value_or(2), 1, kMostSize, where);
  config.norm_epsilon = base::optional<double>(json, "layer_norm_eps", where).value_or(1e-12);
  if (!(config.norm_epsilon > 0 && config.norm_epsilon < 1))
    throw base::DataError(where, ": layer_norm_eps is ", config.norm_epsilon,
                          ", expected a small number above 0");
  if (config.width % config.heads != 0)
    throw base::DataError(where, ": hidden_size ", config.width, " is no multiple of ",
                          config.heads, " heads");
  const auto padding = base::optional<std::int64_t>(json, "pad_token_id", where).value_or(1);
  if (config.roberta)
    config.first_position = within("pad_token_id", padding, 0, kMostSize, where) + 1;
  if (config.longest() < 2)
    throw base::DataError(where, ": max_position_embeddings is ", config.positions,
                          ", which leaves no room for a text");
  config.activation =
      parse_activation(base::optional<std::string>(json, "hidden_act", where).value_or("gelu"),
                       where + ": hidden_act");
  config.labels = label_names(json, where);
  return config;
}

}  // namespace model
