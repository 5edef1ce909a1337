// The reader of the loop IR's text form: recursive descent over lines.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/loops/loop_ir.h"
#include "fake_runtime/graph/argument.h"
#include "fake_runtime/graph/literal_text.h"

namespace kiln {
namespace {

bool IsWordChar(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == ':'; }

class LoopProgramParser {
 public:
  LoopProgramParser(absl::string_view text, ExprPool* pool) : text_(text), pool_(pool) { program_.pool = pool; }

  absl::StatusOr<LoopProgram> Parse() {
    KILN_RETURN_IF_ERROR(ParseHeader());
    while (!TryConsume("}")) KILN_RETURN_IF_ERROR(ParseItem());
    SkipSpace();
    if (pos_ != text_.size()) return Error("text after the program");
    return std::move(program_);
  }

 private:
  // --- characters

  absl::Status Error(absl::string_view what) const {
    auto line = std::count(text_.begin(), text_.begin() + pos_, '\n') + 1;
    return MakeError(ErrorReason::kParseError, absl::StrCat("line ", line, ": ", what));
  }

  void SkipSpace() {
    while (pos_ < text_.size()) {
      if (absl::ascii_isspace(text_[pos_])) {
        ++pos_;
      } else if (text_[pos_] == '#') {
        pos_ = std::min(text_.find('\n', pos_), text_.size());
      } else {
        return;
      }
    }
  }
  bool At(absl::string_view token) {
    SkipSpace();
    return text_.substr(pos_, token.size()) == token;
  }
  bool TryConsume(absl::string_view token) {
    if (!At(token)) return false;
    pos_ += token.size();
    return true;
  }
  absl::Status Expect(absl::string_view token) {
    if (TryConsume(token)) return absl::OkStatus();
    return Error(absl::StrCat("expected '", token, "'"));
  }
  absl::string_view PeekWord() {
    SkipSpace();
    size_t end = pos_;
    while (end < text_.size() && IsWordChar(text_[end])) ++end;
    return text_.substr(pos_, end - pos_);
  }
  bool TryWord(absl::string_view word) {
    if (PeekWord() != word) return false;
    pos_ += word.size();
    return true;
  }
  absl::StatusOr<absl::string_view> Word(absl::string_view what) {
    absl::string_view word = PeekWord();
    if (word.empty()) return Error(absl::StrCat("expected ", what));
    pos_ += word.size();
    return word;
  }
  absl::StatusOr<int> Int(absl::string_view what) {
    SkipSpace();
    size_t end = pos_;
    if (end < text_.size() && text_[end] == '-') ++end;
    while (end < text_.size() && absl::ascii_isdigit(text_[end])) ++end;
    int value = 0;
    if (!absl::SimpleAtoi(text_.substr(pos_, end - pos_), &value)) return Error(absl::StrCat("expected ", what));
    pos_ = end;
    return value;
  }
  absl::StatusOr<std::string> String() {
    KILN_RETURN_IF_ERROR(Expect("\""));
    size_t end = pos_;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) return Error("a string without an end");
    std::string value;
    if (!absl::CUnescape(text_.substr(pos_, end - pos_), &value)) return Error("a bad escape in a string");
    pos_ = end + 1;
    return value;
  }
  absl::StatusOr<DType> ParseDTypeWord() {
    KILN_ASSIGN_OR_RETURN(absl::string_view word, Word("a dtype"));
    std::optional<DType> dtype = ParseDType(word);
    if (!dtype.has_value()) return Error(absl::StrCat("'", word, "' is no dtype"));
    return *dtype;
  }

  // The text up to a comma, closing bracket, brace or line end outside of
  // parentheses.
  absl::string_view ExprText() {
    SkipSpace();
    size_t start = pos_;
    int depth = 0;
    for (; pos_ < text_.size(); ++pos_) {
      char c = text_[pos_];
      if (c == '(') ++depth;
      if (c == '\n' || (depth == 0 && (c == ',' || c == ')' || c == ']' || c == '{'))) break;
      if (c == ')') --depth;
    }
    return absl::StripAsciiWhitespace(text_.substr(start, pos_ - start));
  }
  absl::StatusOr<Expr> ParseExpr() {
    absl::StatusOr<Expr> e = pool_->Parse(ExprText());
    if (e.ok()) return e;
    return AddContext(e.status(), Error("in the expression").message());
  }

