#include "kernels/decoding_head.h"

#include "kernels/logit_rows.h"

namespace kernels {

DecodingHead::DecodingHead(const torch::Tensor& weight, MatrixNumbers numbers)
    : rows_(weight.size(0)), weight_(padded_rows(weight.detach())) {
  if (numbers == MatrixNumbers::int8 || PackedMatrix::takes(weight_.t(), numbers))
    packed_ = PackedMatrix(weight_.t(), numbers);
}

torch::Tensor DecodingHead::logits(const torch::Tensor& hidden) const {
  if (!packed_.defined()) return logits_of(hidden, weight_).narrow(1, 0, rows_);
  torch::Tensor out = torch::empty({hidden.size(0), rows_}, torch::kFloat32);
  packed_.multiply_into(out, hidden);
  return out;
}

void DecodingHead::logits_into(torch::Tensor& rows, const torch::Tensor& hidden) const {
  if (packed_.defined())
    packed_.multiply_into(rows, hidden);
  else
    rows.narrow(1, 0, rows_).copy_(logits(hidden.to(device())));
}

}  // namespace kernels
