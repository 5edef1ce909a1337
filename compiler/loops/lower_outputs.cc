#include "compiler/loops/lower_outputs.h"

#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

using Kind = OutputBinding::Kind;

class OutputLowering {
 public:
  explicit OutputLowering(LoweringState& state) : state_(state), program_(state.program), graph_(state.fake.graph) {}

  absl::Status Run() {
    BindWholeStorages();
    program_.outputs.resize(graph_.outputs.size());
    for (size_t i = 0; i < graph_.outputs.size(); ++i) KILN_RETURN_IF_ERROR(Bind(static_cast<int>(i)));
    return absl::OkStatus();
  }

 private:
  const FakeTensor* TensorOf(int output) const {
    const ValueId* id = graph_.outputs[output].get_if<ValueId>();
    return id == nullptr ? nullptr : std::get_if<FakeTensor>(&state_.fake.values[id->value]);
  }

  bool CoversStorage(const TensorOperand& window) {
    const Buffer& buffer = program_.buffers[window.buffer.value];
    if (!window.offset.IsInt(0) || window.dtype != buffer.dtype) return false;
    Expr extent = WindowExtent(*state_.fake.env, window);
    return extent == buffer.num_elements || state_.fake.env->KnownEqual(extent, buffer.num_elements);
  }

  // The first output that covers a temporary's storage becomes its owner.
  void BindWholeStorages() {
    for (size_t i = 0; i < graph_.outputs.size(); ++i) {
      const FakeTensor* t = TensorOf(static_cast<int>(i));
      if (t == nullptr) continue;
      TensorOperand window = state_.WindowOf(*t);
      if (window.buffer.value < 0) continue;
      Buffer& buffer = program_.buffers[window.buffer.value];
      if (buffer.kind != BufferKind::kTemporary || !CoversStorage(window)) continue;
      buffer.kind = BufferKind::kOutput;
      buffer.index = static_cast<int>(i);
    }
  }

  absl::Status Bind(int index) {
    const Argument& output = graph_.outputs[index];
    OutputBinding& binding = program_.outputs[index];
    ExprPool& pool = *program_.pool;
    binding.kind = Kind::kScalar;
    if (output.is_none()) {
      binding.kind = Kind::kNone;
    } else if (const int64_t* i = output.get_if<int64_t>()) {
      binding.scalar = pool.Int(*i);
    } else if (const double* f = output.get_if<double>()) {
      binding.scalar = pool.Float(*f);
    } else if (const bool* b = output.get_if<bool>()) {
      binding.scalar = Expr::Bool(*b);
    } else if (const ValueId* id = output.get_if<ValueId>()) {
      return BindValue(index, *id);
    } else {
      return MakeError(ErrorReason::kUnsupportedGraph,
                       absl::StrCat("output ", index, ": neither a tensor, a number nor none"));
    }
    return absl::OkStatus();
  }

  absl::Status BindValue(int index, ValueId id) {
    const FakeValue& value = state_.fake.values[id.value];
    OutputBinding& binding = program_.outputs[index];
    if (const Expr* e = std::get_if<Expr>(&value)) {
      binding.scalar = state_.fake.env->Simplify(*e);
      return absl::OkStatus();
    }
    const FakeTensor* t = std::get_if<FakeTensor>(&value);
    if (t == nullptr) {
      binding.kind = Kind::kNone;
      return absl::OkStatus();
    }
    if (id.value < static_cast<int>(graph_.inputs.size())) {
      binding.kind = Kind::kInput;
      binding.alias_of = id.value;
      return absl::OkStatus();
    }
    return BindTensor(index, *t);
  }

  absl::Status BindTensor(int index, const FakeTensor& t) {
    if (t.conj_bit || t.neg_bit) {
      return MakeError(ErrorReason::kUnsupportedGraph,
                       absl::StrCat("output ", index, ": a lazily conjugated or negated view"));
    }
    OutputBinding& binding = program_.outputs[index];
    binding.tensor = state_.WindowOf(t);
    if (binding.tensor.buffer.value < 0) {
      return MakeError(ErrorReason::kCompilerBug, absl::StrCat("output ", index, ": nothing makes it"));
    }
    const Buffer& buffer = program_.buffers[binding.tensor.buffer.value];
    switch (buffer.kind) {
      case BufferKind::kInput:
        binding.kind = Kind::kView;
        binding.alias_of = buffer.index;
        return absl::OkStatus();
      case BufferKind::kExternResult:
        binding.kind = Kind::kView;
        return absl::OkStatus();
      case BufferKind::kOutput:
        binding.kind = buffer.index == index ? Kind::kNew : Kind::kOutputView;
        binding.alias_of = buffer.index == index ? -1 : buffer.index;
        return absl::OkStatus();
      case BufferKind::kTemporary:
        CopyOut(index, t);
        return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  // Two outputs that are one part of a storage share it in eager PyTorch.
  bool BindToCopy(int index, const TensorOperand& from) {
    for (const auto& [window, output] : copies_) {
      if (!IsOnePart(window, from)) continue;
      program_.outputs[index].kind = Kind::kOutputView;
      program_.outputs[index].alias_of = output;
      program_.outputs[index].tensor = from;
      program_.outputs[index].tensor.buffer = program_.outputs[output].tensor.buffer;
      program_.outputs[index].tensor.offset = Expr(0);
      return true;
    }
    return false;
  }

  // The same elements in the same order, whatever dimensions of size 1 say.
  static bool IsOnePart(const TensorOperand& a, const TensorOperand& b) {
    return a.buffer == b.buffer && a.dtype == b.dtype && a.offset == b.offset && LongDims(a) == LongDims(b);
  }
  static std::vector<std::pair<Expr, Expr>> LongDims(const TensorOperand& window) {
    std::vector<std::pair<Expr, Expr>> dims;
    for (size_t d = 0; d < window.sizes.size(); ++d) {
      if (!window.sizes[d].IsInt(1)) dims.emplace_back(window.sizes[d], window.strides[d]);
    }
    return dims;
  }

  void CopyOut(int index, const FakeTensor& t) {
    TensorOperand from = state_.WindowOf(t);
    if (BindToCopy(index, from)) return;
    copies_.emplace_back(from, index);
    FakeTensor copy = t;
    copy.storage = StorageId{};
    copy.storage_offset = Expr(0);
    TensorOperand to = state_.WindowOf(copy);
    to.buffer = state_.NewBuffer(copy, BufferKind::kOutput);
    program_.buffers[to.buffer.value].index = index;
    KernelBuilder b(program_.pool, &state_.taken_names, absl::StrCat("output_", index));
    CopyNest(b, to, from);
    Kernel copying = std::move(b).Finish(ProducerOf(*graph_.outputs[index].get_if<ValueId>()));
    if (!copying.body.empty()) program_.steps.emplace_back(std::move(copying));
    program_.outputs[index].kind = Kind::kNew;
    program_.outputs[index].tensor = std::move(to);
  }

  int ProducerOf(ValueId id) const {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      for (const NodeOutput& output : graph_.nodes[n].outputs) {
        for (ValueId value : output.values) {
          if (value == id) return state_.OriginOf(static_cast<int>(n));
        }
      }
    }
    return -1;
  }

  LoweringState& state_;
  LoopProgram& program_;
  const Graph& graph_;
  // What outputs were copied from, and which.
  std::vector<std::pair<TensorOperand, int>> copies_;
};

}  // namespace

absl::Status LowerOutputs(LoweringState& state) { return OutputLowering(state).Run(); }

}  // namespace kiln