  absl::StatusOr<BufferId> ParseBufferId() {
    if (TryWord("_")) return BufferId{};
    KILN_RETURN_IF_ERROR(Expect("b"));
    KILN_ASSIGN_OR_RETURN(int value, Int("a buffer's number"));
    return BufferId{value};
  }
  absl::StatusOr<Dims> ParseDims() {
    KILN_RETURN_IF_ERROR(Expect("["));
    Dims dims;
    if (TryConsume("]")) return dims;
    do {
      KILN_ASSIGN_OR_RETURN(Expr e, ParseExpr());
      dims.push_back(e);
    } while (TryConsume(","));
    KILN_RETURN_IF_ERROR(Expect("]"));
    return dims;
  }
  absl::StatusOr<TensorOperand> ParseTensor() {
    TensorOperand tensor;
    if (TryWord("_")) return tensor;
    KILN_ASSIGN_OR_RETURN(tensor.buffer, ParseBufferId());
    KILN_RETURN_IF_ERROR(Expect(":"));
    KILN_ASSIGN_OR_RETURN(tensor.dtype, ParseDTypeWord());
    KILN_ASSIGN_OR_RETURN(tensor.sizes, ParseDims());
    KILN_RETURN_IF_ERROR(Expect("strides="));
    KILN_ASSIGN_OR_RETURN(tensor.strides, ParseDims());
    KILN_RETURN_IF_ERROR(Expect("offset="));
    KILN_ASSIGN_OR_RETURN(tensor.offset, ParseExpr());
    return tensor;
  }

  // --- items of a program

  absl::Status ParseHeader() {
    KILN_RETURN_IF_ERROR(Expect("program"));
    KILN_RETURN_IF_ERROR(Expect("symbols=["));
    while (!TryConsume("]")) {
      KILN_ASSIGN_OR_RETURN(absl::string_view name, Word("a symbol"));
      program_.symbols.emplace_back(name);
      TryConsume(",");
    }
    KILN_RETURN_IF_ERROR(Expect("inputs="));
    KILN_ASSIGN_OR_RETURN(program_.num_inputs, Int("the number of inputs"));
    return Expect("{");
  }

  absl::Status ParseItem() {
    if (TryWord("buffer")) return ParseBuffer();
    if (TryWord("inputs")) return ParseInputs();
    if (TryWord("kernel")) return ParseKernel();
    if (TryWord("extern")) return ParseExtern();
    if (TryWord("assert")) return ParseAssert();
    if (TryWord("return")) return ParseReturn();
    if (TryWord("release")) {
      KILN_ASSIGN_OR_RETURN(BufferId buffer, ParseBufferId());
      program_.steps.push_back(Release{buffer});
      return absl::OkStatus();
    }
    if (TryWord("arena")) {
      KILN_ASSIGN_OR_RETURN(program_.arena_bytes, ParseExpr());
      return absl::OkStatus();
    }
    return Error("expected buffer, inputs, arena, kernel, extern, release, assert or return");
  }

  absl::Status ParseBuffer() {
    KILN_ASSIGN_OR_RETURN(BufferId id, ParseBufferId());
    if (id.value != static_cast<int>(program_.buffers.size())) return Error("buffers are numbered in order");
    Buffer buffer;
    if (TryWord("input")) {
      buffer.kind = BufferKind::kInput;
      KILN_ASSIGN_OR_RETURN(buffer.index, Int("the input's number"));
    } else if (TryWord("output")) {
      buffer.kind = BufferKind::kOutput;
      KILN_ASSIGN_OR_RETURN(buffer.index, Int("the output's number"));
    } else if (TryWord("extern")) {
      buffer.kind = BufferKind::kExternResult;
    } else if (!TryWord("temporary")) {
      return Error("expected input, output, temporary or extern");
    }
    KILN_ASSIGN_OR_RETURN(buffer.dtype, ParseDTypeWord());
    KILN_RETURN_IF_ERROR(Expect("["));
    KILN_ASSIGN_OR_RETURN(buffer.num_elements, ParseExpr());
    KILN_RETURN_IF_ERROR(Expect("]"));
    if (TryWord("at")) {
      KILN_RETURN_IF_ERROR(Expect("["));
      KILN_ASSIGN_OR_RETURN(buffer.arena_offset, ParseExpr());
      KILN_RETURN_IF_ERROR(Expect("]"));
    }
    if (TryWord("in")) {
      KILN_ASSIGN_OR_RETURN(buffer.alias_of, ParseBufferId());
    }
    program_.buffers.push_back(buffer);
    return absl::OkStatus();
  }

