// The reader of the loop IR's text form: recursive descent over lines.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/loops/loop_ir.h"
#include "fake_runtime/graph/argument.h"
#include "fake_runtime/graph/literal_text.h"
#include "fake_runtime/graph/text_cursor.h"

namespace kiln {
namespace {

class LoopProgramParser {
 public:
  LoopProgramParser(absl::string_view text, ExprPool* pool) : in_(text, "_.:"), pool_(pool) { program_.pool = pool; }

  absl::StatusOr<LoopProgram> Parse() {
    KILN_RETURN_IF_ERROR(ParseHeader());
    while (!in_.TryConsume("}")) KILN_RETURN_IF_ERROR(ParseItem());
    if (!in_.AtEnd()) return in_.Error("text after the program");
    return std::move(program_);
  }

 private:
  // --- words

  absl::StatusOr<int> Int(absl::string_view what) {
    const size_t start = in_.Start();
    KILN_ASSIGN_OR_RETURN(int64_t value, in_.Integer(what));
    if (value != static_cast<int>(value)) return in_.ErrorAt(start, absl::StrCat("expected ", what));
    return static_cast<int>(value);
  }
  absl::StatusOr<DType> ParseDTypeWord() {
    KILN_ASSIGN_OR_RETURN(absl::string_view word, in_.Word("a dtype"));
    std::optional<DType> dtype = ParseDType(word);
    if (!dtype.has_value()) return in_.Error(absl::StrCat("'", word, "' is no dtype"));
    return *dtype;
  }

  absl::StatusOr<BufferId> ParseBufferId() {
    if (in_.TryWord("_")) return BufferId{};
    KILN_RETURN_IF_ERROR(in_.Expect("b"));
    KILN_ASSIGN_OR_RETURN(int value, Int("a buffer's number"));
    return BufferId{value};
  }
  absl::StatusOr<TensorOperand> ParseTensor() {
    TensorOperand tensor;
    if (in_.TryWord("_")) return tensor;
    KILN_ASSIGN_OR_RETURN(tensor.buffer, ParseBufferId());
    KILN_RETURN_IF_ERROR(in_.Expect(":"));
    KILN_ASSIGN_OR_RETURN(tensor.dtype, ParseDTypeWord());
    KILN_ASSIGN_OR_RETURN(tensor.sizes, in_.ParseDims(pool_));
    KILN_RETURN_IF_ERROR(in_.Expect("strides="));
    KILN_ASSIGN_OR_RETURN(tensor.strides, in_.ParseDims(pool_));
    KILN_RETURN_IF_ERROR(in_.Expect("offset="));
    KILN_ASSIGN_OR_RETURN(tensor.offset, in_.ParseExpr(pool_));
    return tensor;
  }

  // --- items of a program

  absl::Status ParseHeader() {
    KILN_RETURN_IF_ERROR(in_.Expect("program"));
    KILN_RETURN_IF_ERROR(in_.Expect("symbols=["));
    while (!in_.TryConsume("]")) {
      KILN_ASSIGN_OR_RETURN(absl::string_view name, in_.Word("a symbol"));
      program_.symbols.emplace_back(name);
      in_.TryConsume(",");
    }
    KILN_RETURN_IF_ERROR(in_.Expect("inputs="));
    KILN_ASSIGN_OR_RETURN(program_.num_inputs, Int("the number of inputs"));
    return in_.Expect("{");
  }

  absl::Status ParseItem() {
    if (in_.TryWord("buffer")) return ParseBuffer();
    if (in_.TryWord("inputs")) return ParseInputs();
    if (in_.TryWord("kernel")) return ParseKernel();
    if (in_.TryWord("extern")) return ParseExtern();
    if (in_.TryWord("assert")) return ParseAssert();
    if (in_.TryWord("read")) return ParseRead();
    if (in_.TryWord("return")) return ParseReturn();
    if (in_.TryWord("release")) {
      KILN_ASSIGN_OR_RETURN(BufferId buffer, ParseBufferId());
      program_.steps.push_back(Release{buffer});
      return absl::OkStatus();
    }
    if (in_.TryWord("arena")) {
      KILN_ASSIGN_OR_RETURN(program_.arena_bytes, in_.ParseExpr(pool_));
      return absl::OkStatus();
    }
    return in_.Error("expected buffer, inputs, arena, kernel, extern, read, release, assert or return");
  }

