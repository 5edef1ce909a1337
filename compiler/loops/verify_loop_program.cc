// Checks the semantics that loop_ir.h tells. What it refuses is a bug of an
// earlier stage, so every error is COMPILER_BUG with the offending place.
#include <string>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {
namespace {

absl::Status Bug(absl::string_view where, absl::string_view what) {
  return MakeError(ErrorReason::kCompilerBug, absl::StrCat("loop program: ", where, ": ", what));
}

bool IsPlainDType(DType dtype) { return ComputationDType(dtype) == dtype && !IsComplex(dtype); }

class KernelVerifier {
 public:
  // `symbols`: those of the program and of the calls before the kernel.
  KernelVerifier(const LoopProgram& program, const absl::flat_hash_set<std::string>& symbols, const Kernel& kernel)
      : program_(program),
        kernel_(kernel),
        placed_(kernel.insts.size()),
        scopes_(kernel.insts.size(), -1),
        symbols_(symbols) {}

  absl::Status Verify() {
    KILN_RETURN_IF_ERROR(CheckExpr(kernel_.grain, "grain"));
    KILN_RETURN_IF_ERROR(CheckExpr(kernel_.when, "when"));
    if (kernel_.when.type() != ExprType::kBool) return Fail(absl::StrCat("when: ", kernel_.when.ToString(), " is no truth"));
    return VerifyBody(kernel_.body);
  }

 private:
  absl::Status Fail(absl::string_view what) const { return Bug(absl::StrCat("kernel ", kernel_.name), what); }
  absl::Status FailAt(int id, absl::string_view what) const { return Fail(absl::StrCat("instruction ", id, ": ", what)); }

  absl::Status CheckExpr(Expr e, absl::string_view where) const {
    if (e.is_poison()) return Fail(absl::StrCat(where, ": the expression overflows"));
    absl::Status status = absl::OkStatus();
    VisitSymbols(e, [&](Expr symbol) {
      if (status.ok() && !symbols_.contains(symbol.symbol_name())) {
        status = Fail(absl::StrCat(where, ": symbol ", symbol.symbol_name(), " is not visible"));
      }
    });
    return status;
  }

  absl::Status VerifyBody(const std::vector<Stmt>& body) {
    std::vector<int> defined;
    std::vector<std::string> indirect;
    for (const Stmt& stmt : body) {
      if (const int* id = std::get_if<int>(&stmt)) {
        KILN_RETURN_IF_ERROR(VerifyInst(*id));
        defined.push_back(*id);
        const Inst& inst = kernel_.insts[*id];
        if (inst.kind != InstKind::kIndirect) continue;
        KILN_RETURN_IF_ERROR(DefineSymbol(inst.expr));
        indirect.emplace_back(inst.expr.symbol_name());
        continue;
      }
      KILN_RETURN_IF_ERROR(VerifyLoop(*std::get<std::unique_ptr<Loop>>(stmt)));
    }
    for (int id : defined) scopes_[id] = -1;
    for (const std::string& symbol : indirect) symbols_.erase(symbol);
    return absl::OkStatus();
  }

  absl::Status DefineSymbol(Expr symbol) {
    if (symbol.kind() != ExprKind::kSymbol) return Fail(absl::StrCat(symbol.ToString(), " is no symbol"));
    if (!symbols_.insert(std::string(symbol.symbol_name())).second) {
      return Fail(absl::StrCat("symbol ", symbol.symbol_name(), " is defined twice"));
    }
    return absl::OkStatus();
  }

