// Walks the graph: what is used becomes kernels or extern calls, in the graph's
// order.
#include <algorithm>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "compiler/loops/epilogues.h"
#include "compiler/loops/loop_ir.h"
#include "compiler/loops/lower_outputs.h"
#include "compiler/loops/lowering_table.h"
#include "compiler/loops/value_readers.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/written_storages.h"

namespace kiln {
namespace {

bool IsComputable(DType dtype) {
  switch (dtype) {
    case DType::kComplex32:
    case DType::kComplex64:
    case DType::kComplex128:
    case DType::kFloat8E4M3FN:
    case DType::kFloat8E5M2:
    case DType::kFloat8E4M3FNUZ:
    case DType::kFloat8E5M2FNUZ:
      return false;
    default:
      return true;
  }
}

class GraphLowering {
 public:
  GraphLowering(FakeGraph& fake, absl::Span<const std::string> host_extern_ops, absl::Span<const int> origins,
                const LoweringOptions& options)
      : fake_(fake), state_{fake, program_, host_extern_ops, origins} {
    state_.options = options;
    program_.pool = &fake.env->pool();
    program_.env = fake.env.get();
    program_.num_inputs = static_cast<int>(fake.graph.inputs.size());
    state_.storages.resize(fake.num_storages);
  }

  absl::StatusOr<LoopProgram> Run() {
    NameSymbols();
    MakeInputBuffers();
    MakeAsserts();
    FindUsed();
    const ValueReaders readers(fake_, live_);
    state_.readers = &readers;
    state_.written = WrittenStorages(fake_);
    PlaceEpilogues(readers);
    for (size_t n = 0; n < fake_.graph.nodes.size(); ++n) {
      const size_t num_steps = program_.steps.size();
      if (live_[n]) KILN_RETURN_IF_ERROR(LowerNode(static_cast<int>(n)));
      if (program_.steps.size() > num_steps && BindsSymbols(program_.steps.back())) MakeAsserts();
      if (IsDraw(fake_.graph.nodes[n])) state_.random.is_replayed = false;
    }
    KILN_RETURN_IF_ERROR(LowerOutputs(state_));
    BindInputBuffers();
    KILN_RETURN_IF_ERROR(VerifyLoopProgram(program_));
    return std::move(program_);
  }

 private:
  void NameSymbols() {
    for (const SymbolDeclaration& s : fake_.graph.symbols) {
      program_.symbols.emplace_back(s.symbol.symbol_name());
      state_.taken_names.insert(program_.symbols.back());
    }
  }

  void MakeInputBuffers() {
    for (size_t i = 0; i < fake_.graph.inputs.size(); ++i) {
      const FakeTensor* t = std::get_if<FakeTensor>(&fake_.values[i]);
      if (t == nullptr) continue;
      TensorOperand window = state_.WindowOf(*t);
      if (window.buffer.value < 0) {
        BufferId id = state_.NewBuffer(*t, BufferKind::kInput);
        program_.buffers[id.value].index = static_cast<int>(i);
        continue;
      }
      Buffer& buffer = program_.buffers[window.buffer.value];
      buffer.num_elements =
          fake_.env->Simplify(program_.pool->Max(buffer.num_elements, WindowExtent(*fake_.env, window)));
    }
  }

  // Each as soon as its symbols have values.
  void MakeAsserts() {
    const auto& asserts = fake_.env->runtime_asserts();
    asserted_.resize(asserts.size(), false);
    for (size_t i = 0; i < asserts.size(); ++i) {
      const Guard& guard = asserts[i];
      if (asserted_[i] || !state_.AreSymbolsKnown(guard.condition)) continue;
      asserted_[i] = true;
      int node = guard.reason.node < 0 ? -1 : guard.reason.node;
      program_.steps.emplace_back(RuntimeAssert{guard.condition, guard.reason.what, node});
    }
  }

  static bool HasEffect(const Node& node) {
    return node.op->is_mutating() || RowOf(*node.op).has(kTagEffect) || node.op->returns.empty();
  }

  // Whether it draws random numbers, and does not only handle the generator's state.
  static bool IsDraw(const Node& node) {
    return RowOf(*node.op).has(kTagRandom) && !absl::StartsWith(node.op->name, "kiln.");
  }