  absl::Status ParseBuffer() {
    KILN_ASSIGN_OR_RETURN(BufferId id, ParseBufferId());
    if (id.value != static_cast<int>(program_.buffers.size())) return in_.Error("buffers are numbered in order");
    Buffer buffer;
    if (in_.TryWord("input")) {
      buffer.kind = BufferKind::kInput;
      KILN_ASSIGN_OR_RETURN(buffer.index, Int("the input's number"));
    } else if (in_.TryWord("output")) {
      buffer.kind = BufferKind::kOutput;
      KILN_ASSIGN_OR_RETURN(buffer.index, Int("the output's number"));
    } else if (in_.TryWord("extern")) {
      buffer.kind = BufferKind::kExternResult;
    } else if (!in_.TryWord("temporary")) {
      return in_.Error("expected input, output, temporary or extern");
    }
    KILN_ASSIGN_OR_RETURN(buffer.dtype, ParseDTypeWord());
    KILN_RETURN_IF_ERROR(in_.Expect("["));
    KILN_ASSIGN_OR_RETURN(buffer.num_elements, in_.ParseExpr(pool_));
    KILN_RETURN_IF_ERROR(in_.Expect("]"));
    if (in_.TryWord("at")) {
      KILN_RETURN_IF_ERROR(in_.Expect("["));
      KILN_ASSIGN_OR_RETURN(buffer.arena_offset, in_.ParseExpr(pool_));
      KILN_RETURN_IF_ERROR(in_.Expect("]"));
      if (in_.TryWord("of")) {
        KILN_ASSIGN_OR_RETURN(buffer.arena, Int("an arena's number"));
      }
    }
    if (in_.TryWord("in")) {
      KILN_ASSIGN_OR_RETURN(buffer.alias_of, ParseBufferId());
    }
    program_.buffers.push_back(buffer);
    return absl::OkStatus();
  }

  absl::Status ParseInputs() {
    KILN_RETURN_IF_ERROR(in_.Expect("["));
    while (!in_.TryConsume("]")) {
      KILN_ASSIGN_OR_RETURN(BufferId id, ParseBufferId());
      program_.input_buffers.push_back(id);
      in_.TryConsume(",");
    }
    return absl::OkStatus();
  }

  absl::Status ParseAssert() {
    RuntimeAssert a;
    KILN_RETURN_IF_ERROR(in_.Expect("node="));
    KILN_ASSIGN_OR_RETURN(a.node, Int("a node"));
    KILN_ASSIGN_OR_RETURN(a.message, in_.String());
    KILN_ASSIGN_OR_RETURN(a.condition, in_.ParseExpr(pool_));
    program_.steps.push_back(std::move(a));
    return absl::OkStatus();
  }

  absl::Status ParseReturn() {
    OutputBinding binding;
    using Kind = OutputBinding::Kind;
    if (in_.TryWord("new")) {
      KILN_ASSIGN_OR_RETURN(binding.tensor, ParseTensor());
    } else if (in_.TryWord("input")) {
      binding.kind = Kind::kInput;
      KILN_ASSIGN_OR_RETURN(binding.alias_of, Int("an input's number"));
    } else if (in_.TryWord("scalar")) {
      binding.kind = Kind::kScalar;
      KILN_ASSIGN_OR_RETURN(binding.scalar, in_.ParseExpr(pool_));
    } else if (in_.TryWord("none")) {
      binding.kind = Kind::kNone;
    } else {
      binding.kind = in_.PeekWord() == "view" ? Kind::kView : Kind::kOutputView;
      if (!in_.TryWord("view") && !in_.TryWord("output_view")) return in_.Error("expected a kind of output");
      KILN_RETURN_IF_ERROR(in_.Expect("of"));
      KILN_ASSIGN_OR_RETURN(binding.alias_of, Int("an input's or output's number"));
      KILN_ASSIGN_OR_RETURN(binding.tensor, ParseTensor());
    }
    program_.outputs.push_back(std::move(binding));
    return absl::OkStatus();
  }