  absl::Status VerifyLoop(const Loop& loop) {
    if (in_vector_) return Fail("a loop inside a vector loop");
    KILN_RETURN_IF_ERROR(CheckExpr(loop.extent, "a loop's extent"));
    if (loop.kind == LoopKind::kParallel) {
      if (depth_ > 0) return Fail("a parallel loop that is not outermost");
      if (has_parallel_) return Fail("two parallel loops");
      has_parallel_ = true;
    }
    KILN_RETURN_IF_ERROR(DefineSymbol(loop.variable));
    ++depth_;
    bool was_parallel = in_parallel_;
    in_vector_ = loop.kind == LoopKind::kVector;
    in_parallel_ |= loop.kind == LoopKind::kParallel;
    if (in_vector_) updated_in_vector_.clear();
    KILN_RETURN_IF_ERROR(VerifyBody(loop.body));
    in_vector_ = false;
    in_parallel_ = was_parallel;
    --depth_;
    symbols_.erase(std::string(loop.variable.symbol_name()));
    return absl::OkStatus();
  }

  absl::Status VerifyInst(int id) {
    if (id < 0 || id >= static_cast<int>(kernel_.insts.size())) return Fail(absl::StrCat("no instruction ", id));
    if (placed_[id]) return FailAt(id, "stands in two places");
    placed_[id] = true;
    const Inst& inst = kernel_.insts[id];
    for (size_t a = 0; a < inst.args.size(); ++a) {
      int arg = inst.args[a];
      if (arg < 0 || arg >= static_cast<int>(kernel_.insts.size()) || scopes_[arg] < 0) {
        return FailAt(id, absl::StrCat("operand ", arg, " is not visible"));
      }
      bool is_accumulator = kernel_.insts[arg].kind == InstKind::kAccumulate;
      bool wants_accumulator =
          a == 0 && (inst.kind == InstKind::kUpdate || inst.kind == InstKind::kResult);
      if (is_accumulator != wants_accumulator) return FailAt(id, absl::StrCat("operand ", arg, " is of the wrong kind"));
    }
    KILN_RETURN_IF_ERROR(CheckExpr(inst.expr, absl::StrCat("instruction ", id), inst.kind));
    const bool is_rounding = inst.kind == InstKind::kScalar && inst.op == ScalarOp::kCast &&
                             (inst.dtype == DType::kFloat16 || inst.dtype == DType::kBFloat16);
    if (!is_rounding && !IsPlainDType(inst.dtype)) return FailAt(id, absl::StrCat("computes in ", DTypeText(inst.dtype)));
    scopes_[id] = depth_;
    // What is defined outside of the parallel loop is shared by its tasks.
    if (inst.kind == InstKind::kAccumulate && in_parallel_) private_.insert(id);
    return VerifyByKind(id, inst);
  }

  // The symbol of an indirect instruction is defined by it.
  absl::Status CheckExpr(Expr e, absl::string_view where, InstKind kind) const {
    return kind == InstKind::kIndirect ? absl::OkStatus() : CheckExpr(e, where);
  }

  absl::Status VerifyByKind(int id, const Inst& inst) {
    switch (inst.kind) {
      case InstKind::kConstant:
      case InstKind::kExpr:
        return CheckArity(id, 0);
      case InstKind::kRandom:
      case InstKind::kState:
        return VerifyRandom(id, inst);
      case InstKind::kLoad:
        KILN_RETURN_IF_ERROR(CheckArity(id, 0));
        return CheckAccess(id);
      case InstKind::kStore:
      case InstKind::kStoreAdd:
        KILN_RETURN_IF_ERROR(CheckArity(id, 1));
        if (inst.kind == InstKind::kStoreAdd && in_vector_) return FailAt(id, "store_add inside a vector loop");
        return CheckAccess(id);
      case InstKind::kScalar:
        return VerifyScalar(id, inst);
      case InstKind::kIndirect:
        KILN_RETURN_IF_ERROR(CheckArity(id, 1));
        if (DTypeOf(inst.args[0]) == DType::kBool || !IsIntegralOrBool(DTypeOf(inst.args[0]))) {
          return FailAt(id, "the index is no integer");
        }
        return CheckExpr(inst.bound, "an index bound");
      case InstKind::kAccumulate:
        return CheckArity(id, 0);
      case InstKind::kUpdate:
        return VerifyUpdate(id, inst);
      case InstKind::kResult:
        return VerifyResult(id, inst);
    }
    return FailAt(id, "is of no kind");
  }