  absl::Status ParseInputs() {
    KILN_RETURN_IF_ERROR(Expect("["));
    while (!TryConsume("]")) {
      KILN_ASSIGN_OR_RETURN(BufferId id, ParseBufferId());
      program_.input_buffers.push_back(id);
      TryConsume(",");
    }
    return absl::OkStatus();
  }

  absl::Status ParseAssert() {
    RuntimeAssert a;
    KILN_RETURN_IF_ERROR(Expect("node="));
    KILN_ASSIGN_OR_RETURN(a.node, Int("a node"));
    KILN_ASSIGN_OR_RETURN(a.message, String());
    KILN_ASSIGN_OR_RETURN(a.condition, ParseExpr());
    program_.steps.push_back(std::move(a));
    return absl::OkStatus();
  }

  absl::Status ParseReturn() {
    OutputBinding binding;
    using Kind = OutputBinding::Kind;
    if (TryWord("new")) {
      KILN_ASSIGN_OR_RETURN(binding.tensor, ParseTensor());
    } else if (TryWord("input")) {
      binding.kind = Kind::kInput;
      KILN_ASSIGN_OR_RETURN(binding.alias_of, Int("an input's number"));
    } else if (TryWord("scalar")) {
      binding.kind = Kind::kScalar;
      KILN_ASSIGN_OR_RETURN(binding.scalar, ParseExpr());
    } else if (TryWord("none")) {
      binding.kind = Kind::kNone;
    } else {
      binding.kind = PeekWord() == "view" ? Kind::kView : Kind::kOutputView;
      if (!TryWord("view") && !TryWord("output_view")) return Error("expected a kind of output");
      KILN_RETURN_IF_ERROR(Expect("of"));
      KILN_ASSIGN_OR_RETURN(binding.alias_of, Int("an input's or output's number"));
      KILN_ASSIGN_OR_RETURN(binding.tensor, ParseTensor());
    }
    program_.outputs.push_back(std::move(binding));
    return absl::OkStatus();
  }

  // --- extern calls

  absl::Status ParseExtern() {
    ExternCall call;
    KILN_ASSIGN_OR_RETURN(absl::string_view op, Word("an operator"));
    call.op = std::string(op);
    call.into = TryWord("into");
    KILN_RETURN_IF_ERROR(Expect("node="));
    KILN_ASSIGN_OR_RETURN(call.node, Int("a node"));
    KILN_RETURN_IF_ERROR(Expect("("));
    KILN_ASSIGN_OR_RETURN(call.args, ParseOperands(")"));
    KILN_RETURN_IF_ERROR(Expect("->"));
    KILN_RETURN_IF_ERROR(Expect("("));
    while (!TryConsume(")")) {
      KILN_ASSIGN_OR_RETURN(TensorOperand tensor, ParseTensor());
      call.outputs.push_back(std::move(tensor));
      TryConsume(",");
    }
    program_.steps.push_back(std::move(call));
    return absl::OkStatus();
  }

  absl::StatusOr<OperandList> ParseOperands(absl::string_view end) {
    OperandList operands;
    while (!TryConsume(end)) {
      KILN_ASSIGN_OR_RETURN(Operand operand, ParseOperand());
      operands.push_back(std::move(operand));
      TryConsume(",");
    }
    return operands;
  }

  // "b3:" starts a tensor.
  bool AtTensor() {
    absl::string_view word = PeekWord();
    size_t colon = word.find(':');
    return word[0] == 'b' && colon != absl::string_view::npos && colon > 1 &&
           std::all_of(word.begin() + 1, word.begin() + colon, absl::ascii_isdigit);
  }