  // --- extern calls

  absl::Status ParseExtern() {
    ExternCall call;
    KILN_ASSIGN_OR_RETURN(absl::string_view op, in_.Word("an operator"));
    call.op = std::string(op);
    call.into = in_.TryWord("into");
    KILN_RETURN_IF_ERROR(in_.Expect("node="));
    KILN_ASSIGN_OR_RETURN(call.node, Int("a node"));
    if (in_.TryConsume("epilogue=[")) {
      KILN_ASSIGN_OR_RETURN(call.epilogue, ParseNodes());
      KILN_ASSIGN_OR_RETURN(call.why, in_.String());
    }
    KILN_RETURN_IF_ERROR(in_.Expect("("));
    KILN_ASSIGN_OR_RETURN(call.args, ParseOperands(")", kOperandDepth));
    KILN_RETURN_IF_ERROR(in_.Expect("->"));
    KILN_RETURN_IF_ERROR(in_.Expect("("));
    while (!in_.TryConsume(")")) {
      KILN_ASSIGN_OR_RETURN(TensorOperand tensor, ParseTensor());
      call.outputs.push_back(std::move(tensor));
      in_.TryConsume(",");
    }
    if (in_.TryWord("binds")) KILN_RETURN_IF_ERROR(ParseBindings(call));
    program_.steps.push_back(std::move(call));
    return absl::OkStatus();
  }

  absl::Status ParseBindings(ExternCall& call) {
    KILN_RETURN_IF_ERROR(in_.Expect("["));
    while (!in_.TryConsume("]")) {
      SizeBinding& binding = call.binds.emplace_back();
      KILN_ASSIGN_OR_RETURN(absl::string_view name, in_.Word("a symbol"));
      binding.symbol = pool_->Symbol(name);
      KILN_ASSIGN_OR_RETURN(binding.output, Int("a result's number"));
      KILN_ASSIGN_OR_RETURN(binding.dim, Int("a dimension"));
      in_.TryConsume(",");
    }
    return ParseArena(call.arena_bytes);
  }

  absl::Status ParseArena(Expr& bytes) {
    if (!in_.TryWord("arena")) return absl::OkStatus();
    KILN_ASSIGN_OR_RETURN(bytes, in_.ParseExpr(pool_));
    return absl::OkStatus();
  }

  absl::Status ParseRead() {
    ReadNumber read;
    KILN_ASSIGN_OR_RETURN(absl::string_view name, in_.Word("a symbol"));
    read.symbol = pool_->Symbol(name);
    KILN_RETURN_IF_ERROR(in_.Expect("from"));
    KILN_ASSIGN_OR_RETURN(read.buffer, ParseBufferId());
    KILN_RETURN_IF_ERROR(in_.Expect("node="));
    KILN_ASSIGN_OR_RETURN(read.node, Int("a node"));
    KILN_RETURN_IF_ERROR(ParseArena(read.arena_bytes));
    program_.steps.push_back(read);
    return absl::OkStatus();
  }

  // Up to the closing bracket.
  absl::StatusOr<std::vector<int>> ParseNodes() {
    std::vector<int> nodes;
    while (!in_.TryConsume("]")) {
      KILN_ASSIGN_OR_RETURN(int node, Int("a node"));
      nodes.push_back(node);
      in_.TryConsume(",");
    }
    return nodes;
  }

  absl::StatusOr<OperandList> ParseOperands(absl::string_view end, int depth) {
    if (depth == 0) return in_.Error("lists nest too deeply");
    OperandList operands;
    while (!in_.TryConsume(end)) {
      KILN_ASSIGN_OR_RETURN(Operand operand, ParseOperand(depth));
      operands.push_back(std::move(operand));
      in_.TryConsume(",");
    }
    return operands;
  }

