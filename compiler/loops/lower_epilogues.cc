// The library is oneDNN through PyTorch's operators of namespace mkldnn, which
// Inductor calls too (torch/_inductor/mkldnn_ir.py):
//
//   mkldnn::_linear_pointwise(Tensor X, Tensor W, Tensor? B, str attr, Scalar?[] scalars, str? algorithm) -> Tensor
//   mkldnn::_linear_pointwise.binary(Tensor X, Tensor other, Tensor W, Tensor? B, str attr) -> Tensor
//   mkldnn::_convolution_pointwise(Tensor X, Tensor W, Tensor? B, int[] padding, int[] stride, int[] dilation,
//       int groups, str attr, Scalar?[] scalars, str? algorithm) -> Tensor
//   mkldnn::_convolution_pointwise.binary(Tensor X, Tensor other, Tensor W, Tensor? B, int[] padding, int[] stride,
//       int[] dilation, int groups, str binary_attr, Scalar? alpha, str? unary_attr, Scalar?[] unary_scalars,
//       str? unary_algorithm) -> Tensor
//
// A weight of the linear operators has a row for each feature of the result: it is
// the transpose of what a matrix product takes.
#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "compiler/loops/epilogues.h"
#include "compiler/loops/lowering_table.h"

namespace kiln {
namespace {

bool IsLibraryType(LoweringContext& c, DType dtype) {
  return dtype == DType::kFloat32 || (dtype == DType::kBFloat16 && c.state().options.library_bfloat16);
}

bool HasElements(LoweringContext& c, const FakeTensor& t) {
  return std::all_of(t.sizes.begin(), t.sizes.end(),
                     [&](Expr size) { return c.env().KnownTrue(c.pool().Ge(size, Expr(1))); });
}

bool IsOperand(LoweringContext& c, const FakeTensor& t) {
  return IsLibraryType(c, t.dtype) && !t.neg_bit && HasElements(c, t);
}

// mm(Tensor self, Tensor mat2)
bool CanMultiply(LoweringContext& c, int lhs) {
  const FakeTensor& x = c.args().Tensor(lhs);
  const FakeTensor& w = c.args().Tensor(lhs + 1);
  return IsOperand(c, x) && IsOperand(c, w) && x.dtype == w.dtype && KnownContiguous(c.env(), x);
}

bool IsAbleMm(LoweringContext& c) { return CanMultiply(c, 0); }

// addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1)
bool IsAbleAddmm(LoweringContext& c) {
  const FakeTensor& bias = c.args().Tensor(0);
  const bool is_plain = IsOne(c.node().args[3]) && IsOne(c.node().args[4]);
  return is_plain && CanMultiply(c, 1) && bias.rank() == 1 && bias.dtype == c.args().Tensor(1).dtype &&
         c.env().KnownEqual(bias.sizes[0], c.OutTensor().sizes[1]) && KnownContiguous(c.env(), bias);
}

// convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] dilation,
//     bool transposed, SymInt[] output_padding, SymInt groups)
bool IsAbleConvolution(LoweringContext& c) {
  const FakeTensor& x = c.args().Tensor(0);
  const FakeTensor& w = c.args().Tensor(1);
  const bool is_spatial = (x.rank() == 4 || x.rank() == 5) && w.rank() == x.rank();
  const bool is_alike = x.dtype == w.dtype && (c.args().IsNone(2) || c.args().Tensor(2).dtype == x.dtype);
  return is_spatial && is_alike && !c.args().Bool(6) && IsOperand(c, x) && IsOperand(c, w) &&
         HasElements(c, c.OutTensor());
}

// Measured with PyTorch 2.13 (oneDNN, MKL) on AVX-512 with AMX, shapes of BERT, ViT, T5
// and ResNet-50:
//  - float32 products: oneDNN's are 0 to 7% slower than MKL's, and twice as slow with
//    GPT-2's transposed weights. What the epilogue saves, it loses.
//  - bfloat16 products: both are oneDNN's; with the weight packed, 15 to 40% faster.
//  - convolutions in channels-last: the activation costs nothing, in a kernel up to
//    40% of the convolution; with the weight packed, 5 to 35% faster. Other layouts
//    are copied on the way in and out, and lose.
// A sum costs the library as much as it costs a kernel.
bool Never(LoweringContext& c) { return false; }
bool IsBFloat16(LoweringContext& c) { return c.OutTensor().dtype == DType::kBFloat16; }
bool IsChannelsLast(LoweringContext& c) { return KnownChannelsLast(c.env(), c.OutTensor()); }

TensorOperand Transposed(TensorOperand window) {
  std::swap(window.sizes[0], window.sizes[1]);
  std::swap(window.strides[0], window.strides[1]);
  return window;
}

// The addend as the library sees the result.
TensorOperand InShapeOf(LoweringContext& product, TensorOperand window) {
  const TensorOperand like = product.Window(product.OutTensor());
  window.sizes = like.sizes;
  window.strides = like.strides;
  return window;
}

absl::Status AddProductArguments(LoweringContext& c, int lhs, Operand bias, const TensorOperand* addend,
                                 ExternCall& call) {
  call.args.push_back(Operand{c.In(lhs)});
  if (addend != nullptr) call.args.push_back(Operand{InShapeOf(c, *addend)});
  call.args.push_back(Operand{Transposed(c.In(lhs + 1))});
  call.args.push_back(std::move(bias));
  return absl::OkStatus();
}

absl::Status AddMmArguments(LoweringContext& c, const TensorOperand* addend, ExternCall& call) {
  return AddProductArguments(c, 0, Operand{None{}}, addend, call);
}

absl::Status AddAddmmArguments(LoweringContext& c, const TensorOperand* addend, ExternCall& call) {
  return AddProductArguments(c, 1, Operand{c.In(0)}, addend, call);
}

absl::Status AddConvolutionArguments(LoweringContext& c, const TensorOperand* addend, ExternCall& call) {
  call.args.push_back(Operand{c.In(0)});
  if (addend != nullptr) call.args.push_back(Operand{*addend});
  // Weight, bias, padding, stride, dilation, groups.
  for (int arg : {1, 2, 4, 3, 5, 8}) {
    KILN_ASSIGN_OR_RETURN(Operand operand, OperandOf(c, c.node().args[arg]));
    call.args.push_back(std::move(operand));
  }
  return absl::OkStatus();
}

constexpr char kLinear[] = "mkldnn._linear_pointwise.default";
constexpr char kLinearSum[] = "mkldnn._linear_pointwise.binary";
constexpr char kConvolution[] = "mkldnn._convolution_pointwise.default";
constexpr char kConvolutionSum[] = "mkldnn._convolution_pointwise.binary";

constexpr EpilogueRow kRows[] = {
    {"aten.addmm.default", kLinear, kLinearSum, true, false, 2, IsAbleAddmm, Never, IsBFloat16, AddAddmmArguments},
    {"aten.convolution.default", kConvolution, kConvolutionSum, false, true, 1, IsAbleConvolution,
     IsChannelsLast, IsChannelsLast, AddConvolutionArguments},
    {"aten.mm.default", kLinear, kLinearSum, true, false, 1, IsAbleMm, Never, IsBFloat16, AddMmArguments},
};

Operand Text(absl::string_view text) { return Operand{std::string(text)}; }

void AddActivation(const std::optional<MatchedActivation>& activation, ExternCall& call) {
  OperandList numbers;
  if (activation.has_value()) {
    for (double number : activation->numbers) numbers.push_back(Operand{number});
  }
  call.args.push_back(Text(activation.has_value() ? activation->row->name : "none"));
  call.args.push_back(Operand{std::move(numbers)});
  call.args.push_back(Text(activation.has_value() ? activation->row->algorithm : ""));
}

void AddSum(const EpilogueRow& row, const Epilogue& epilogue, ExternCall& call) {
  call.args.push_back(Text("add"));
  if (!row.relu_after_sum) return;
  call.args.push_back(Operand{1.0});
  call.args.push_back(epilogue.activation.has_value() ? Text(epilogue.activation->row->name) : Operand{None{}});
  call.args.push_back(Operand{OperandList{}});
  call.args.push_back(Operand{None{}});
}

}  // namespace

const EpilogueRow* FindEpilogueRow(absl::string_view op) {
  const auto* found = std::find_if(std::begin(kRows), std::end(kRows), [&](const EpilogueRow& row) { return op == row.op; });
  return found == std::end(kRows) ? nullptr : found;
}

absl::Status LowerWithEpilogue(LoweringState& state, const Epilogue& epilogue) {
  LoweringContext product(state, epilogue.product);
  LoweringContext last(state, epilogue.last());
  const EpilogueRow& row = *FindEpilogueRow(product.node().op->name);
  const bool is_sum = epilogue.addend.value >= 0;
  ExternCall call;
  call.op = is_sum ? row.binary : row.unary;
  std::optional<TensorOperand> addend;
  if (is_sum) addend = product.Window(state.fake.tensor(epilogue.addend));
  KILN_RETURN_IF_ERROR(row.add_arguments(product, is_sum ? &*addend : nullptr, call));
  if (is_sum) {
    AddSum(row, epilogue, call);
  } else {
    AddActivation(epilogue.activation, call);
  }
  TensorOperand output = product.Window(product.OutTensor());
  output.buffer = state.NewBuffer(last.OutTensor(), BufferKind::kExternResult);
  call.outputs.push_back(std::move(output));
  for (int n : epilogue.nodes) call.epilogue.push_back(state.OriginOf(n));
  std::sort(call.epilogue.begin(), call.epilogue.end());
  call.epilogue.erase(std::unique(call.epilogue.begin(), call.epilogue.end()), call.epilogue.end());
  call.why = epilogue.what;
  product.EmitExtern(std::move(call));
  return absl::OkStatus();
}

}  // namespace kiln
