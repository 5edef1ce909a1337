#include "clients/python/native/extern_op.h"

#include <map>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"

namespace kiln {
namespace {

struct Registry {
  std::mutex mutex;
  // Guarded by mutex.
  std::map<std::pair<std::string, bool>, std::unique_ptr<ExternOp>> ops;
};

Registry& TheRegistry() {
  static Registry* registry = new Registry;
  return *registry;
}

}  // namespace

const char* ExternWayName(ExternWay way) {
  constexpr const char* kNames[] = {"typed", "dispatcher", "python"};
  return kNames[static_cast<int>(way)];
}

ExternOp::ExternOp(std::string name, bool into, std::unique_ptr<PythonOp> python)
    : name_(std::move(name)), into_(into), python_(std::move(python)) {
  const TypedShimRow* row = FindTypedShimOp(name_);
  if (row != nullptr && row->into == into) {
    typed_function_ = Torch().Find(row->function);
    if (typed_function_ != nullptr) typed_ = row;
  }
  if (typed_ != nullptr) {
    way_ = ExternWay::kTyped;
    return;
  }
  absl::StatusOr<OpSchema> schema = ParseOpSchema(python_->schema());
  if (into || !schema.ok() || !DispatcherOp::Supports(*schema)) return;
  schema_ = *std::move(schema);
  dispatcher_.emplace(*schema_);
  way_ = ExternWay::kDispatcher;
}

ExternOp* ExternOp::Find(absl::string_view name, bool into) {
  Registry& registry = TheRegistry();
  const std::pair<std::string, bool> key(name, into);
  {
    std::lock_guard<std::mutex> lock(registry.mutex);
    auto found = registry.ops.find(key);
    if (found != registry.ops.end()) return found->second.get();
  }
  // Without the lock: Python may give the GIL to a thread that wants it.
  std::unique_ptr<PythonOp> python = PythonOp::Find(name);
  if (python == nullptr) return nullptr;
  std::unique_ptr<ExternOp> op(new ExternOp(key.first, into, std::move(python)));
  std::lock_guard<std::mutex> lock(registry.mutex);
  return registry.ops.try_emplace(key, std::move(op)).first->second.get();
}

std::vector<const ExternOp*> ExternOp::All() {
  Registry& registry = TheRegistry();
  std::lock_guard<std::mutex> lock(registry.mutex);
  std::vector<const ExternOp*> all;
  for (const auto& [key, op] : registry.ops) {
    all.push_back(op.get());
  }
  return all;
}

CallOutcome ExternOp::CallBy(ExternWay way, ShimArguments& arguments) const {
  switch (way) {
    case ExternWay::kTyped: return typed_->call(typed_function_, arguments);
    case ExternWay::kDispatcher: return dispatcher_->Call(arguments);
    case ExternWay::kPython: return python_->Call(arguments, into_);
  }
  return CallOutcome::kFailed;
}

std::string ExternOp::Call(absl::Span<const KilnValue> args, absl::Span<KilnTensor> outs,
                           const Replacement& replacement) {
  ExternWay way = this->way();
  ShimArguments arguments(args, outs);
  if (replacement.tensor != nullptr) arguments.Replace(*replacement.tensor, replacement.handle);
  CallOutcome outcome = CallBy(way, arguments);
  if (outcome == CallOutcome::kInexpressible && way != ExternWay::kPython) {
    // Argument kinds are the same on every call of a graph, but one operator may
    // be called with numbers in one graph and tensors in another: only the
    // dispatcher's refusal, which it cannot explain, is remembered.
    if (way == ExternWay::kDispatcher) way_.store(ExternWay::kPython, std::memory_order_relaxed);
    way = ExternWay::kPython;
    ShimArguments again(args, outs);
    if (replacement.tensor != nullptr) again.Replace(*replacement.tensor, replacement.handle);
    outcome = CallBy(way, again);
    arguments.error = std::move(again.error);
  }
  calls_[static_cast<int>(way)].fetch_add(1, std::memory_order_relaxed);
  if (outcome == CallOutcome::kDone) return "";
  return absl::StrCat(name_, ": ", arguments.error.empty() ? "PyTorch refused its arguments" : arguments.error);
}

}  // namespace kiln
