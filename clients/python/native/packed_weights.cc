#include "clients/python/native/packed_weights.h"

#include <algorithm>
#include <optional>

#include "absl/strings/string_view.h"
#include "clients/python/native/dispatcher_op.h"
#include "clients/python/native/python_op.h"
#include "clients/python/native/tensor_window.h"

namespace kiln {
namespace {

// The arguments of the operator that packs, from those of the operator that computes.
using PackArguments = std::vector<KilnValue> (*)(absl::Span<const KilnValue> args, int weight);

KilnValue Int(int64_t i) {
  KilnValue value = {};
  value.kind = KILN_VALUE_INT;
  value.u.i = i;
  return value;
}

const KilnTensor& Activations(absl::Span<const KilnValue> args) { return *args[0].u.tensor; }

// mkldnn::_reorder_linear_weight(Tensor self, SymInt? batch_size=None)
std::vector<KilnValue> PackLinear(absl::Span<const KilnValue> args, int weight) {
  return {args[weight], Int(Activations(args).sizes[0])};
}

// mkldnn::_reorder_convolution_weight(Tensor self, SymInt[2] padding=0, SymInt[2] stride=1, SymInt[2] dilation=1,
//     int groups=1, SymInt[]? input_size=None)
std::vector<KilnValue> PackConvolution(absl::Span<const KilnValue> args, int weight) {
  // After the weight come bias, padding, stride, dilation and groups.
  return {args[weight], args[weight + 2], args[weight + 3], args[weight + 4], args[weight + 5], KilnValue{}};
}

// MKL reads a matrix by columns 10 to 20% slower than by rows, in which it multiplies
// by it; nn.Linear's weight is one that is read by columns.
bool IsByColumns(const KilnTensor& weight) {
  constexpr int32_t kFloat32 = 7;
  const bool is_matrix = weight.dtype == kFloat32 && weight.rank == 2;
  return is_matrix && weight.strides[0] == 1 && weight.sizes[0] > 1 && weight.sizes[1] > 1;
}

bool IsAny(const KilnTensor& weight) { return true; }

struct PackRow {
  absl::string_view op;
  int weight;
  int arguments_after_weight;  // that packing needs
  bool (*is_packable)(const KilnTensor& weight);
  // The operator that packs, and what it takes; nullptr: a copy by rows is all.
  const char* packer;
  PackArguments arguments;
};

constexpr char kReorderConvolution[] = "mkldnn._reorder_convolution_weight.default";
constexpr char kReorderLinear[] = "mkldnn._reorder_linear_weight.default";

constexpr PackRow kRows[] = {
    {"aten.addmm.out", 2, 0, IsByColumns, nullptr, nullptr},
    {"aten.mm.out", 1, 0, IsByColumns, nullptr, nullptr},
    {"mkldnn._convolution_pointwise.binary", 2, 5, IsAny, kReorderConvolution, PackConvolution},
    {"mkldnn._convolution_pointwise.default", 1, 5, IsAny, kReorderConvolution, PackConvolution},
    {"mkldnn._linear_pointwise.binary", 2, 0, IsAny, kReorderLinear, PackLinear},
    {"mkldnn._linear_pointwise.default", 1, 0, IsAny, kReorderLinear, PackLinear},
};

const PackRow* FindRow(absl::string_view op) {
  for (const PackRow& row : kRows) {
    if (row.op == op) return &row;
  }
  return nullptr;
}

// nullptr if PyTorch refused.
std::shared_ptr<const OwnedTensor> CopyByRows(const KilnTensor& matrix) {
  const TorchShim& torch = Torch();
  const TensorWindow from(matrix);
  const int64_t strides[] = {matrix.sizes[1], 1};
  TensorHandle made = nullptr;
  if (from.get() == nullptr || torch.aoti_torch_empty_strided(2, matrix.sizes, strides, torch.DtypeFromWire(matrix.dtype),
                                                              torch.cpu, 0, &made) != 0) {
    return nullptr;
  }
  auto copy = std::make_shared<const OwnedTensor>(made);
  return torch.aoti_torch_copy_(made, from.get(), 0) == 0 ? copy : nullptr;
}

// What an operator of a tensor says in one word.
std::optional<uint64_t> Ask(const char* op, TensorHandle tensor) {
  const TorchShim& torch = Torch();
  TensorHandle handle = nullptr;
  if (torch.torch_call_dispatcher == nullptr || torch.aoti_torch_new_tensor_handle(tensor, &handle) != 0) {
    return std::nullopt;
  }
  uint64_t stack[] = {reinterpret_cast<uint64_t>(handle)};
  if (torch.torch_call_dispatcher(op, "", stack, torch.aoti_torch_abi_version()) != 0) return std::nullopt;
  return stack[0];
}

// How often a tensor was written in place; none where PyTorch does not count.
std::optional<int64_t> VersionOf(TensorHandle tensor) {
  const std::optional<uint64_t> is_inference = Ask("aten::is_inference", tensor);
  if (!is_inference.has_value() || static_cast<uint8_t>(*is_inference) != 0) return std::nullopt;
  const std::optional<uint64_t> version = Ask("aten::_version", tensor);
  if (!version.has_value()) return std::nullopt;
  return static_cast<int64_t>(*version);
}

}  // namespace

class PackedWeights::Packer {
 public:
  // nullptr where the operator takes no packed weight, or PyTorch cannot pack it.
  static std::unique_ptr<Packer> Find(absl::string_view op) {
    const PackRow* row = FindRow(op);
    if (row == nullptr) return nullptr;
    std::unique_ptr<Packer> packer(new Packer(*row));
    if (row->packer == nullptr) return packer;
    const std::unique_ptr<PythonOp> found = PythonOp::Find(row->packer);
    if (found == nullptr) return nullptr;
    absl::StatusOr<OpSchema> schema = ParseOpSchema(found->schema());
    if (!schema.ok() || !DispatcherOp::Supports(*schema)) return nullptr;
    packer->schema_ = *std::move(schema);
    packer->op_.emplace(packer->schema_);
    return packer;
  }

