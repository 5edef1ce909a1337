#include "compiler/loops/testing/interpret_loop_program.h"

#include <cmath>
#include <functional>
#include <optional>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/loops/random_state.h"
#include "compiler/loops/testing/plain_arithmetic.h"
#include "compiler/loops/testing/plain_philox.h"

namespace kiln {
namespace {

using Storage = std::shared_ptr<std::vector<PlainNumber>>;

absl::Status Bad(absl::string_view what) {
  return MakeError(ErrorReason::kCompilerBug, absl::StrCat("interpreter: ", what));
}

// Calls `visit(index, place)` for each element in row-major order, where place
// is its index in the storage.
void VisitElements(const PlainTensor& t, const std::function<void(absl::Span<const int64_t>, int64_t)>& visit) {
  std::vector<int64_t> index(t.sizes.size(), 0);
  for (int64_t size : t.sizes) {
    if (size == 0) return;
  }
  while (true) {
    int64_t place = t.offset;
    for (size_t d = 0; d < index.size(); ++d) place += index[d] * t.strides[d];
    visit(index, place);
    size_t d = index.size();
    while (d > 0 && ++index[d - 1] == t.sizes[d - 1]) index[--d] = 0;
    if (d == 0) return;
  }
}

struct Accumulator {
  bool started = false;
  PlainNumber value;
  int64_t index = 0;
  double mean = 0;
  double m2 = 0;
  int64_t count = 0;
};

class Interpreter {
 public:
  Interpreter(const LoopProgram& program, const std::vector<PlainTensor>& inputs,
              const std::map<std::string, int64_t>& symbols)
      : program_(program), inputs_(inputs) {
    for (const auto& [name, value] : symbols) symbols_[name] = value;
  }

  absl::StatusOr<std::vector<PlainTensor>> Run() {
    KILN_RETURN_IF_ERROR(MakeBuffers());
    for (const Step& step : program_.steps) {
      if (const Kernel* kernel = std::get_if<Kernel>(&step)) {
        KILN_RETURN_IF_ERROR(RunKernel(*kernel));
      } else if (const ExternCall* call = std::get_if<ExternCall>(&step)) {
        KILN_RETURN_IF_ERROR(RunExtern(*call));
      } else if (const ReadNumber* read = std::get_if<ReadNumber>(&step)) {
        if (read->symbol.type() == ExprType::kFloat) return Bad("no float symbols here");
        symbols_[std::string(read->symbol.symbol_name())] = (*buffers_[read->buffer.value])[0].i;
        KILN_RETURN_IF_ERROR(MakeBuffers());
      } else if (const RuntimeAssert* a = std::get_if<RuntimeAssert>(&step)) {
        KILN_ASSIGN_OR_RETURN(ScalarValue holds, Value(a->condition));
        if (holds.i == 0) return MakeError(ErrorReason::kDataDependentSize, a->message);
      }
    }
    return Outputs();
  }

 private:
  std::function<std::optional<int64_t>(Expr)> Lookup() const {
    return [this](Expr symbol) -> std::optional<int64_t> {
      auto found = symbols_.find(symbol.symbol_name());
      if (found == symbols_.end()) return std::nullopt;
      return found->second;
    };
  }
  absl::StatusOr<int64_t> Int(Expr e) const {
    if (std::optional<int64_t> i = e.AsInt(); i.has_value()) return *i;
    std::optional<int64_t> v = EvaluateInt(e, Lookup());
    if (!v.has_value()) return Bad(absl::StrCat("no value of ", e.ToString()));
    return *v;
  }
  absl::StatusOr<ScalarValue> Value(Expr e) const {
    std::optional<ScalarValue> v = Evaluate(e, Lookup());
    if (!v.has_value()) return Bad(absl::StrCat("no value of ", e.ToString()));
    return *v;
  }