  DType DTypeOf(int id) const { return kernel_.insts[id].dtype; }

  absl::Status CheckArity(int id, size_t count) const {
    size_t given = kernel_.insts[id].args.size();
    if (given == count) return absl::OkStatus();
    return FailAt(id, absl::StrCat("has ", given, " operands, not ", count));
  }

  absl::Status CheckAccess(int id) const {
    const Inst& inst = kernel_.insts[id];
    if (inst.buffer.value < 0 || inst.buffer.value >= static_cast<int>(program_.buffers.size())) {
      return FailAt(id, absl::StrCat("no buffer b", inst.buffer.value));
    }
    DType expected = ComputationDType(program_.buffers[inst.buffer.value].dtype);
    DType dtype = inst.kind == InstKind::kLoad ? inst.dtype : DTypeOf(inst.args[0]);
    if (dtype == expected) return absl::OkStatus();
    return FailAt(id, absl::StrCat("accesses b", inst.buffer.value, " as ", DTypeText(dtype), ", not ",
                                   DTypeText(expected)));
  }

  absl::Status VerifyScalar(int id, const Inst& inst) const {
    KILN_RETURN_IF_ERROR(CheckArity(id, ScalarOpArity(inst.op)));
    if (inst.op == ScalarOp::kCast) return absl::OkStatus();
    bool tests = IsComparison(inst.op) || inst.op == ScalarOp::kIsNan || inst.op == ScalarOp::kIsInf;
    if ((tests || inst.op == ScalarOp::kNot) && inst.dtype != DType::kBool) return FailAt(id, "is not bool");
    DType operand = tests ? DTypeOf(inst.args[0]) : inst.dtype;
    for (size_t a = 0; a < inst.args.size(); ++a) {
      DType expected = inst.op == ScalarOp::kWhere && a == 0 ? DType::kBool : operand;
      if (DTypeOf(inst.args[a]) == expected) continue;
      return FailAt(id, absl::StrCat(ScalarOpName(inst.op), " ", DTypeText(inst.dtype), ": operand ", a, " is ",
                                     DTypeText(DTypeOf(inst.args[a])), ", not ", DTypeText(expected)));
    }
    return absl::OkStatus();
  }

  absl::Status VerifyRandom(int id, const Inst& inst) const {
    if (inst.kind == InstKind::kState && inst.dtype != DType::kInt64) return FailAt(id, "is not i64");
    if (inst.kind == InstKind::kRandom && !IsFloating(inst.dtype)) return FailAt(id, "is no float");
    for (int arg : inst.args) {
      if (DTypeOf(arg) != DType::kInt64) return FailAt(id, "its seed or slot is not i64");
    }
    return inst.args.empty() ? absl::OkStatus() : CheckArity(id, 2);
  }

  absl::Status VerifyUpdate(int id, const Inst& inst) {
    if (inst.args.empty()) return FailAt(id, "updates nothing");
    const Inst& accumulator = kernel_.insts[inst.args[0]];
    bool indexed = HasIndex(accumulator.reduce);
    KILN_RETURN_IF_ERROR(CheckArity(id, indexed ? 3 : 2));
    if (DTypeOf(inst.args[1]) != accumulator.dtype) return FailAt(id, "the value is not of the accumulator's dtype");
    if (indexed && DTypeOf(inst.args[2]) != DType::kInt64) return FailAt(id, "the index is not i64");
    if (in_parallel_ && !private_.contains(inst.args[0])) return FailAt(id, "parallel tasks share the accumulator");
    if (in_vector_) updated_in_vector_.insert(inst.args[0]);
    return absl::OkStatus();
  }