  absl::StatusOr<Operand> ParseOperand() {
    if (TryConsume("[")) {
      KILN_ASSIGN_OR_RETURN(OperandList list, ParseOperands("]"));
      return Operand{std::move(list)};
    }
    if (At("\"")) {
      KILN_ASSIGN_OR_RETURN(std::string text, String());
      return Operand{std::move(text)};
    }
    if (!PeekWord().empty() && AtTensor()) {
      KILN_ASSIGN_OR_RETURN(TensorOperand tensor, ParseTensor());
      return Operand{std::move(tensor)};
    }
    size_t start = pos_;
    absl::string_view text = ExprText();
    if (std::optional<Argument> word = ParseWord(text); word.has_value()) return FromWord(*word);
    double number = 0;
    int64_t integer = 0;
    if (!absl::SimpleAtoi(text, &integer) && absl::SimpleAtod(text, &number)) return Operand{number};
    pos_ = start;
    KILN_ASSIGN_OR_RETURN(Expr e, ParseExpr());
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
    KILN_ASSIGN_OR_RETURN(absl::string_view name, Word("the kernel's name"));
    kernel.name = std::string(name);
    KILN_RETURN_IF_ERROR(Expect("nodes=["));
    while (!TryConsume("]")) {
      KILN_ASSIGN_OR_RETURN(int node, Int("a node"));
      kernel.nodes.push_back(node);
      TryConsume(",");
    }
    if (TryConsume("grain=")) {
      KILN_ASSIGN_OR_RETURN(kernel.grain, ParseExpr());
    }
    KILN_RETURN_IF_ERROR(Expect("{"));
    if (TryWord("why")) {
      KILN_ASSIGN_OR_RETURN(kernel.why, String());
    }
    KILN_RETURN_IF_ERROR(ParseBody(kernel, kernel.body, 0));
    program_.steps.push_back(std::move(kernel));
    return absl::OkStatus();
  }

