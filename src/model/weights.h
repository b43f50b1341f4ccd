#pragma once

#include <cstdint>
#include <filesystem>

#include "model/parameters.h"

namespace model {

struct StoredWeights {
  TensorMap tensors;           // views into the files, as read_safetensors gives them
  std::filesystem::path path;  // model.safetensors or the index, for messages
};

// The tensors of a Hugging Face model folder, under their names there: of model.safetensors, or of
// the files that model.safetensors.index.json names. Throws base::DataError where neither is there,
// a file breaks a rule of its format, a tensor is not where the index says or not in the index, or
// the index's total_size is wrong. StoredWeights that are only there as pytorch_model.bin are
// refused with the command that converts them: reading a pickle can run code.
StoredWeights read_weights(const std::filesystem::path& folder);

// The same of the files that an index names; they lie beside it.
TensorMap read_sharded(const std::filesystem::path& index);

// Writes model.safetensors, or where that would be larger than `file_bytes` of tensors several
// files with their index, as transformers names them; and takes away what read_weights would find
// instead. A tensor is never cut. Throws base::ResourceError.
void write_weights(const std::filesystem::path& folder, const TensorMap& tensors,
                   std::uint64_t file_bytes = 5'000'000'000);

}  // namespace model