  absl::Status VerifyResult(int id, const Inst& inst) const {
    KILN_RETURN_IF_ERROR(CheckArity(id, 1));
    const Inst& accumulator = kernel_.insts[inst.args[0]];
    bool indexed = HasIndex(accumulator.reduce);
    int results = accumulator.reduce == ReduceKind::kWelford ? 3 : indexed ? 2 : 1;
    if (inst.result < 0 || inst.result >= results) return FailAt(id, absl::StrCat("no result ", inst.result));
    DType expected = indexed && inst.result == 1 ? DType::kInt64 : accumulator.dtype;
    if (inst.dtype != expected) return FailAt(id, "is not of the result's dtype");
    if (in_vector_ && updated_in_vector_.contains(inst.args[0])) {
      return FailAt(id, "reads an accumulator that its own vector loop updates");
    }
    return absl::OkStatus();
  }

  const LoopProgram& program_;
  const Kernel& kernel_;
  std::vector<bool> placed_;
  // The loop depth that an instruction was defined at, or -1 where not visible.
  std::vector<int> scopes_;
  absl::flat_hash_set<std::string> symbols_;
  absl::flat_hash_set<int> private_;
  absl::flat_hash_set<int> updated_in_vector_;
  int depth_ = 0;
  bool has_parallel_ = false;
  bool in_parallel_ = false;
  bool in_vector_ = false;
};

class ProgramVerifier {
 public:
  explicit ProgramVerifier(const LoopProgram& program)
      : program_(program), symbols_(program.symbols.begin(), program.symbols.end()) {}

  absl::Status Verify() {
    if (static_cast<int>(program_.input_buffers.size()) != program_.num_inputs) {
      return Bug("inputs", absl::StrCat(program_.input_buffers.size(), " buffers for ", program_.num_inputs, " inputs"));
    }
    for (BufferId id : program_.input_buffers) {
      if (id.value >= 0) KILN_RETURN_IF_ERROR(CheckBuffer(id, "inputs"));
    }
    for (const Buffer& buffer : program_.buffers) {
      if (buffer.num_elements.is_poison()) return Bug("buffers", "a size overflows");
      if (buffer.alias_of.value >= 0) KILN_RETURN_IF_ERROR(CheckBuffer(buffer.alias_of, "alias_of"));
    }
    for (const Step& step : program_.steps) KILN_RETURN_IF_ERROR(VerifyStep(step));
    for (size_t i = 0; i < program_.outputs.size(); ++i) KILN_RETURN_IF_ERROR(VerifyOutput(static_cast<int>(i)));
    return absl::OkStatus();
  }

 private:
  absl::Status CheckBuffer(BufferId id, absl::string_view where) const {
    if (id.value >= 0 && id.value < static_cast<int>(program_.buffers.size())) return absl::OkStatus();
    return Bug(where, absl::StrCat("no buffer b", id.value));
  }

  absl::Status CheckTensor(const TensorOperand& tensor, absl::string_view where) const {
    KILN_RETURN_IF_ERROR(CheckBuffer(tensor.buffer, where));
    if (tensor.sizes.size() != tensor.strides.size()) return Bug(where, "sizes and strides differ in rank");
    return absl::OkStatus();
  }

  absl::Status CheckOperand(const Operand& operand, absl::string_view where) const {
    if (const auto* tensor = std::get_if<TensorOperand>(&operand.v)) return CheckTensor(*tensor, where);
    if (const auto* list = std::get_if<OperandList>(&operand.v)) {
      for (const Operand& item : *list) KILN_RETURN_IF_ERROR(CheckOperand(item, where));
    }
    return absl::OkStatus();
  }

