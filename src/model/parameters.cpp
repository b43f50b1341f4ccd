#include "model/parameters.h"

#include "base/error.h"
#include "base/hash.h"

namespace model {

torch::Tensor& ParameterSet::add(const std::string& name, torch::Tensor value) {
  base::check(!tensors_.count(name), "the parameter ", name, " is registered twice");
  names_.push_back(name);
  return tensors_[name] = value.detach().to(torch::kFloat32).contiguous().set_requires_grad(true);
}

const torch::Tensor& ParameterSet::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  base::check(found != tensors_.end(), "there is no parameter ", name);
  return found->second;
}

std::vector<torch::Tensor> ParameterSet::tensors() const {
  std::vector<torch::Tensor> out;
  for (const std::string& name : names_) out.push_back(tensors_.at(name));
  return out;
}

std::int64_t ParameterSet::count() const {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : tensors_) count += tensor.numel();
  return count;
}

void ParameterSet::freeze() {
  for (auto& [name, tensor] : tensors_) tensor = tensor.detach();
}

ParameterSet ParameterSet::clone() const {
  ParameterSet out;
  for (const std::string& name : names_) out.add(name, tensors_.at(name).detach().clone());
  return out;
}

ParameterSet ParameterSet::on(torch::Device device) const {
  ParameterSet out = *this;
  for (auto& [name, tensor] : out.tensors_)
    if (tensor.device() != device)
      tensor = tensor.detach().to(device).set_requires_grad(tensor.requires_grad());
  return out;
}

TensorMap ParameterSet::values() const {
  TensorMap out;
  for (const auto& [name, tensor] : tensors_) out[name] = tensor.detach();
  return out;
}

TensorMap ParameterSet::copy() const {
  TensorMap out;
  for (const auto& [name, tensor] : tensors_) out[name] = tensor.detach().clone();
  return out;
}

void ParameterSet::assign(const TensorMap& values, const std::string& where) {
  torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : values)
    if (!tensors_.count(name))
      throw base::Error(base::ErrorKind::data,
                        where + ": holds a tensor " + name + " that this model does not have");
  for (auto& [name, tensor] : tensors_) {
    const auto found = values.find(name);
    if (found == values.end())
      throw base::Error(base::ErrorKind::data, where + ": the tensor " + name + " is missing");
    if (found->second.sizes() != tensor.sizes())
      throw base::Error(base::ErrorKind::data,
                        base::concatenate(where, ": tensor ", name, " is ", found->second.sizes(),
                                          ", expected ", tensor.sizes()));
    tensor.copy_(found->second);
  }
}

ParameterSet parameters_from(const std::vector<TensorShape>& shapes, const TensorMap& tensors,
                             const std::string& where) {
  ParameterSet parameters;
  TensorMap left = tensors;
  for (const TensorShape& expected : shapes) {
    const auto found = left.find(expected.name);
    if (found == left.end())
      throw base::Error(base::ErrorKind::data,
                        where + ": the tensor " + expected.name + " is missing");
    if (found->second.sizes() != c10::IntArrayRef(expected.shape))
      throw base::Error(
          base::ErrorKind::data,
          base::concatenate(where, ": tensor ", expected.name, " is ", found->second.sizes(),
                            ", expected ", c10::IntArrayRef(expected.shape)));
    if (!found->second.is_floating_point())
      throw base::Error(base::ErrorKind::data, where + ": the tensor " + expected.name +
                                                   " holds no floating-point numbers");
    parameters.add(expected.name, found->second);
    left.erase(found);
  }
  if (!left.empty())
    throw base::Error(base::ErrorKind::data, where + ": holds a tensor " + left.begin()->first +
                                                 " that this model does not have");
  return parameters;
}

torch::Tensor normal_values(const std::vector<std::int64_t>& shape, double deviation,
                            const base::RandomPlace& place) {
  torch::Tensor value = torch::empty(shape, torch::kFloat32);
  base::Random random(place);
  float* numbers = value.data_ptr<float>();
  for (std::int64_t i = 0; i < value.numel(); ++i)
    numbers[i] = static_cast<float>(deviation * random.normal());
  return value;
}

void add_prefixed(TensorMap& to, const TensorMap& from, const std::string& prefix) {
  for (const auto& [name, tensor] : from) to[prefix + name] = tensor;
}

TensorMap with_prefix(const TensorMap& tensors, const std::string& prefix) {
  TensorMap out;
  for (const auto& [name, tensor] : tensors)
    if (name.rfind(prefix, 0) == 0) out[name.substr(prefix.size())] = tensor;
  return out;
}

std::string hash_tensors(const TensorMap& tensors) {
  std::string sums;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor bytes = tensor.cpu().contiguous();
    sums += base::concatenate(name, ' ', tensor.sizes(), ' ');
    sums += base::sha256({static_cast<const char*>(bytes.data_ptr()),
                          static_cast<std::size_t>(bytes.nbytes())}) +
            "\n";
  }
  return base::sha256(sums);
}

}  // namespace model