  // A draw that nobody looks at still moves the host's generator on.
  bool MovesHostsGenerator(const Node& node) const { return state_.options.eager_random && IsDraw(node); }

  void FindUsed() {
    state_.used.assign(fake_.values.size(), false);
    live_.assign(fake_.graph.nodes.size(), false);
    state_.last_use.assign(fake_.num_storages, -1);
    auto use_until = [this](int node) {
      return [this, node](ValueId id) {
        state_.used[id.value] = true;
        const FakeTensor* t = std::get_if<FakeTensor>(&fake_.values[id.value]);
        if (t == nullptr || t->storage.value < 0 || t->storage.value >= fake_.num_storages) return;
        int& last = state_.last_use[t->storage.value];
        last = std::max(last, node);
      };
    };
    for (const Argument& output : fake_.graph.outputs) VisitValues(output, use_until(std::numeric_limits<int>::max()));
    for (size_t n = fake_.graph.nodes.size(); n-- > 0;) {
      const Node& node = fake_.graph.nodes[n];
      live_[n] = HasEffect(node) || MovesHostsGenerator(node);
      for (const NodeOutput& output : node.outputs) {
        for (ValueId id : output.values) live_[n] = live_[n] || state_.used[id.value];
      }
      if (!live_[n]) continue;
      for (const Argument& arg : node.args) VisitValues(arg, use_until(static_cast<int>(n)));
    }
  }

  // A product that has an epilogue is lowered where the epilogue ends, and what it
  // reads is read there.
  void PlaceEpilogues(const ValueReaders& readers) {
    epilogues_ = FindEpilogues(state_, readers, live_);
    for (const Epilogue& epilogue : epilogues_) {
      call_of_node_[epilogue.product] = nullptr;
      for (int n : epilogue.nodes) call_of_node_[n] = nullptr;
      call_of_node_[epilogue.last()] = &epilogue;
      for (const Argument& arg : fake_.graph.nodes[epilogue.product].args) {
        VisitValues(arg, [&](ValueId id) {
          const FakeTensor* t = std::get_if<FakeTensor>(&fake_.values[id.value]);
          if (t == nullptr || t->storage.value < 0 || t->storage.value >= fake_.num_storages) return;
          int& last = state_.last_use[t->storage.value];
          last = std::max(last, epilogue.last());
        });
      }
    }
  }

  // Whether the node only looks at memory that exists, or makes no tensor.
  bool IsFree(const Node& node) {
    if (HasEffect(node)) return false;
    for (const NodeOutput& output : node.outputs) {
      for (ValueId id : output.values) {
        const FakeTensor* t = std::get_if<FakeTensor>(&fake_.values[id.value]);
        if (t != nullptr && state_.WindowOf(*t).buffer.value < 0) return false;
        if (std::holds_alternative<Expr>(fake_.values[id.value]) && !RowOf(*node.op).has(kTagSymbolic)) return false;
      }
    }
    return true;
  }

  absl::Status LowerNode(int n) {
    const Node& node = fake_.graph.nodes[n];
    LoweringContext c(state_, n);
    bool computable = true;
    KILN_RETURN_IF_ERROR(CheckTensors(c, node, computable));
    if (MakesSizes(node)) return LowerToExternCall(c);
    if (const auto call = call_of_node_.find(n); call != call_of_node_.end()) {
      return call->second == nullptr ? absl::OkStatus() : LowerWithEpilogue(state_, *call->second);
    }
    if (IsFree(node)) return absl::OkStatus();
    const bool is_hosts = state_.options.eager_random && RowOf(*node.op).has(kTagRandom);
    if (!computable || is_hosts) return LowerToExternCall(c);
    if (const PointwiseRow* row = FindPointwise(node.op->name)) return LowerPointwise(c, *row);
    const LoweringRow* row = FindLowering(node.op->name);
    if (row == nullptr) return LowerToExternCall(c);
    absl::Status status = row->lower(c);
    // A lowering that refuses its arguments has emitted nothing yet.
    if (GetErrorReason(status) == ErrorReason::kUnsupportedGraph) return LowerToExternCall(c);
    return status;
  }

