#include "model/gguf.h"

#include <cmath>
#include <set>

#include "base/files.h"
#include "base/format.h"
#include "model/config.h"
#include "model/gguf_model.h"
#include "model/gguf_tokenizer.h"
#include "model/weights.h"

namespace model {
namespace fs = std::filesystem;
namespace {

constexpr std::uint32_t kQuantizationVersion = 2;  // ggml's; readers ask for it in any file

// A tensor of the file with its values still as the checkpoint has them.
struct Planned {
  GgufTensor head;
  torch::Tensor values;
  GgufLayout layout = GgufLayout::same;
};

// llama.cpp's numbers for a file by the type of its matrices.
std::uint32_t file_type(GgufType type) {
  return type == GgufType::f32 ? 0 : type == GgufType::f16 ? 1 : 32;
}

torch::Dtype torch_type(GgufType type) {
  return type == GgufType::f32   ? torch::kFloat32
         : type == GgufType::f16 ? torch::kFloat16
                                 : torch::kBFloat16;
}

// Rows of each head: [2, D/2] as transformers has them to [D/2, 2]. values: [H D, …].
torch::Tensor pair_rows(const torch::Tensor& values, std::int64_t heads) {
  const auto sizes = values.sizes().vec();
  std::vector<std::int64_t> split = {heads, 2, sizes[0] / heads / 2};
  split.insert(split.end(), sizes.begin() + 1, sizes.end());
  return values.reshape(split).transpose(1, 2).reshape(sizes);  // [H, D/2, 2, …] between
}

torch::Tensor lay_out(const Planned& planned, const GgufModel& model) {
  torch::Tensor values = planned.values;
  if (planned.layout == GgufLayout::transposed) values = values.t();
  if (planned.layout == GgufLayout::query_paired) values = pair_rows(values, model.heads);
  if (planned.layout == GgufLayout::key_paired) values = pair_rows(values, model.key_heads);
  return values.to(torch_type(planned.head.type)).contiguous();
}

// Matrices but the position embedding have the type asked for, as llama.cpp's converter has it.
GgufType type_of(const GgufPlace& place, const torch::Tensor& values, GgufType matrices) {
  return values.dim() >= 2 && place.to != "position_embd.weight" ? matrices : GgufType::f32;
}

bool is_buffer(const std::string& name) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") ||
         name.ends_with(".rotary_emb.inv_freq");
}

TensorMap bare_tensors(const StoredWeights& weights, const GgufModel& model) {
  TensorMap bare;
  for (const auto& [name, tensor] : weights.tensors) {
    std::string rest = name;
    for (const std::string prefix : {"transformer.", "model."})
      if (rest.starts_with(prefix)) rest = rest.substr(prefix.size());
    if (is_buffer(rest) || (model.tied && rest == "lm_head.weight")) continue;
    if (!bare.emplace(rest, tensor).second)
      throw base::DataError(weights.path, ": tensor ", base::in_quotes(rest),
                            " is there with and without a prefix");
  }
  return bare;
}

// What a tensor has to be for its place, as far as a wrong one would be written without a word.
void require_fit(const GgufPlace& place, const torch::Tensor& values, const GgufModel& model,
                 const fs::path& path) {
  const auto refuse = [&](const std::string& expected) {
    throw base::DataError(path, ": tensor ", place.from, " is ", values.scalar_type(), ' ',
                          values.sizes(), ", expected ", expected);
  };
  if (!values.is_floating_point()) refuse("floating-point numbers");
  if (values.dim() < 1 || values.dim() > 2) refuse("one or two sizes");
  if (place.layout == GgufLayout::transposed && values.dim() != 2) refuse("two sizes");
  if ((place.to == "token_embd.weight" || place.to == "output.weight") &&
      (values.dim() != 2 || values.size(0) != model.vocabulary))
    refuse(base::concatenate(model.vocabulary, " rows, the vocabulary"));
  const std::int64_t heads = place.layout == GgufLayout::query_paired ? model.heads
                             : place.layout == GgufLayout::key_paired ? model.key_heads
                                                                      : 0;
  if (heads > 0 && values.size(0) % (2 * heads) != 0)
    refuse(base::concatenate("an even number of rows for each of ", heads, " heads"));
}

// What llama.cpp divides each rotary frequency by. Float32 throughout, in the order of its
// converter's operations. [D/2]
torch::Tensor rope_divisors(const GgufRope& rope) {
  const torch::Tensor steps = torch::arange(0, rope.head_width, 2, torch::kFloat32);
  const torch::Tensor frequencies =
      torch::pow(rope.base, steps / static_cast<double>(rope.head_width)).reciprocal();
  const torch::Tensor lengths = frequencies.reciprocal() * (2 * M_PI);  // positions a turn
  const torch::Tensor blend = (lengths.reciprocal() * rope.old_context - rope.low_factor) /
                              (rope.high_factor - rope.low_factor);
  const torch::Tensor blended = ((1 - blend) / rope.factor + blend).reciprocal();
  const torch::Tensor ones = torch::ones_like(lengths);
  return torch::where(
      lengths < rope.old_context / rope.high_factor, ones,
      torch::where(lengths > rope.old_context / rope.low_factor, ones * rope.factor, blended));
}

std::vector<Planned> plan(const GgufModel& model, const StoredWeights& weights, GgufType type) {
  const TensorMap tensors = bare_tensors(weights, model);
  std::vector<Planned> planned;
  const auto add = [&](const std::string& name, const torch::Tensor& values, GgufLayout layout,
                       GgufType stored) {
    auto shape = values.sizes().vec();
    if (layout == GgufLayout::transposed) std::swap(shape[0], shape[1]);
    planned.push_back({{name, shape, stored}, values, layout});
  };
  if (model.rope)
    add("rope_freqs.weight", rope_divisors(*model.rope), GgufLayout::same, GgufType::f32);
  std::set<std::string> used;
  for (const GgufPlace& place : model.places) {
    const auto found = tensors.find(place.from);
    if (found == tensors.end()) {
      if (place.needed)
        throw base::DataError(weights.path, ": the tensor ", place.from, " is missing");
      continue;
    }
    require_fit(place, found->second, model, weights.path);
    add(place.to, found->second, place.layout, type_of(place, found->second, type));
    used.insert(place.from);
  }
  for (const auto& [name, tensor] : tensors)
    if (!used.contains(name))
      throw base::DataError(weights.path, ": the tensor ", base::in_quotes(name),
                            " has no place in a GGUF file of ", model.architecture);
  return planned;
}

}  // namespace