  // Those that are not there yet and whose size is known: at first all but those whose
  // size is a matter of symbols that some step binds.
  absl::Status MakeBuffers() {
    absl::flat_hash_set<Expr> late;
    for (const Step& step : program_.steps) {
      for (Expr symbol : BoundSymbols(step)) {
        if (!symbols_.contains(symbol.symbol_name())) late.insert(symbol);
      }
    }
    buffers_.resize(program_.buffers.size());
    for (size_t b = 0; b < buffers_.size(); ++b) {
      const Buffer& buffer = program_.buffers[b];
      bool is_known = true;
      VisitSymbols(buffer.num_elements, [&](Expr symbol) { is_known = is_known && !late.contains(symbol); });
      if (buffers_[b] != nullptr || !is_known) continue;
      if (buffer.kind == BufferKind::kInput) {
        buffers_[b] = inputs_[buffer.index].storage;
        continue;
      }
      if (buffer.alias_of.value >= 0) {
        buffers_[b] = buffers_[buffer.alias_of.value];
        continue;
      }
      KILN_ASSIGN_OR_RETURN(int64_t size, Int(buffer.num_elements));
      // nan and a strange number stand for what nobody wrote.
      buffers_[b] = std::make_shared<std::vector<PlainNumber>>(std::max<int64_t>(size, 0), PlainNumber{NAN, 77});
    }
    return absl::OkStatus();
  }

  // --- kernels

  absl::Status RunKernel(const Kernel& kernel) {
    KILN_ASSIGN_OR_RETURN(ScalarValue runs, Value(kernel.when));
    if (runs.i == 0) return absl::OkStatus();
    kernel_ = &kernel;
    values_.assign(kernel.insts.size(), PlainNumber{});
    accumulators_.clear();
    return RunBody(kernel.body);
  }

