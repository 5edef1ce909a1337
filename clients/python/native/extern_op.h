// An operator that artifacts call and PyTorch serves: by a typed C function where
// there is one, else by its dispatcher where the schema converts, else by
// torch.ops under the GIL. Every call is counted by the way it went.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_EXTERN_OP_H_
#define KILN_CLIENTS_PYTHON_NATIVE_EXTERN_OP_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "clients/python/native/dispatcher_op.h"
#include "clients/python/native/python_op.h"
#include "clients/python/native/typed_shim_ops.h"

namespace kiln {

enum class ExternWay : uint8_t { kTyped, kDispatcher, kPython };
inline constexpr int kExternWays = 3;
const char* ExternWayName(ExternWay way);  // "typed", "dispatcher", "python"

// Lives for ever once made. Thread-safe.
class ExternOp {
 public:
  // The process's one for the operator, or nullptr if PyTorch has none of that
  // name or cannot serve it in this form. Call with the GIL held.
  static ExternOp* Find(absl::string_view name, bool into);
  // All that were found, sorted by name.
  static std::vector<const ExternOp*> All();

  // Sees a tensor argument as another: the same in the library's own layout.
  struct Replacement {
    const KilnTensor* tensor = nullptr;
    TensorHandle handle = nullptr;
  };

  // "" or why it failed. Called without the GIL.
  std::string Call(absl::Span<const KilnValue> args, absl::Span<KilnTensor> outs, const Replacement& replacement);

  const std::string& name() const { return name_; }
  // The way that the next call goes.
  ExternWay way() const { return way_.load(std::memory_order_relaxed); }
  int64_t calls(ExternWay way) const { return calls_[static_cast<int>(way)].load(std::memory_order_relaxed); }

 private:
  ExternOp(std::string name, bool into, std::unique_ptr<PythonOp> python);
  CallOutcome CallBy(ExternWay way, ShimArguments& arguments) const;

  const std::string name_;
  const bool into_;
  const std::unique_ptr<PythonOp> python_;
  const TypedShimRow* typed_ = nullptr;
  void* typed_function_ = nullptr;
  std::optional<OpSchema> schema_;
  std::optional<DispatcherOp> dispatcher_;
  std::atomic<ExternWay> way_ = ExternWay::kPython;
  std::array<std::atomic<int64_t>, kExternWays> calls_ = {};
};

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_EXTERN_OP_H_