  absl::Status ParseBody(Kernel& kernel, std::vector<Stmt>& body, int depth) {
    constexpr int kMaxDepth = 256;
    if (depth > kMaxDepth) return Error("loops are nested too deep");
    while (!TryConsume("}")) {
      std::optional<LoopKind> kind;
      for (LoopKind k : {LoopKind::kParallel, LoopKind::kSerial, LoopKind::kVector}) {
        if (TryWord(LoopKindName(k))) kind = k;
      }
      if (!kind.has_value()) {
        KILN_ASSIGN_OR_RETURN(int id, ParseInst(kernel));
        body.emplace_back(id);
        continue;
      }
      auto loop = std::make_unique<Loop>();
      loop->kind = *kind;
      KILN_ASSIGN_OR_RETURN(absl::string_view variable, Word("a loop variable"));
      loop->variable = pool_->Symbol(variable);
      KILN_RETURN_IF_ERROR(Expect("<"));
      KILN_ASSIGN_OR_RETURN(loop->extent, ParseExpr());
      KILN_RETURN_IF_ERROR(Expect("{"));
      KILN_RETURN_IF_ERROR(ParseBody(kernel, loop->body, depth + 1));
      body.emplace_back(std::move(loop));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<int> ParseRef() {
    KILN_RETURN_IF_ERROR(Expect("%"));
    KILN_ASSIGN_OR_RETURN(int number, Int("an instruction's number"));
    auto found = numbers_.find(number);
    if (found == numbers_.end()) return Error(absl::StrCat("%", number, " is not defined"));
    return found->second;
  }

  absl::Status ParseRefs(Inst& inst) {
    do {
      KILN_ASSIGN_OR_RETURN(int id, ParseRef());
      inst.args.push_back(id);
    } while (TryConsume(","));
    return absl::OkStatus();
  }

  absl::Status ParsePlace(Inst& inst) {
    KILN_ASSIGN_OR_RETURN(inst.buffer, ParseBufferId());
    KILN_RETURN_IF_ERROR(Expect("["));
    KILN_ASSIGN_OR_RETURN(inst.expr, ParseExpr());
    return Expect("]");
  }

  absl::StatusOr<int> ParseInst(Kernel& kernel) {
    Inst inst;
    int number = -1;
    if (TryConsume("%")) {
      KILN_ASSIGN_OR_RETURN(number, Int("an instruction's number"));
      if (numbers_.contains(number)) return Error(absl::StrCat("%", number, " is defined twice"));
      KILN_RETURN_IF_ERROR(Expect("="));
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
    if (TryWord("update")) {
      inst.kind = InstKind::kUpdate;
      return ParseRefs(inst);
    }
    if (TryWord("indirect")) {
      inst.kind = InstKind::kIndirect;
      KILN_ASSIGN_OR_RETURN(absl::string_view symbol, Word("an index symbol"));
      inst.expr = pool_->Symbol(symbol);
      KILN_RETURN_IF_ERROR(Expect("<"));
      KILN_ASSIGN_OR_RETURN(inst.bound, ParseExpr());
      KILN_RETURN_IF_ERROR(Expect(","));
      return ParseRefs(inst);
    }
    inst.kind = PeekWord() == "store" ? InstKind::kStore : InstKind::kStoreAdd;
    if (!TryWord("store") && !TryWord("store_add")) return Error("expected a statement");
    KILN_RETURN_IF_ERROR(ParsePlace(inst));
    KILN_RETURN_IF_ERROR(Expect(","));
    return ParseRefs(inst);
  }

  absl::Status ParseValue(Inst& inst) {
    KILN_ASSIGN_OR_RETURN(absl::string_view word, Word("an instruction"));
    if (word == "accumulate") {
      inst.kind = InstKind::kAccumulate;
      KILN_RETURN_IF_ERROR(ParseReduceKind(inst));
    }
    KILN_ASSIGN_OR_RETURN(inst.dtype, ParseDTypeWord());
    if (word == "accumulate") return absl::OkStatus();
    if (word == "constant") return ParseConstant(inst);
    if (word == "expr") {
      inst.kind = InstKind::kExpr;
      KILN_ASSIGN_OR_RETURN(inst.expr, ParseExpr());
      return absl::OkStatus();
    }
    if (word == "load") {
      inst.kind = InstKind::kLoad;
      return ParsePlace(inst);
    }
    if (word == "result") return ParseResult(inst);
    if (word == "random") return ParseRandom(inst);
    return ParseScalar(word, inst);
  }

  absl::Status ParseReduceKind(Inst& inst) {
    for (int k = 0; k <= static_cast<int>(ReduceKind::kWelford); ++k) {
      inst.reduce = static_cast<ReduceKind>(k);
      if (TryWord(ReduceKindName(inst.reduce))) return absl::OkStatus();
    }
    return Error("expected a kind of reduction");
  }

  absl::Status ParseConstant(Inst& inst) {
    inst.kind = InstKind::kConstant;
    absl::string_view text = ExprText();
    ScalarValue& value = inst.constant;
    if (text == "true" || text == "false") {
      value.type = ExprType::kBool;
      value.i = text == "true";
      return absl::OkStatus();
    }
    if (absl::SimpleAtoi(text, &value.i)) return absl::OkStatus();
    value.type = ExprType::kFloat;
    if (!absl::SimpleAtod(text, &value.f)) return Error("expected a number");
    return absl::OkStatus();
  }

  absl::Status ParseResult(Inst& inst) {
    inst.kind = InstKind::kResult;
    KILN_ASSIGN_OR_RETURN(int accumulator, ParseRef());
    inst.args.push_back(accumulator);
    KILN_RETURN_IF_ERROR(Expect(","));
    KILN_ASSIGN_OR_RETURN(inst.result, Int("which result"));
    return absl::OkStatus();
  }

  absl::Status ParseRandom(Inst& inst) {
    inst.kind = InstKind::kRandom;
    KILN_ASSIGN_OR_RETURN(inst.result, Int("a seed slot"));
    KILN_RETURN_IF_ERROR(Expect(","));
    KILN_ASSIGN_OR_RETURN(inst.expr, ParseExpr());
    return absl::OkStatus();
  }

  absl::Status ParseScalar(absl::string_view name, Inst& inst) {
    inst.kind = InstKind::kScalar;
    for (int op = 0; op <= static_cast<int>(ScalarOp::kWhere); ++op) {
      inst.op = static_cast<ScalarOp>(op);
      if (ScalarOpName(inst.op) == name) return ParseRefs(inst);
    }
    return Error(absl::StrCat("'", name, "' is no instruction"));
  }

  absl::string_view text_;
  ExprPool* pool_;
  size_t pos_ = 0;
  LoopProgram program_;
  // Instruction ids by their printed number, within one kernel.
  absl::flat_hash_map<int, int> numbers_;
};

}  // namespace

absl::StatusOr<LoopProgram> ParseLoopProgram(absl::string_view text, ExprPool* pool) {
  return LoopProgramParser(text, pool).Parse();
}

}  // namespace kiln