  // `computable` becomes false if some tensor has a dtype that loops don't
  // compute in.
  absl::Status CheckTensors(LoweringContext& c, const Node& node, bool& computable) {
    absl::Status status = absl::OkStatus();
    auto check = [&](ValueId id) {
      const FakeTensor* t = std::get_if<FakeTensor>(&fake_.values[id.value]);
      if (t == nullptr || !status.ok()) return;
      computable = computable && IsComputable(t->dtype) && !t->neg_bit && !t->conj_bit;
      status = CheckTensor(c, *t);
    };
    for (const Argument& arg : node.args) VisitValues(arg, check);
    for (const NodeOutput& output : node.outputs) {
      for (ValueId id : output.values) check(id);
    }
    return status;
  }

  // Whether a size of a result is known from nothing but the result.
  bool MakesSizes(const Node& node) {
    bool makes = false;
    for (const NodeOutput& output : node.outputs) {
      for (ValueId id : output.values) {
        const FakeTensor* t = std::get_if<FakeTensor>(&fake_.values[id.value]);
        if (t == nullptr) continue;
        const TensorOperand window = state_.WindowOf(*t);
        for (Expr e : window.sizes) makes = makes || !state_.AreSymbolsKnown(e);
        for (Expr e : window.strides) makes = makes || !state_.AreSymbolsKnown(e);
      }
    }
    return makes;
  }

  absl::Status CheckTensor(LoweringContext& c, const FakeTensor& t) {
    if (!t.device.is_cpu()) {
      return c.Fail(ErrorReason::kUnsupportedDevice, absl::StrCat("a tensor is on ", t.device.ToString(), ", not cpu"));
    }
    if (t.layout != Layout::kStrided) return c.Unsupported("a tensor is not strided");
    TensorOperand window = state_.WindowOf(t);
    for (const Dims* dims : {&window.sizes, &window.strides}) {
      for (Expr e : *dims) {
        if (e.is_poison()) return c.Fail(ErrorReason::kSizeOverflow, "a size overflows");
      }
    }
    if (window.buffer.value < 0 || program_.buffers[window.buffer.value].dtype == t.dtype) return absl::OkStatus();
    return c.Fail(ErrorReason::kUnsupportedDtype,
                  absl::StrCat("memory of ", DTypeText(program_.buffers[window.buffer.value].dtype), " is seen as ",
                               DTypeText(t.dtype)));
  }

  void BindInputBuffers() {
    absl::flat_hash_set<BufferId> read;
    for (const Step& step : program_.steps) {
      if (const Kernel* kernel = std::get_if<Kernel>(&step)) {
        for (const Inst& inst : kernel->insts) read.insert(inst.buffer);
      } else if (const ExternCall* call = std::get_if<ExternCall>(&step)) {
        for (const Operand& arg : call->args) AddReads(arg, read);
      }
    }
    for (size_t i = 0; i < fake_.graph.inputs.size(); ++i) {
      const FakeTensor* t = std::get_if<FakeTensor>(&fake_.values[i]);
      BufferId id = t == nullptr ? BufferId{} : state_.WindowOf(*t).buffer;
      program_.input_buffers.push_back(read.contains(id) ? id : BufferId{});
    }
  }

  static void AddReads(const Operand& operand, absl::flat_hash_set<BufferId>& read) {
    if (const auto* tensor = std::get_if<TensorOperand>(&operand.v)) read.insert(tensor->buffer);
    if (const auto* list = std::get_if<OperandList>(&operand.v)) {
      for (const Operand& item : *list) AddReads(item, read);
    }
  }

  FakeGraph& fake_;
  LoopProgram program_;
  LoweringState state_;
  std::vector<bool> live_;  // by node
  std::vector<bool> asserted_;  // by runtime assert
  std::vector<Epilogue> epilogues_;
  // Of nodes that are part of a call with an epilogue: the epilogue for the node where
  // the call stands, nullptr for the others.
  absl::flat_hash_map<int, const Epilogue*> call_of_node_;
};

}  // namespace

absl::StatusOr<LoopProgram> LowerToLoops(FakeGraph& fake, absl::Span<const std::string> host_extern_ops,
                                         absl::Span<const int> origins, const LoweringOptions& options) {
  return GraphLowering(fake, host_extern_ops, origins, options).Run();
}

}  // namespace kiln
