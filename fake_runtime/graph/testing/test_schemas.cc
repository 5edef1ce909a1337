#include "fake_runtime/graph/testing/test_schemas.h"

#include <map>

namespace kiln {
namespace {

// str(torch.ops.aten.add.Tensor._schema) of PyTorch 2.13 for every operator in
// the forward and backward graphs of GPT-2 and ResNet-18, and for some with
// rarer types; sorted by name. Then symbolic scalar arithmetic.
constexpr absl::string_view
    kSchemas
        [] =
            {
                R"(aten::_assert_async.msg(Tensor self, str assert_msg) -> ())",
                R"(aten::_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor)",
                R"(aten::_log_softmax_backward_data(Tensor grad_output, Tensor output, int dim, ScalarType input_dtype) -> Tensor)",
                R"(aten::_native_batch_norm_legit_functional(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean, Tensor running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor, Tensor running_mean_out, Tensor running_var_out))",
                R"(aten::_scaled_dot_product_flash_attention_for_cpu(Tensor query, Tensor key, Tensor value, float dropout_p=0., bool is_causal=False, *, Tensor? attn_mask=None, float? scale=None) -> (Tensor output, Tensor logsumexp))",
                R"(aten::_scaled_dot_product_flash_attention_for_cpu_backward(Tensor grad_out, Tensor query, Tensor key, Tensor value, Tensor out, Tensor logsumexp, float dropout_p, bool is_causal, *, Tensor? attn_mask=None, float? scale=None) -> (Tensor grad_query, Tensor grad_key, Tensor grad_value))",
                R"(aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool non_blocking=False, MemoryFormat? memory_format=None) -> Tensor)",
                R"(aten::_unsafe_view(Tensor self, SymInt[] size) -> Tensor)",
                R"(aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor)",
                R"(aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!))",
                R"(aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor)",
                R"(aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor)",
                R"(aten::arange(Scalar end, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor)",
                R"(aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor)",
                R"(aten::bernoulli.p(Tensor self, float p, *, Generator? generator=None) -> Tensor)",
                R"(aten::bitwise_and.Tensor(Tensor self, Tensor other) -> Tensor)",
                R"(aten::bmm(Tensor self, Tensor mat2) -> Tensor)",
                R"(aten::cat(Tensor[] tensors, int dim=0) -> Tensor)",
                R"(aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[])",
                R"(aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor)",
                R"(aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor)",
                R"(aten::convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups) -> Tensor)",
                R"(aten::convolution_backward(Tensor grad_output, Tensor input, Tensor weight, SymInt[]? bias_sizes, SymInt[] stride, SymInt[] padding, SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups, bool[3] output_mask) -> (Tensor, Tensor, Tensor))",
                R"(aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!))",
                R"(aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor)",
                R"(aten::detach(Tensor(a) self) -> Tensor(a))",
                R"(aten::div.Scalar(Tensor self, Scalar other) -> Tensor)",
                R"(aten::div.Tensor(Tensor self, Tensor other) -> Tensor)",
                R"(aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor)",
                R"(aten::embedding_dense_backward(Tensor grad_output, Tensor indices, SymInt num_weights, SymInt padding_idx, bool scale_grad_by_freq) -> Tensor)",
                R"(aten::eq.Tensor(Tensor self, Tensor other) -> Tensor)",
                R"(aten::exp(Tensor self) -> Tensor)",
                R"(aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a))",
                R"(aten::full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor)",
                R"(aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor)",
                R"(aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor)",
                R"(aten::item(Tensor self) -> Scalar)",
                R"(aten::le.Scalar(Tensor self, Scalar other) -> Tensor)",
                R"(aten::le.Tensor(Tensor self, Tensor other) -> Tensor)",
                R"(aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor)",
                R"(aten::linear_backward(Tensor self, Tensor grad_output, Tensor weight, bool[3] output_mask) -> (Tensor, Tensor, Tensor))",
                R"(aten::log(Tensor self) -> Tensor)",
                R"(aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> Tensor)",
                R"(aten::max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor))",
                R"(aten::max_pool2d_with_indices_backward(Tensor grad_output, Tensor self, int[2] kernel_size, int[2] stride, int[2] padding, int[2] dilation, bool ceil_mode, Tensor indices) -> Tensor)",
                R"(aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor)",
                R"(aten::mm(Tensor self, Tensor mat2) -> Tensor)",
                R"(aten::mul.Scalar(Tensor self, Scalar other) -> Tensor)",
                R"(aten::mul.Tensor(Tensor self, Tensor other) -> Tensor)",
                R"(aten::native_batch_norm_backward(Tensor grad_out, Tensor input, Tensor? weight, Tensor? running_mean, Tensor? running_var, Tensor? save_mean, Tensor? save_invstd, bool train, float eps, bool[3] output_mask) -> (Tensor, Tensor, Tensor))",
                R"(aten::native_layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, Tensor? bias, float eps) -> (Tensor, Tensor, Tensor))",
                R"(aten::native_layer_norm_backward(Tensor grad_out, Tensor input, SymInt[] normalized_shape, Tensor mean, Tensor rstd, Tensor? weight, Tensor? bias, bool[3] output_mask) -> (Tensor, Tensor, Tensor))",
                R"(aten::ne.Scalar(Tensor self, Scalar other) -> Tensor)",
                R"(aten::neg(Tensor self) -> Tensor)",
                R"(aten::new_ones(Tensor self, SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor)",
                R"(aten::nll_loss_backward(Tensor grad_output, Tensor self, Tensor target, Tensor? weight, int reduction, SymInt ignore_index, Tensor total_weight) -> Tensor)",
                R"(aten::nll_loss_forward(Tensor self, Tensor target, Tensor? weight, int reduction, SymInt ignore_index) -> (Tensor output, Tensor total_weight))",
                R"(aten::permute(Tensor(a) self, int[] dims) -> Tensor(a))",
                R"(aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor)",
                R"(aten::rand(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor)",
                R"(aten::relu(Tensor self) -> Tensor)",
                R"(aten::rsqrt(Tensor self) -> Tensor)",
                R"(aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor)",
                R"(aten::scalar_tensor(Scalar s, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor)",
                R"(aten::scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor)",
                R"(aten::sigmoid(Tensor self) -> Tensor)",
                R"(aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a))",
                R"(aten::slice_backward(Tensor grad_output, SymInt[] input_sizes, int dim, SymInt start, SymInt end, SymInt step) -> Tensor)",
                R"(aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[])",
                R"(aten::sqrt(Tensor self) -> Tensor)",
                R"(aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a))",
                R"(aten::squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a))",
                R"(aten::stack(Tensor[] tensors, int dim=0) -> Tensor)",
                R"(aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor)",
                R"(aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor)",
                R"(aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor)",
                R"(aten::sym_numel(Tensor self) -> SymInt)",
                R"(aten::sym_size.int(Tensor self, int dim) -> SymInt)",
                R"(aten::t(Tensor(a) self) -> Tensor(a))",
                R"(aten::tanh(Tensor self) -> Tensor)",
                R"(aten::tanh_backward(Tensor grad_output, Tensor output) -> Tensor)",
                R"(aten::threshold_backward(Tensor grad_output, Tensor self, Scalar threshold) -> Tensor)",
                R"(aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a))",
                R"(aten::true_divide.Tensor(Tensor self, Tensor other) -> Tensor)",
                R"(aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a))",
                R"(aten::upsample_nearest2d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor)",
                R"(aten::var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor)",
                R"(aten::var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> (Tensor, Tensor))",
                R"(aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a))",
                R"(aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor)",
                R"(aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor)",
                R"(prims::convert_element_type(Tensor a, ScalarType dtype) -> Tensor)",
                R"(sym::add(Scalar a, Scalar b) -> Scalar)",
                R"(sym::eq(Scalar a, Scalar b) -> SymBool)",
                R"(sym::mul(Scalar a, Scalar b) -> Scalar)",
                R"(sym::truediv(Scalar a, Scalar b) -> SymFloat)",
};

// What the op table would set from its tags.
constexpr absl::string_view kOrdered[] = {
    "aten._assert_async.msg", "aten.bernoulli.p", "aten.rand.default"};

std::map<std::string, OpSchema, std::less<>> ParseAll() {
  std::map<std::string, OpSchema, std::less<>> schemas;
  for (absl::string_view text : kSchemas) {
    OpSchema schema = ParseOpSchema(text).value();
    for (absl::string_view name : kOrdered)
      schema.ordered |= schema.name == name;
    schemas.emplace(schema.name, schema);
  }
  return schemas;
}

}  // namespace

absl::Span<const absl::string_view> TestSchemaTexts() { return kSchemas; }

const OpSchema* FindTestSchema(absl::string_view name) {
  static const auto* const kParsed = new auto(ParseAll());
  auto it = kParsed->find(std::string(name));
  return it == kParsed->end() ? nullptr : &it->second;
}

}  // namespace kiln
