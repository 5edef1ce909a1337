#include "clients/python/native/dispatcher_op.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace kiln {
namespace {

template <typename T>
uint64_t ToBits(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(value));
  return bits;
}

// Turns values into StableIValues, which own what they point at until the
// dispatcher takes the stack.
class StackWriter {
 public:
  explicit StackWriter(ShimArguments& arguments) : arguments_(arguments) {}

  // False where the value does not fit the schema.
  bool Argument(const ArgSchema& arg, const KilnValue& v, uint64_t* out) {
    if (!arg.is_optional) return Plain(arg, v, out);
    if (v.kind == KILN_VALUE_NONE) {
      *out = ToBits<void*>(nullptr);
      return true;
    }
    uint64_t* cell = nullptr;
    uint64_t value = 0;
    if (!Plain(arg, v, &value)) return false;
    if (Torch().torch_new_stable_ivalue(&cell) != 0) return false;
    *cell = value;
    *out = ToBits(cell);
    return true;
  }

 private:
  bool Plain(const ArgSchema& arg, const KilnValue& v, uint64_t* out) {
    if (!arg.is_list) return Item(arg.type, v, out);
    if (v.kind != KILN_VALUE_LIST) return false;
    void* list = nullptr;
    if (Torch().torch_new_list_reserve_size(v.count, &list) != 0) return false;
    for (int i = 0; i < v.count; ++i) {
      uint64_t item = 0;
      if (Item(arg.type, v.u.list[i], &item) && Torch().torch_list_push_back(list, item) == 0) continue;
      Torch().torch_delete_list(list);
      return false;
    }
    *out = ToBits(list);
    return true;
  }

  bool Item(ArgType type, const KilnValue& v, uint64_t* out) {
    const TorchShim& torch = Torch();
    switch (type) {
      case ArgType::kTensor: {
        if (v.kind != KILN_VALUE_TENSOR) return false;
        TensorHandle window = arguments_.Window(*v.u.tensor);
        TensorHandle handle = nullptr;
        if (window == nullptr || torch.aoti_torch_new_tensor_handle(window, &handle) != 0) return false;
        *out = ToBits(handle);
        return true;
      }
      case ArgType::kInt:
      case ArgType::kSymInt: *out = ToBits(v.u.i); return v.kind == KILN_VALUE_INT;
      case ArgType::kFloat:
      case ArgType::kSymFloat:
        *out = ToBits(v.kind == KILN_VALUE_INT ? static_cast<double>(v.u.i) : v.u.f);
        return v.kind == KILN_VALUE_FLOAT || v.kind == KILN_VALUE_INT;
      case ArgType::kBool:
      case ArgType::kSymBool: *out = ToBits(v.u.i != 0); return v.kind == KILN_VALUE_BOOL;
      case ArgType::kDType:
        *out = ToBits(torch.DtypeFromWire(static_cast<int32_t>(v.u.i)));
        return v.kind == KILN_VALUE_DTYPE;
      case ArgType::kLayout: *out = ToBits(torch.strided); return v.kind == KILN_VALUE_LAYOUT;
      case ArgType::kMemoryFormat: return MemoryFormat(v, out);
      case ArgType::kDevice:
        // The type in the upper half, the index in the lower.
        *out = (static_cast<uint64_t>(static_cast<uint32_t>(torch.cpu)) << 32) | static_cast<uint32_t>(-1);
        return v.kind == KILN_VALUE_DEVICE && absl::string_view(v.u.s, v.count) == "cpu";
      case ArgType::kString: {
        void* string = nullptr;
        if (v.kind != KILN_VALUE_STRING || torch.torch_new_string_handle(v.u.s, v.count, &string) != 0) return false;
        *out = ToBits(string);
        return true;
      }
      case ArgType::kScalar:
      case ArgType::kGenerator: return false;
    }
    return false;
  }

