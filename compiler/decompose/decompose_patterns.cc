// What is cheaper together than one after the other.
#include "compiler/decompose/decompose_context.h"

namespace kiln {
namespace {

using D = DecomposeContext;

// aten::embedding_dense_backward(Tensor grad_output, Tensor indices, SymInt num_weights, SymInt padding_idx,
//     bool scale_grad_by_freq)
struct EmbeddingGradient {
  explicit EmbeddingGradient(const Node& node)
      : grad(*node.args[0].get_if<ValueId>()), indices(*node.args[1].get_if<ValueId>()) {
    const int64_t* number = node.args[3].get_if<int64_t>();
    const bool* by_frequency = node.args[4].get_if<bool>();
    is_plain = number != nullptr && by_frequency != nullptr && !*by_frequency;
    if (number != nullptr) padding = *number;
  }

  ValueId grad, indices;
  int64_t padding = -1;
  bool is_plain = false;
};

// x + embedding_dense_backward(grad, indices, ...) where x is as large: tied
// weights have both a gradient of the output's projection, which is a matrix, and
// one of the embedding, which is a few rows in a matrix of zeros. The rows are
// added to x, in its place if nobody else wants it, and the zeros never exist.
void SumWithEmbeddingGradient(D& d) {
  const int64_t* alpha = d.Arg(2).get_if<int64_t>();
  if (alpha == nullptr || *alpha != 1) return d.Decline();
  for (int side : {1, 0}) {
    const Node* producer = d.ProducerOf(side);
    if (producer == nullptr || producer->op->name != "aten.embedding_dense_backward.default") continue;
    const EmbeddingGradient gradient(*producer);
    const FakeTensor& x = d.Tensor(1 - side);
    const FakeTensor& zeros_and_rows = d.Tensor(side);
    const bool is_alike = x.dtype == zeros_and_rows.dtype && x.sizes == zeros_and_rows.sizes;
    if (!gradient.is_plain || !is_alike || d.Tensor(gradient.grad).dtype != x.dtype) continue;
    ValueId rows = gradient.grad;
    if (gradient.padding >= 0) {
      ValueId is_padding = d.Call("aten.eq.Scalar", {gradient.indices, gradient.padding});
      is_padding = d.Call("aten.unsqueeze.default", {is_padding, -1});
      rows = d.Call("aten.masked_fill.Scalar", {rows, is_padding, 0.0});
    }
    const Argument indices(ArgumentList{Argument(gradient.indices)});
    return d.Return(d.Call("aten.index_put.default", {d.Value(1 - side), indices, rows, true}));
  }
  d.Decline();
}

constexpr DecomposeRow kRows[] = {
    {"aten.add.Tensor", SumWithEmbeddingGradient},
};

}  // namespace

absl::Span<const DecomposeRow> PatternRules() { return kRows; }

}  // namespace kiln