  absl::Status VerifyStep(const Step& step) {
    if (const Kernel* kernel = std::get_if<Kernel>(&step)) return KernelVerifier(program_, symbols_, *kernel).Verify();
    if (const Release* release = std::get_if<Release>(&step)) return CheckBuffer(release->buffer, "release");
    if (const ReadNumber* read = std::get_if<ReadNumber>(&step)) return VerifyRead(*read);
    const ExternCall* call = std::get_if<ExternCall>(&step);
    if (call == nullptr) return absl::OkStatus();
    for (const Operand& arg : call->args) KILN_RETURN_IF_ERROR(CheckOperand(arg, call->op));
    for (const TensorOperand& out : call->outputs) {
      if (out.buffer.value < 0) continue;
      KILN_RETURN_IF_ERROR(CheckTensor(out, call->op));
      bool owned = program_.buffers[out.buffer.value].kind == BufferKind::kExternResult;
      if (owned == call->into) return Bug(call->op, absl::StrCat("b", out.buffer.value, " is of the wrong kind"));
    }
    for (const SizeBinding& binding : call->binds) KILN_RETURN_IF_ERROR(VerifyBinding(*call, binding));
    return absl::OkStatus();
  }

  absl::Status VerifyBinding(const ExternCall& call, const SizeBinding& binding) {
    const bool has_output = binding.output >= 0 && binding.output < static_cast<int>(call.outputs.size());
    if (call.into || !has_output || call.outputs[binding.output].buffer.value < 0) {
      return Bug(call.op, absl::StrCat("binds a size of result ", binding.output, ", which it does not make"));
    }
    const Dims& sizes = call.outputs[binding.output].sizes;
    const bool is_size = binding.dim >= 0 && binding.dim < static_cast<int>(sizes.size()) &&
                         sizes[binding.dim] == binding.symbol && binding.symbol.kind() == ExprKind::kSymbol;
    if (!is_size) return Bug(call.op, absl::StrCat("dimension ", binding.dim, " is no symbol to bind"));
    return Bind(binding.symbol, call.op);
  }

  absl::Status VerifyRead(const ReadNumber& read) {
    KILN_RETURN_IF_ERROR(CheckBuffer(read.buffer, "read"));
    const DType dtype = program_.buffers[read.buffer.value].dtype;
    const DType wanted = read.symbol.type() == ExprType::kFloat ? DType::kFloat64 : DType::kInt64;
    if (read.symbol.kind() != ExprKind::kSymbol || dtype != wanted) {
      return Bug("read", absl::StrCat(DTypeText(dtype), " of b", read.buffer.value, " for ", read.symbol.ToString()));
    }
    return Bind(read.symbol, "read");
  }

  absl::Status Bind(Expr symbol, absl::string_view where) {
    if (symbols_.insert(std::string(symbol.symbol_name())).second) return absl::OkStatus();
    return Bug(where, absl::StrCat("symbol ", symbol.symbol_name(), " is bound twice"));
  }

  bool IsNewOutput(int index) const {
    return index >= 0 && index < static_cast<int>(program_.outputs.size()) &&
           program_.outputs[index].kind == OutputBinding::Kind::kNew;
  }

  absl::Status VerifyOutput(int index) const {
    const OutputBinding& binding = program_.outputs[index];
    std::string where = absl::StrCat("output ", index);
    using Kind = OutputBinding::Kind;
    if (binding.kind == Kind::kNew || binding.kind == Kind::kView || binding.kind == Kind::kOutputView) {
      KILN_RETURN_IF_ERROR(CheckTensor(binding.tensor, where));
    }
    if (binding.kind == Kind::kNew && program_.buffers[binding.tensor.buffer.value].kind != BufferKind::kOutput) {
      return Bug(where, "is new, but its buffer is no output's");
    }
    if (binding.kind == Kind::kOutputView && !IsNewOutput(binding.alias_of)) {
      return Bug(where, absl::StrCat("is a view of output ", binding.alias_of, ", which is not new"));
    }
    if (binding.kind == Kind::kInput && (binding.alias_of < 0 || binding.alias_of >= program_.num_inputs)) {
      return Bug(where, absl::StrCat("is input ", binding.alias_of));
    }
    return absl::OkStatus();
  }

  const LoopProgram& program_;
  // Those that the steps so far may mention.
  absl::flat_hash_set<std::string> symbols_;
};

}  // namespace

absl::Status VerifyLoopProgram(const LoopProgram& program) { return ProgramVerifier(program).Verify(); }

}  // namespace kiln