  static bool MemoryFormat(const KilnValue& v, uint64_t* out) {
    const TorchShim& torch = Torch();
    int32_t (*const by_wire_id[])() = {nullptr, torch.aoti_torch_memory_format_contiguous_format,
                                       torch.aoti_torch_memory_format_channels_last,
                                       torch.aoti_torch_memory_format_channels_last_3d,
                                       torch.aoti_torch_memory_format_preserve_format};
    if (v.kind != KILN_VALUE_MEMORY_FORMAT || v.u.i < 1 || v.u.i > 4) return false;
    *out = ToBits(by_wire_id[v.u.i]());
    return true;
  }

  ShimArguments& arguments_;
};

bool HasFunctions() {
  const TorchShim& t = Torch();
  return t.torch_call_dispatcher != nullptr && t.torch_new_stable_ivalue != nullptr &&
         t.torch_new_list_reserve_size != nullptr && t.torch_list_push_back != nullptr &&
         t.torch_list_size != nullptr && t.torch_list_get_item != nullptr && t.torch_delete_list != nullptr &&
         t.torch_new_string_handle != nullptr;
}

}  // namespace

DispatcherOp::DispatcherOp(const OpSchema& schema) : schema_(schema) {
  // "aten.add.Tensor" is operator aten::add of overload Tensor.
  const absl::string_view full = schema.name;
  const size_t space = full.find('.');
  const size_t last = full.rfind('.');
  name_ = absl::StrCat(full.substr(0, space), "::", full.substr(space + 1, last - space - 1));
  overload_ = std::string(full.substr(last + 1));
  if (overload_ == "default") overload_.clear();
}

bool DispatcherOp::Supports(const OpSchema& schema) {
  if (!HasFunctions()) return false;
  for (const ArgSchema& arg : schema.args) {
    // A generator is never given by a graph; its None fits any optional.
    if (arg.type == ArgType::kGenerator && arg.is_optional) continue;
    if (arg.type == ArgType::kScalar || arg.type == ArgType::kGenerator || arg.elements_optional) return false;
    if (arg.is_written) return false;
  }
  return std::all_of(schema.returns.begin(), schema.returns.end(),
                     [](const ReturnSchema& r) { return r.type == ArgType::kTensor && !r.is_optional; });
}

CallOutcome DispatcherOp::Call(ShimArguments& a) const {
  std::vector<TensorHandle> results;
  const CallOutcome outcome = CallForResults(a, results);
  if (outcome != CallOutcome::kDone) return outcome;
  if (results.size() != a.outs.size()) {
    for (TensorHandle handle : results) Torch().aoti_torch_delete_tensor_object(handle);
    a.error = absl::StrCat("it gave ", results.size(), " results but the code expects ", a.outs.size());
    return CallOutcome::kFailed;
  }
  return AdoptResults(a, absl::MakeSpan(results));
}

CallOutcome DispatcherOp::CallForResults(ShimArguments& a, std::vector<TensorHandle>& results) const {
  if (a.values.size() != schema_.args.size()) return CallOutcome::kInexpressible;
  std::vector<uint64_t> stack(std::max(schema_.args.size(), schema_.returns.size()));
  StackWriter writer(a);
  for (size_t i = 0; i < a.values.size(); ++i) {
    // Handles written so far are lost then; this happens once an operator, since
    // the caller goes another way from then on.
    if (!writer.Argument(schema_.args[i], a.values[i], &stack[i])) return CallOutcome::kInexpressible;
  }
  const TorchShim& torch = Torch();
  if (torch.torch_call_dispatcher(name_.c_str(), overload_.c_str(), stack.data(), torch.aoti_torch_abi_version()) !=
      0) {
    a.error = torch.LastError();
    return CallOutcome::kInexpressible;
  }
  if (schema_.returns.size() == 1 && schema_.returns[0].is_list) {
    void* list = reinterpret_cast<void*>(stack[0]);
    size_t size = 0;
    torch.torch_list_size(list, &size);
    for (size_t i = 0; i < size; ++i) {
      uint64_t item = 0;
      torch.torch_list_get_item(list, i, &item);
      results.push_back(reinterpret_cast<TensorHandle>(item));
    }
    torch.torch_delete_list(list);
  } else {
    for (size_t i = 0; i < schema_.returns.size(); ++i) results.push_back(reinterpret_cast<TensorHandle>(stack[i]));
  }
  return CallOutcome::kDone;
}

}  // namespace kiln