  // nullptr where the call has none, or it is used best as it is.
  const KilnTensor* WeightOf(absl::Span<const KilnValue> args) const {
    const bool has_all = static_cast<int>(args.size()) > row_.weight + row_.arguments_after_weight;
    const bool has_tensors = has_all && args[0].kind == KILN_VALUE_TENSOR && args[row_.weight].kind == KILN_VALUE_TENSOR;
    const KilnTensor* weight = has_tensors ? args[row_.weight].u.tensor : nullptr;
    return weight != nullptr && row_.is_packable(*weight) ? weight : nullptr;
  }

  // nullptr if PyTorch refused.
  std::shared_ptr<const OwnedTensor> Pack(absl::Span<const KilnValue> args) const {
    if (!op_.has_value()) return CopyByRows(*args[row_.weight].u.tensor);
    const std::vector<KilnValue> values = row_.arguments(args, row_.weight);
    ShimArguments arguments(values, {});
    std::vector<TensorHandle> results;
    if (op_->CallForResults(arguments, results) != CallOutcome::kDone || results.size() != 1) return nullptr;
    return std::make_shared<const OwnedTensor>(results[0]);
  }

 private:
  explicit Packer(const PackRow& row) : row_(row) {}

  const PackRow& row_;
  OpSchema schema_;
  std::optional<DispatcherOp> op_;  // borrows the schema
};

// What was seen of a weight by the last call.
struct PackedWeights::Weight {
  bool Sees(const KilnTensor& window, int64_t now) const {
    return memory.get() != nullptr && window.data == data && version == now &&
           std::equal(sizes.begin(), sizes.end(), window.sizes, window.sizes + window.rank) &&
           std::equal(strides.begin(), strides.end(), window.strides, window.strides + window.rank);
  }

  const void* data = nullptr;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  int64_t version = -1;
  OwnedTensor memory;  // keeps the weight's storage
  std::shared_ptr<const OwnedTensor> packed;
};

PackedWeights::~PackedWeights() = default;

std::unique_ptr<PackedWeights> PackedWeights::Create(const v1::Manifest& manifest) {
  if (!manifest.pack_weights()) return nullptr;
  std::unique_ptr<PackedWeights> weights(new PackedWeights);
  bool has_packers = false;
  for (const v1::ExternOp& op : manifest.extern_ops()) {
    weights->packers_.push_back(Packer::Find(op.name()));
    has_packers = has_packers || weights->packers_.back() != nullptr;
  }
  for (const v1::ManifestInput& input : manifest.inputs()) {
    weights->is_weight_.push_back(input.kind() == v1::INPUT_KIND_PARAMETER || input.kind() == v1::INPUT_KIND_BUFFER);
  }
  return has_packers ? std::move(weights) : nullptr;
}

PackedWeights::Use PackedWeights::For(int index, absl::Span<const KilnValue> args, absl::Span<const KilnValue> inputs) {
  const Packer* packer = packers_[index].get();
  const KilnTensor* window = packer == nullptr ? nullptr : packer->WeightOf(args);
  if (window == nullptr || window->handle == nullptr) return {};
  const auto* input = std::find_if(inputs.begin(), inputs.end(), [&](const KilnValue& value) {
    return value.kind == KILN_VALUE_TENSOR && value.u.tensor->handle == window->handle;
  });
  if (input == inputs.end() || !is_weight_[input - inputs.begin()]) return {};
  const TensorHandle handle = static_cast<TensorHandle>(window->handle);
  const std::optional<int64_t> version = VersionOf(handle);
  if (!version.has_value()) return {};
  std::lock_guard<std::mutex> lock(mutex_);
  Weight& weight = weights_[{static_cast<int>(input - inputs.begin()), index}];
  if (weight.Sees(*window, *version)) {
    if (weight.packed == nullptr) weight.packed = packer->Pack(args);
    return {window, weight.packed};
  }
  TensorHandle memory = nullptr;
  const KilnTensor& whole = *input->u.tensor;
  const bool is_kept =
      Torch().aoti_torch__reinterpret_tensor(handle, whole.rank, whole.sizes, whole.strides, 0, &memory) == 0;
  weight = Weight{window->data,
                  {window->sizes, window->sizes + window->rank},
                  {window->strides, window->strides + window->rank},
                  *version,
                  OwnedTensor(is_kept ? memory : nullptr),
                  nullptr};
  return {};
}

int PackedWeights::count() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<int>(std::count_if(weights_.begin(), weights_.end(),
                                        [](const auto& item) { return item.second.packed != nullptr; }));
}

}  // namespace kiln