  absl::Status RunBody(const std::vector<Stmt>& body) {
    for (const Stmt& stmt : body) {
      if (const int* id = std::get_if<int>(&stmt)) {
        KILN_RETURN_IF_ERROR(RunInst(*id));
        continue;
      }
      const Loop& loop = *std::get<std::unique_ptr<Loop>>(stmt);
      KILN_ASSIGN_OR_RETURN(int64_t extent, Int(loop.extent));
      std::string name(loop.variable.symbol_name());
      for (int64_t i = 0; i < extent; ++i) {
        symbols_[name] = i;
        KILN_RETURN_IF_ERROR(RunBody(loop.body));
      }
      symbols_.erase(name);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<PlainNumber*> Place(const Inst& inst) {
    KILN_ASSIGN_OR_RETURN(int64_t index, Int(inst.expr));
    Storage& storage = buffers_[inst.buffer.value];
    if (index < 0 || index >= static_cast<int64_t>(storage->size())) {
      return Bad(absl::StrCat(kernel_->name, ": b", inst.buffer.value, "[", inst.expr.ToString(), "]: ", index,
                              " is out of [0, ", storage->size(), ")"));
    }
    return &(*storage)[index];
  }

  DType BufferDType(const Inst& inst) const { return program_.buffers[inst.buffer.value].dtype; }

  absl::Status RunInst(int id) {
    const Inst& inst = kernel_->insts[id];
    PlainNumber& value = values_[id];
    auto arg = [&](int i) { return values_[inst.args[i]]; };
    switch (inst.kind) {
      case InstKind::kConstant:
        value = NumberOf(inst.dtype, inst.constant);
        return absl::OkStatus();
      case InstKind::kExpr: {
        KILN_ASSIGN_OR_RETURN(ScalarValue scalar, Value(inst.expr));
        value = NumberOf(inst.dtype, scalar);
        return absl::OkStatus();
      }
      case InstKind::kLoad: {
        KILN_ASSIGN_OR_RETURN(PlainNumber * place, Place(inst));
        value = CastNumber(BufferDType(inst), inst.dtype, *place);
        return absl::OkStatus();
      }
      case InstKind::kStore: {
        KILN_ASSIGN_OR_RETURN(PlainNumber * place, Place(inst));
        *place = CastNumber(inst.dtype, BufferDType(inst), arg(0));
        return absl::OkStatus();
      }
      case InstKind::kStoreAdd: {
        KILN_ASSIGN_OR_RETURN(PlainNumber * place, Place(inst));
        PlainNumber sum = RoundTo(inst.dtype, {place->f + arg(0).f, place->i + arg(0).i});
        *place = CastNumber(inst.dtype, BufferDType(inst), sum);
        return absl::OkStatus();
      }
      case InstKind::kScalar: {
        std::vector<PlainNumber> args;
        for (int a : inst.args) args.push_back(values_[a]);
        value = ApplyScalarOp(inst.op, inst.dtype, kernel_->insts[inst.args.back()].dtype, args);
        return absl::OkStatus();
      }
      case InstKind::kIndirect:
        return RunIndirect(inst, arg(0).i);
      case InstKind::kAccumulate:
        accumulators_[id] = Accumulator{};
        return absl::OkStatus();
      case InstKind::kUpdate:
        Update(inst, arg(1), inst.args.size() > 2 ? arg(2).i : 0);
        return absl::OkStatus();
      case InstKind::kResult:
        value = Result(inst);
        return absl::OkStatus();
      case InstKind::kRandom:
      case InstKind::kState: {
        KILN_ASSIGN_OR_RETURN(int64_t at, Int(inst.expr));
        const int64_t seed = inst.args.empty() ? static_cast<int64_t>(kTestSeed) : arg(0).i;
        const int64_t slot = inst.result + (inst.args.empty() ? 0 : arg(1).i);
        value = inst.kind == InstKind::kState ? PlainNumber{0, StateWord(seed, slot, at)}
                                              : RoundTo(inst.dtype, {Uniform(inst.dtype, seed, slot, at), 0});
        return absl::OkStatus();
      }
    }
    return Bad("an instruction of no kind");
  }

  static double Uniform(DType dtype, int64_t seed, int64_t slot, int64_t counter) {
    return PlainUniform(dtype == DType::kFloat64, static_cast<uint64_t>(seed), static_cast<uint32_t>(slot),
                        static_cast<uint64_t>(counter));
  }

  static int64_t StateWord(int64_t seed, int64_t slot, int64_t word) {
    if (word == kRandomStateSeedWord) return seed;
    return word == kRandomStateHeaderWord ? slot << kRandomStateSlotShift | kRandomStateMark : 0;
  }

  absl::Status RunIndirect(const Inst& inst, int64_t index) {
    KILN_ASSIGN_OR_RETURN(int64_t bound, Int(inst.bound));
    int64_t wrapped = index < 0 ? index + bound : index;
    if (wrapped < 0 || wrapped >= bound) {
      return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("index ", index, " is out of [0, ", bound, ")"));
    }
    symbols_[std::string(inst.expr.symbol_name())] = wrapped;
    return absl::OkStatus();
  }

  void Update(const Inst& inst, PlainNumber v, int64_t index) {
    const Inst& declared = kernel_->insts[inst.args[0]];
    Accumulator& a = accumulators_[inst.args[0]];
    DType dtype = declared.dtype;
    auto apply = [&](ScalarOp op) { return ApplyScalarOp(op, dtype, dtype, {a.value, v}); };
    bool first = !std::exchange(a.started, true);
    switch (declared.reduce) {
      case ReduceKind::kSum:
        a.value = first ? v : apply(ScalarOp::kAdd);
        return;
      case ReduceKind::kProd:
        a.value = first ? v : apply(ScalarOp::kMul);
        return;
      case ReduceKind::kMax:
        a.value = first ? v : apply(ScalarOp::kMaximum);
        return;
      case ReduceKind::kMin:
        a.value = first ? v : apply(ScalarOp::kMinimum);
        return;
      case ReduceKind::kAny:
        a.value = first ? v : apply(ScalarOp::kBitOr);
        return;
      case ReduceKind::kAll:
        a.value = first ? v : apply(ScalarOp::kBitAnd);
        return;
      case ReduceKind::kArgMax:
      case ReduceKind::kWindowMax:
      case ReduceKind::kArgMin: {
        const bool floating = !IsIntegralOrBool(dtype);
        const bool old_is_nan = floating && std::isnan(a.value.f), is_nan = floating && std::isnan(v.f);
        const bool is_better = declared.reduce == ReduceKind::kArgMin ? apply(ScalarOp::kGt).i != 0
                                                                      : apply(ScalarOp::kLt).i != 0;
        const bool both_nan = old_is_nan && is_nan;
        const bool takes_of_equals = both_nan && declared.reduce == ReduceKind::kWindowMax ? index > a.index
                                                                                           : index < a.index;
        const bool is_same = both_nan || apply(ScalarOp::kEq).i != 0;
        const bool takes = first || (is_nan && !old_is_nan) || is_better || (is_same && takes_of_equals);
        if (takes) a.value = v, a.index = index;
        return;
      }
      case ReduceKind::kWelford: {
        ++a.count;
        double delta = v.f - a.mean;
        a.mean += delta / static_cast<double>(a.count);
        a.m2 += delta * (v.f - a.mean);
        return;
      }
    }
  }

  // Of no elements: the neutral one.
  static PlainNumber Neutral(ReduceKind kind, DType dtype) {
    bool floating = !IsIntegralOrBool(dtype);
    if (kind == ReduceKind::kProd || kind == ReduceKind::kAll) return {1, 1};
    if (kind == ReduceKind::kMax) return {-INFINITY, floating ? 0 : INT64_MIN};
    if (kind == ReduceKind::kMin) return {INFINITY, floating ? 0 : INT64_MAX};
    return {};
  }

  PlainNumber Result(const Inst& inst) {
    const Inst& declared = kernel_->insts[inst.args[0]];
    const Accumulator& a = accumulators_[inst.args[0]];
    if (declared.reduce == ReduceKind::kWelford) {
      double results[] = {a.mean, a.m2, static_cast<double>(a.count)};
      return RoundTo(inst.dtype, {results[inst.result], 0});
    }
    if (inst.result == 1) return {0, a.index};
    return a.started ? a.value : Neutral(declared.reduce, declared.dtype);
  }

  // --- extern calls and outputs

  absl::StatusOr<PlainTensor> Tensor(const TensorOperand& operand) const {
    PlainTensor t;
    t.dtype = operand.dtype;
    for (Expr e : operand.sizes) {
      KILN_ASSIGN_OR_RETURN(int64_t size, Int(e));
      t.sizes.push_back(size);
    }
    for (Expr e : operand.strides) {
      KILN_ASSIGN_OR_RETURN(int64_t stride, Int(e));
      t.strides.push_back(stride);
    }
    KILN_ASSIGN_OR_RETURN(t.offset, Int(operand.offset));
    t.storage = buffers_[operand.buffer.value];
    return t;
  }

  absl::StatusOr<double> Number(const Operand& operand) const {
    if (const double* f = std::get_if<double>(&operand.v)) return *f;
    const Expr* e = std::get_if<Expr>(&operand.v);
    if (e == nullptr) return Bad("an operand is no number");
    KILN_ASSIGN_OR_RETURN(ScalarValue v, Value(*e));
    return v.type == ExprType::kFloat ? v.f : static_cast<double>(v.i);
  }

  // The indices of what is not zero, a row each.
  absl::Status RunNonzero(const ExternCall& call) {
    KILN_ASSIGN_OR_RETURN(PlainTensor in, Tensor(std::get<TensorOperand>(call.args[0].v)));
    std::vector<std::vector<int64_t>> rows;
    VisitElements(in, [&](absl::Span<const int64_t> at, int64_t place) {
      const PlainNumber& n = (*in.storage)[place];
      if (IsIntegralOrBool(in.dtype) ? n.i != 0 : n.f != 0) rows.emplace_back(at.begin(), at.end());
    });
    // Of a tensor without elements it is known that there are none.
    if (call.binds.size() > 1 || (call.binds.empty() && !rows.empty())) {
      return Bad("nonzero tells how many rows there are");
    }
    for (const auto& bind : call.binds) {
      symbols_[std::string(bind.symbol.symbol_name())] = static_cast<int64_t>(rows.size());
    }
    KILN_RETURN_IF_ERROR(MakeBuffers());
    KILN_ASSIGN_OR_RETURN(PlainTensor out, Tensor(call.outputs[0]));
    VisitElements(out, [&](absl::Span<const int64_t> at, int64_t place) { (*out.storage)[place].i = rows[at[0]][at[1]]; });
    return absl::OkStatus();
  }

  // out = beta * self + alpha * lhs @ rhs on the last two dimensions.
  absl::Status RunExtern(const ExternCall& call) {
    if (call.op == "aten.nonzero.default") return RunNonzero(call);
    bool adds = call.op == "aten.addmm.out" || call.op == "aten.baddbmm.out";
    if (!adds && call.op != "aten.mm.out" && call.op != "aten.bmm.out") {
      return MakeError(ErrorReason::kUnsupportedGraph, absl::StrCat("the interpreter has no ", call.op));
    }
    std::vector<PlainTensor> tensors;
    for (const Operand& arg : call.args) {
      if (const auto* operand = std::get_if<TensorOperand>(&arg.v)) {
        KILN_ASSIGN_OR_RETURN(PlainTensor t, Tensor(*operand));
        tensors.push_back(std::move(t));
      }
    }
    double beta = 0;
    double alpha = 1;
    if (adds) {
      KILN_ASSIGN_OR_RETURN(beta, Number(call.args[3]));
      KILN_ASSIGN_OR_RETURN(alpha, Number(call.args[4]));
    }
    KILN_ASSIGN_OR_RETURN(PlainTensor out, Tensor(call.outputs[0]));
    Multiply(tensors, adds, beta, alpha, out);
    return absl::OkStatus();
  }

  static double ToDouble(const PlainTensor& t, int64_t place) {
    return CastNumber(t.dtype, DType::kFloat64, (*t.storage)[place]).f;
  }

  static void Multiply(const std::vector<PlainTensor>& tensors, bool adds, double beta, double alpha,
                       const PlainTensor& out) {
    const PlainTensor& lhs = tensors[adds ? 1 : 0];
    const PlainTensor& rhs = tensors[adds ? 2 : 1];
    size_t batched = lhs.sizes.size() - 2;
    VisitElements(out, [&](absl::Span<const int64_t> at, int64_t place) {
      int64_t l = lhs.offset + at[batched] * lhs.strides[batched];
      int64_t r = rhs.offset + at[batched + 1] * rhs.strides[batched + 1];
      if (batched > 0) l += at[0] * lhs.strides[0], r += at[0] * rhs.strides[0];
      double sum = 0;
      for (int64_t k = 0; k < rhs.sizes[batched]; ++k) {
        sum += ToDouble(lhs, l + k * lhs.strides[batched + 1]) * ToDouble(rhs, r + k * rhs.strides[batched]);
      }
      sum *= alpha;
      if (adds) {
        const PlainTensor& self = tensors[0];
        int64_t s = self.offset;
        size_t skip = at.size() - self.sizes.size();
        for (size_t d = 0; d < self.sizes.size(); ++d) s += self.sizes[d] == 1 ? 0 : at[skip + d] * self.strides[d];
        if (beta != 0) sum += beta * ToDouble(self, s);
      }
      (*out.storage)[place] = CastNumber(DType::kFloat64, out.dtype, {sum, 0});
    });
  }

  absl::StatusOr<std::vector<PlainTensor>> Outputs() const {
    std::vector<PlainTensor> outputs;
    using Kind = OutputBinding::Kind;
    for (const OutputBinding& binding : program_.outputs) {
      PlainTensor t;
      if (binding.kind == Kind::kInput) {
        t = inputs_[binding.alias_of];
      } else if (binding.kind == Kind::kScalar) {
        KILN_ASSIGN_OR_RETURN(t.scalar, Value(binding.scalar));
      } else if (binding.kind != Kind::kNone) {
        KILN_ASSIGN_OR_RETURN(t, Tensor(binding.tensor));
      }
      outputs.push_back(std::move(t));
    }
    return outputs;
  }

  const LoopProgram& program_;
  const std::vector<PlainTensor>& inputs_;
  absl::flat_hash_map<std::string, int64_t> symbols_;
  std::vector<Storage> buffers_;
  const Kernel* kernel_ = nullptr;
  std::vector<PlainNumber> values_;
  absl::flat_hash_map<int, Accumulator> accumulators_;
};

}  // namespace

PlainTensor PlainTensor::Of(DType dtype, std::vector<int64_t> sizes, const std::vector<double>& values) {
  PlainTensor t;
  t.dtype = dtype;
  t.strides.resize(sizes.size());
  int64_t stride = 1;
  for (size_t d = sizes.size(); d-- > 0;) {
    t.strides[d] = stride;
    stride *= std::max<int64_t>(sizes[d], 1);
  }
  t.sizes = std::move(sizes);
  t.storage = std::make_shared<std::vector<PlainNumber>>();
  for (double v : values) t.storage->push_back(CastNumber(DType::kFloat64, dtype, {v, 0}));
  return t;
}

std::vector<double> PlainTensor::Values() const {
  std::vector<double> values;
  if (storage == nullptr) return values;
  bool integer = IsIntegralOrBool(dtype);
  VisitElements(*this, [&](absl::Span<const int64_t>, int64_t place) {
    const PlainNumber& n = (*storage)[place];
    values.push_back(integer ? static_cast<double>(n.i) : n.f);
  });
  return values;
}

absl::StatusOr<std::vector<PlainTensor>> InterpretLoopProgram(const LoopProgram& program,
                                                              const std::vector<PlainTensor>& inputs,
                                                              const std::map<std::string, int64_t>& symbols) {
  return Interpreter(program, inputs, symbols).Run();
}

}  // namespace kiln