  // "b3:" starts a tensor.
  bool AtTensor() {
    absl::string_view word = in_.PeekWord();
    size_t colon = word.find(':');
    return word[0] == 'b' && colon != absl::string_view::npos && colon > 1 &&
           std::all_of(word.begin() + 1, word.begin() + colon, absl::ascii_isdigit);
  }

  absl::StatusOr<Operand> ParseOperand(int depth) {
    if (in_.TryConsume("[")) {
      KILN_ASSIGN_OR_RETURN(OperandList list, ParseOperands("]", depth - 1));
      return Operand{std::move(list)};
    }
    if (in_.At("\"")) {
      KILN_ASSIGN_OR_RETURN(std::string text, in_.String());
      return Operand{std::move(text)};
    }
    if (!in_.PeekWord().empty() && AtTensor()) {
      KILN_ASSIGN_OR_RETURN(TensorOperand tensor, ParseTensor());
      return Operand{std::move(tensor)};
    }
    const size_t start = in_.Start();
    absl::string_view text = in_.ExprText();
    if (std::optional<Argument> word = ParseWord(text); word.has_value()) return FromWord(*word);
    double number = 0;
    int64_t integer = 0;
    if (!absl::SimpleAtoi(text, &integer) && absl::SimpleAtod(text, &number)) return Operand{number};
    in_.set_pos(start);
    KILN_ASSIGN_OR_RETURN(Expr e, in_.ParseExpr(pool_));
    return Operand{e};
  }

  static Operand FromWord(const Argument& word) {
    Operand operand;
    std::visit(
        [&](const auto& value) {
          using T = std::decay_t<decltype(value)>;
          if constexpr (!std::is_same_v<T, ValueId> && !std::is_same_v<T, int64_t> &&
                        !std::is_same_v<T, ArgumentList>) {
            operand.v = value;
          }
        },
        word.v);
    return operand;
  }

  // --- kernels

  absl::Status ParseKernel() {
    Kernel kernel;
    numbers_.clear();
    KILN_ASSIGN_OR_RETURN(absl::string_view name, in_.Word("the kernel's name"));
    kernel.name = std::string(name);
    KILN_RETURN_IF_ERROR(in_.Expect("nodes=["));
    KILN_ASSIGN_OR_RETURN(kernel.nodes, ParseNodes());
    if (in_.TryConsume("grain=")) {
      KILN_ASSIGN_OR_RETURN(kernel.grain, in_.ParseExpr(pool_));
    }
    KILN_RETURN_IF_ERROR(in_.Expect("{"));
    if (in_.TryWord("when")) {
      KILN_ASSIGN_OR_RETURN(kernel.when, in_.ParseExpr(pool_));
    }
    if (in_.TryWord("why")) {
      KILN_ASSIGN_OR_RETURN(kernel.why, in_.String());
    }
    while (in_.TryWord("apart")) {
      KILN_RETURN_IF_ERROR(ParseApart(kernel));
    }
    KILN_RETURN_IF_ERROR(ParseBody(kernel, kernel.body, 0));
    program_.steps.push_back(std::move(kernel));
    return absl::OkStatus();
  }

  absl::Status ParseApart(Kernel& kernel) {
    Apart apart;
    KILN_RETURN_IF_ERROR(in_.Expect("from"));
    KILN_ASSIGN_OR_RETURN(absl::string_view name, in_.Word("a kernel's name"));
    apart.kernel = std::string(name);
    for (ApartReason reason : ApartReasons()) {
      if (!in_.TryWord(ApartReasonName(reason))) continue;
      apart.reason = reason;
      kernel.apart.push_back(std::move(apart));
      return absl::OkStatus();
    }
    return in_.Error("expected a reason of apart_reasons.def");
  }

