#pragma once

#include <map>
#include <string>
#include <vector>

#include <torch/types.h>

#include "base/random.h"
#include "model/layout.h"

namespace model {

// Tensors by name, e.g. a network's weights under their checkpoint names.
using TensorMap = std::map<std::string, torch::Tensor>;

// A network's weights in the order they were added: fp32 leaves that want a gradient. Saving,
// loading and optimising are loops over it.
class ParameterSet {
 public:
  // Registers a parameter and returns it. Throws base::Error where the name is taken.
  torch::Tensor& add(const std::string& name, torch::Tensor value);

  // Throws base::Error(internal) where there is none of that name.
  const torch::Tensor& at(const std::string& name) const;

  const std::vector<std::string>& names() const { return names_; }
  std::vector<torch::Tensor> tensors() const;
  std::int64_t count() const;  // numbers in all

  // No gradients from here on.
  void freeze();

  // The same parameters in memory of their own.
  ParameterSet clone() const;

  // The same parameters on a device: themselves where they are there, else copies.
  ParameterSet on(torch::Device device) const;

  // The values, detached, in memory of their own or (values) shared.
  TensorMap values() const;
  TensorMap copy() const;

  // Copies the values in. `where` starts the message of the base::Error(data) thrown where a tensor
  // is missing, has another shape, or is not one of ours.
  void assign(const TensorMap& values, const std::string& where);

 private:
  std::vector<std::string> names_;
  std::map<std::string, torch::Tensor> tensors_;
};

// Parameters that are these tensors themselves where they are fp32, else their values. Throws
// base::Error(data), starting with `where`, where a tensor is missing, extra, misshapen or no
// floating-point one.
ParameterSet parameters_from(const std::vector<TensorShape>& shapes, const TensorMap& tensors,
                             const std::string& where);

// fp32 draws from a normal distribution of mean 0.
torch::Tensor normal_values(const std::vector<std::int64_t>& shape, double deviation,
                            const base::RandomPlace& place);

// Puts tensors among others under PREFIX + name, and takes those with a prefix out again, without
// it.
void add_prefixed(TensorMap& to, const TensorMap& from, const std::string& prefix);
TensorMap with_prefix(const TensorMap& tensors, const std::string& prefix);

// SHA-256 over names, shapes and bytes, wherever they are: equal for bit-equal weights only.
std::string hash_tensors(const TensorMap& tensors);

}  // namespace model
