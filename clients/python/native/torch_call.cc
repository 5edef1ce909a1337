#include "clients/python/native/torch_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/python/native/block_cache.h"
#include "clients/python/native/tensor_window.h"

namespace kiln {
namespace {

// int64 in the export schema.
constexpr int32_t kWireInt64 = 5;

}  // namespace

TorchCall::~TorchCall() {
  for (const CallOutput& output : outputs) {
    if (output.tensor != nullptr) Torch().aoti_torch_delete_tensor_object(output.tensor);
  }
}

int32_t TorchCall::Refuse(std::string message) {
  SetError(-1, std::move(message));
  return KILN_ERROR_HOST;
}

// Each output is made once.
bool TorchCall::Claim(int32_t index) {
  return index >= 0 && index < static_cast<int32_t>(outputs.size()) &&
         outputs[index].kind == CallOutput::Kind::kMissing;
}

void* TorchCall::Allocate(int32_t device, uint64_t bytes) {
  return device == 0 ? BlockCache::Shared().Allocate(bytes) : nullptr;
}

void TorchCall::Free(int32_t device, void* memory) { BlockCache::Shared().Free(memory); }

int32_t TorchCall::NewOutput(int32_t index, int32_t dtype, absl::Span<const int64_t> sizes, const int64_t* strides,
                             KilnTensor* out) {
  if (!Claim(index)) return Refuse(absl::StrCat("output ", index, " is made twice or does not exist"));
  const TorchShim& torch = Torch();
  CallOutput& output = outputs[index];
  if (torch.aoti_torch_empty_strided(static_cast<int64_t>(sizes.size()), sizes.data(), strides,
                                     torch.DtypeFromWire(dtype), torch.cpu, 0, &output.tensor) != 0) {
    output.tensor = nullptr;
    return Refuse(absl::StrCat("output ", index, ": ", torch.LastError()));
  }
  output.kind = CallOutput::Kind::kTensor;
  if (!ReadTensor(output.tensor, out)) return Refuse(absl::StrCat("output ", index, " is not a strided tensor"));
  return KILN_OK;
}

int32_t TorchCall::ViewOutput(int32_t index, const KilnTensor& base, absl::Span<const int64_t> sizes,
                              const int64_t* strides, int64_t storage_offset) {
  if (!Claim(index)) return Refuse(absl::StrCat("output ", index, " is made twice or does not exist"));
  if (base.handle == nullptr) return Refuse(absl::StrCat("output ", index, " is a view of the code's own memory"));
  CallOutput& output = outputs[index];
  const TensorHandle handle = static_cast<TensorHandle>(base.handle);
  // PyTorch counts from where the base starts.
  if (Torch().aoti_torch__reinterpret_tensor(handle, static_cast<int64_t>(sizes.size()), sizes.data(), strides,
                                             storage_offset - base.storage_offset, &output.tensor) != 0) {
    output.tensor = nullptr;
    return Refuse(absl::StrCat("output ", index, ": ", Torch().LastError()));
  }
  output.kind = CallOutput::Kind::kTensor;
  return KILN_OK;
}

int32_t TorchCall::ScalarOutput(int32_t index, const KilnValue& value) {
  if (!Claim(index)) return Refuse(absl::StrCat("output ", index, " is made twice or does not exist"));
  outputs[index].kind = CallOutput::Kind::kScalar;
  outputs[index].scalar = value;
  return KILN_OK;
}

void TorchCall::ReleaseInput(int32_t index) {
  if (index < 0 || index >= static_cast<int32_t>(inputs_->size()) || keep_[index]) return;
  PyObject* input = std::exchange((*inputs_)[index], nullptr);
  if (input == nullptr) return;
  const PyGILState_STATE gil = PyGILState_Ensure();
  Py_DECREF(input);
  PyGILState_Release(gil);
}

void TorchCall::ReleaseResult(void* handle) {
  if (handle != nullptr) Torch().aoti_torch_delete_tensor_object(static_cast<TensorHandle>(handle));
}

void TorchCall::ParallelFor(int64_t begin, int64_t end, int64_t grain, KilnRangeFn fn, void* closure) {
  struct Range {
    KilnRangeFn fn;
    void* closure;
    static void Run(int64_t begin, int64_t end, void* range) {
      const Range* r = static_cast<const Range*>(range);
      r->fn(r->closure, begin, end);
    }
  };
  Range range = {fn, closure};
  if (begin >= end) return;
  const TorchShim& torch = Torch();
  if (torch.torch_parallel_for == nullptr || end - begin <= grain) return fn(closure, begin, end);
  torch.torch_parallel_for(begin, end, grain < 1 ? 1 : grain, &Range::Run, &range);
}

// From PyTorch's default generator, so that torch.manual_seed decides it.
uint64_t TorchCall::RandomSeed() {
  const TorchShim& torch = Torch();
  TensorHandle drawn = nullptr;
  int64_t seed = 0;
  // Drawn as a float, which is the default, it would have 24 bits.
  int32_t dtype = torch.DtypeFromWire(kWireInt64);
  if (torch.aoti_torch_cpu_randint_low(INT64_MIN, INT64_MAX, nullptr, 0, &dtype, nullptr, nullptr, 0, nullptr,
                                       &drawn) != 0) {
    SetError(-1, absl::StrCat("the random seed: ", torch.LastError()));
    return 0;
  }
  torch.aoti_torch_item_int64(drawn, &seed);
  torch.aoti_torch_delete_tensor_object(drawn);
  return static_cast<uint64_t>(seed);
}

int32_t TorchCall::ServeExternOp(KilnContext* context, int32_t index, const KilnValue* args, int32_t num_args,
                                 KilnTensor* outs, int32_t num_outs) {
  TorchCall& call = static_cast<TorchCall&>(CallHost::Of(context));
  if (index < 0 || index >= static_cast<int32_t>(call.extern_ops_.size())) {
    return call.Refuse(absl::StrCat("extern op ", index, " is not in the manifest"));
  }
  if (call.timer_ != nullptr) call.timer_->BeginExternOp();
  const absl::Span<const KilnValue> values(args, static_cast<size_t>(num_args));
  PackedWeights::Use use;
  if (call.packed_weights_ != nullptr) use = call.packed_weights_->For(index, values, call.values_);
  ExternOp::Replacement replacement;
  if (use.packed != nullptr) replacement = {use.weight, use.packed->get()};
  std::string error = call.extern_ops_[index]->Call(values, absl::MakeSpan(outs, static_cast<size_t>(num_outs)),
                                                    replacement);
  if (call.timer_ != nullptr) call.timer_->End();
  return error.empty() ? KILN_OK : call.Refuse(std::move(error));
}

void TorchCall::BeginKernel(KilnContext* context, int32_t kernel) {
  static_cast<TorchCall&>(CallHost::Of(context)).timer_->BeginKernel(kernel);
}

void TorchCall::EndKernel(KilnContext* context, int32_t kernel) {
  static_cast<TorchCall&>(CallHost::Of(context)).timer_->End();
}

}  // namespace kiln