void write_gguf(const fs::path& folder, const fs::path& path, GgufType type) {
  torch::NoGradGuard no_grad;
  GgufMetadata metadata;
  const fs::path file = folder / "config.json";
  const base::Json config = base::read_json(file);
  if (const auto names = base::optional<std::vector<std::string>>(config, "architectures", file))
    for (const std::string& name : *names)
      if (name.ends_with("ForSequenceClassification"))
        throw base::DataError(file, ": a reward model (", name,
                              ") has no place in a GGUF file; language models are exported");
  const GgufModel model = describe_gguf_model(metadata, config, file.string());
  parse_config(config, file.string());  // what attune cannot run it cannot vouch for either
  metadata.add_text("general.type", "model");
  const std::string name = fs::absolute(folder / "").lexically_normal().parent_path().filename();
  if (!name.empty()) metadata.add_text("general.name", name);
  metadata.add_number("general.file_type", file_type(type));
  metadata.add_number("general.quantization_version", kQuantizationVersion);
  // The weights first: they are as large as the vocabulary claims to be.
  const std::vector<Planned> planned = plan(model, read_weights(folder), type);
  add_gguf_tokenizer(metadata, read_tokenizer_files(folder), model.vocabulary);
  std::vector<GgufTensor> heads;
  for (const Planned& one : planned) heads.push_back(one.head);
  base::FileWriter writer(path);
  writer.write(format_gguf_head(metadata, heads));
  for (const Planned& one : planned) {
    const torch::Tensor values = lay_out(one, model);
    const auto bytes = static_cast<std::size_t>(values.nbytes());
    base::check(bytes == gguf_bytes(one.head), "GGUF: ", one.head.name, " has another size");
    writer.write({static_cast<const char*>(values.data_ptr()), bytes});
    writer.write(std::string((kGgufAlignment - bytes % kGgufAlignment) % kGgufAlignment, '\0'));
  }
  writer.commit();
}

}  // namespace model