  absl::Status ParseBody(Kernel& kernel, std::vector<Stmt>& body, int depth) {
    constexpr int kMaxDepth = 256;
    if (depth > kMaxDepth) return in_.Error("loops are nested too deep");
    while (!in_.TryConsume("}")) {
      std::optional<LoopKind> kind;
      for (LoopKind k : {LoopKind::kParallel, LoopKind::kSerial, LoopKind::kVector}) {
        if (in_.TryWord(LoopKindName(k))) kind = k;
      }
      if (!kind.has_value()) {
        KILN_ASSIGN_OR_RETURN(int id, ParseInst(kernel));
        body.emplace_back(id);
        continue;
      }
      auto loop = std::make_unique<Loop>();
      loop->kind = *kind;
      KILN_ASSIGN_OR_RETURN(absl::string_view variable, in_.Word("a loop variable"));
      loop->variable = pool_->Symbol(variable);
      KILN_RETURN_IF_ERROR(in_.Expect("<"));
      KILN_ASSIGN_OR_RETURN(loop->extent, in_.ParseExpr(pool_));
      KILN_RETURN_IF_ERROR(in_.Expect("{"));
      KILN_RETURN_IF_ERROR(ParseBody(kernel, loop->body, depth + 1));
      body.emplace_back(std::move(loop));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<int> ParseRef() {
    KILN_RETURN_IF_ERROR(in_.Expect("%"));
    KILN_ASSIGN_OR_RETURN(int number, Int("an instruction's number"));
    auto found = numbers_.find(number);
    if (found == numbers_.end()) return in_.Error(absl::StrCat("%", number, " is not defined"));
    return found->second;
  }

  absl::Status ParseRefs(Inst& inst) {
    do {
      KILN_ASSIGN_OR_RETURN(int id, ParseRef());
      inst.args.push_back(id);
    } while (in_.TryConsume(","));
    return absl::OkStatus();
  }

  absl::Status ParsePlace(Inst& inst) {
    KILN_ASSIGN_OR_RETURN(inst.buffer, ParseBufferId());
    KILN_RETURN_IF_ERROR(in_.Expect("["));
    KILN_ASSIGN_OR_RETURN(inst.expr, in_.ParseExpr(pool_));
    return in_.Expect("]");
  }

  absl::StatusOr<int> ParseInst(Kernel& kernel) {
    Inst inst;
    int number = -1;
    if (in_.TryConsume("%")) {
      KILN_ASSIGN_OR_RETURN(number, Int("an instruction's number"));
      if (numbers_.contains(number)) return in_.Error(absl::StrCat("%", number, " is defined twice"));
      KILN_RETURN_IF_ERROR(in_.Expect("="));
      KILN_RETURN_IF_ERROR(ParseValue(inst));
    } else {
      KILN_RETURN_IF_ERROR(ParseEffect(inst));
      if (!inst.args.empty()) inst.dtype = kernel.insts[inst.args.back()].dtype;
    }
    int id = static_cast<int>(kernel.insts.size());
    if (number >= 0) numbers_[number] = id;
    kernel.insts.push_back(std::move(inst));
    return id;
  }

  absl::Status ParseEffect(Inst& inst) {
    if (in_.TryWord("update")) {
      inst.kind = InstKind::kUpdate;
      KILN_RETURN_IF_ERROR(ParseRefs(inst));
      if (!in_.TryWord("order")) return absl::OkStatus();
      KILN_ASSIGN_OR_RETURN(inst.expr, in_.ParseExpr(pool_));
      return absl::OkStatus();
    }
    if (in_.TryWord("indirect")) {
      inst.kind = InstKind::kIndirect;
      KILN_ASSIGN_OR_RETURN(absl::string_view symbol, in_.Word("an index symbol"));
      inst.expr = pool_->Symbol(symbol);
      KILN_RETURN_IF_ERROR(in_.Expect("<"));
      KILN_ASSIGN_OR_RETURN(inst.bound, in_.ParseExpr(pool_));
      KILN_RETURN_IF_ERROR(in_.Expect(","));
      return ParseRefs(inst);
    }
    inst.kind = in_.PeekWord() == "store" ? InstKind::kStore : InstKind::kStoreAdd;
    if (!in_.TryWord("store") && !in_.TryWord("store_add")) return in_.Error("expected a statement");
    KILN_RETURN_IF_ERROR(ParsePlace(inst));
    KILN_RETURN_IF_ERROR(in_.Expect(","));
    return ParseRefs(inst);
  }

  absl::Status ParseValue(Inst& inst) {
    KILN_ASSIGN_OR_RETURN(absl::string_view word, in_.Word("an instruction"));
    if (word == "accumulate") {
      inst.kind = InstKind::kAccumulate;
      KILN_RETURN_IF_ERROR(ParseReduceKind(inst));
    }
    KILN_ASSIGN_OR_RETURN(inst.dtype, ParseDTypeWord());
    if (word == "accumulate") return absl::OkStatus();
    if (word == "constant") return ParseConstant(inst);
    if (word == "expr") {
      inst.kind = InstKind::kExpr;
      KILN_ASSIGN_OR_RETURN(inst.expr, in_.ParseExpr(pool_));
      return absl::OkStatus();
    }
    if (word == "load") {
      inst.kind = InstKind::kLoad;
      return ParsePlace(inst);
    }
    if (word == "result") return ParseResult(inst);
    if (word == "random") return ParseRandom(InstKind::kRandom, inst);
    if (word == "state") return ParseRandom(InstKind::kState, inst);
    return ParseScalar(word, inst);
  }

  absl::Status ParseReduceKind(Inst& inst) {
    for (int k = 0; k <= static_cast<int>(ReduceKind::kWelford); ++k) {
      inst.reduce = static_cast<ReduceKind>(k);
      if (in_.TryWord(ReduceKindName(inst.reduce))) return absl::OkStatus();
    }
    return in_.Error("expected a kind of reduction");
  }

  absl::Status ParseConstant(Inst& inst) {
    inst.kind = InstKind::kConstant;
    absl::string_view text = in_.ExprText();
    ScalarValue& value = inst.constant;
    if (text == "true" || text == "false") {
      value.type = ExprType::kBool;
      value.i = text == "true";
      return absl::OkStatus();
    }
    if (absl::SimpleAtoi(text, &value.i)) return absl::OkStatus();
    value.type = ExprType::kFloat;
    if (!absl::SimpleAtod(text, &value.f)) return in_.Error("expected a number");
    return absl::OkStatus();
  }

  absl::Status ParseResult(Inst& inst) {
    inst.kind = InstKind::kResult;
    KILN_ASSIGN_OR_RETURN(int accumulator, ParseRef());
    inst.args.push_back(accumulator);
    KILN_RETURN_IF_ERROR(in_.Expect(","));
    KILN_ASSIGN_OR_RETURN(inst.result, Int("which result"));
    return absl::OkStatus();
  }

  absl::Status ParseRandom(InstKind kind, Inst& inst) {
    inst.kind = kind;
    KILN_ASSIGN_OR_RETURN(inst.result, Int("a seed slot"));
    KILN_RETURN_IF_ERROR(in_.Expect(","));
    KILN_ASSIGN_OR_RETURN(inst.expr, in_.ParseExpr(pool_));
    return in_.TryConsume(",") ? ParseRefs(inst) : absl::OkStatus();
  }

  absl::Status ParseScalar(absl::string_view name, Inst& inst) {
    inst.kind = InstKind::kScalar;
    for (int op = 0; op <= static_cast<int>(ScalarOp::kWhere); ++op) {
      inst.op = static_cast<ScalarOp>(op);
      if (ScalarOpName(inst.op) == name) return ParseRefs(inst);
    }
    return in_.Error(absl::StrCat("'", name, "' is no instruction"));
  }

  // An argument list, and in it T?[], the deepest type that a schema has; one
  // more level does no harm.
  static constexpr int kOperandDepth = 4;

  TextCursor in_;
  ExprPool* pool_;
  LoopProgram program_;
  // Instruction ids by their printed number, within one kernel.
  absl::flat_hash_map<int, int> numbers_;
};

}  // namespace

absl::StatusOr<LoopProgram> ParseLoopProgram(absl::string_view text, ExprPool* pool) {
  return LoopProgramParser(text, pool).Parse();
}

}  // namespace kiln
