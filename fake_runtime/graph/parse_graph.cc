// The reader of the text form (docs/text_form.md): recursive descent over the
// characters, in front of GraphBuilder, which checks what the text means.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "fake_runtime/graph/contiguous_default.h"
#include "fake_runtime/graph/literal_text.h"
#include "fake_runtime/graph/text_form.h"

namespace kiln {
namespace {

bool IsNameChar(char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == '.';
}

class GraphParser {
 public:
  GraphParser(absl::string_view text, ExprPool* pool,
              const SchemaLookup& lookup)
      : text_(text), pool_(pool), lookup_(lookup), builder_(pool, lookup) {}

  absl::StatusOr<Graph> Parse() {
    KILN_RETURN_IF_ERROR(
        CheckLimit(Limit::kRequestBytes, text_.size(), "the graph's text"));
    KILN_RETURN_IF_ERROR(ExpectWord("graph"));
    KILN_ASSIGN_OR_RETURN(absl::string_view name, Name("the graph's name"));
    builder_.SetName(name);
    KILN_RETURN_IF_ERROR(ParseInputs());
    KILN_RETURN_IF_ERROR(ParseSymbols());
    KILN_RETURN_IF_ERROR(ParseAssumptions());
    KILN_RETURN_IF_ERROR(GiveToBuilder());
    KILN_RETURN_IF_ERROR(Expect("{"));
    AnnounceDefinitions();
    while (!AtWord("return")) KILN_RETURN_IF_ERROR(ParseNode());
    return ParseReturn();
  }

 private:
  struct PendingInput {
    GraphInput input;
    bool has_strides = false;
    std::string alias;
  };

  // --- errors and characters

  absl::Status ErrorAt(size_t pos, absl::string_view what) const {
    absl::string_view before = text_.substr(0, pos);
    auto line = std::count(before.begin(), before.end(), '\n') + 1;
    size_t newline = before.rfind('\n');
    size_t column =
        newline == absl::string_view::npos ? pos + 1 : pos - newline;
    return MakeError(ErrorReason::kParseError,
                     absl::StrCat(line, ":", column, ": ", what));
  }
  absl::Status Error(absl::string_view what) {
    SkipSpace();
    return ErrorAt(pos_, what);
  }

  // Comments are space, but for the location after a node, which ParseNode
  // reads before anything else.
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
    while (end < text_.size() && IsNameChar(text_[end])) ++end;
    return text_.substr(pos_, end - pos_);
  }
  bool AtWord(absl::string_view word) { return PeekWord() == word; }
  bool TryWord(absl::string_view word) {
    if (!AtWord(word)) return false;
    pos_ += word.size();
    return true;
  }
  absl::Status ExpectWord(absl::string_view word) {
    if (TryWord(word)) return absl::OkStatus();
    return Error(absl::StrCat("expected '", word, "'"));
  }
  absl::StatusOr<absl::string_view> Name(absl::string_view what) {
    absl::string_view word = PeekWord();
    if (word.empty()) return Error(absl::StrCat("expected ", what));
    pos_ += word.size();
    return word;
  }
  absl::StatusOr<absl::string_view> ValueName() {
    KILN_RETURN_IF_ERROR(Expect("%"));
    return Name("a value's name");
  }

  // The text up to the comma or closing bracket that ends an expression.
  absl::StatusOr<Expr> ParseExpr(bool stops_at_space = false) {
    SkipSpace();
    size_t start = pos_;
    int depth = 0;
    for (; pos_ < text_.size(); ++pos_) {
      char c = text_[pos_];
      if (c == '(') ++depth;
      if (depth == 0 &&
          (c == ',' || c == ')' || c == ']' || c == '}' || c == '\n'))
        break;
      if (depth == 0 && stops_at_space && c == ' ' && !InsideExpr(pos_)) break;
      if (c == ')') --depth;
    }
    absl::StatusOr<Expr> e = pool_->Parse(
        absl::StripAsciiWhitespace(text_.substr(start, pos_ - start)));
    if (e.ok()) return e;
    absl::Status at = ErrorAt(start, "in the expression");
    return AddContext(e.status(), at.message());
  }

  // Whether the space at `pos` stands beside an operator, so that the
  // expression goes on: "s0 + 1 donated" ends before "donated".
  bool InsideExpr(size_t pos) const {
    constexpr absl::string_view kOperators = "+-*/%<>=!";
    size_t after = text_.find_first_not_of(' ', pos);
    size_t before = text_.find_last_not_of(' ', pos);
    bool next = after != absl::string_view::npos &&
                kOperators.find(text_[after]) != absl::string_view::npos;
    bool previous = before != absl::string_view::npos &&
                    kOperators.find(text_[before]) != absl::string_view::npos;
    return next || previous;
  }

  absl::StatusOr<Dims> ParseExprList() {
    KILN_RETURN_IF_ERROR(Expect("["));
    Dims dims;
    if (TryConsume("]")) return dims;
    do {
      KILN_RETURN_IF_ERROR(
          CheckLimit(Limit::kRank, dims.size() + 1, "a list of sizes"));
      KILN_ASSIGN_OR_RETURN(Expr e, ParseExpr());
      dims.push_back(e);
    } while (TryConsume(","));
    KILN_RETURN_IF_ERROR(Expect("]"));
    return dims;
  }

  // --- inputs

  absl::Status ParseInputs() {
    KILN_RETURN_IF_ERROR(Expect("("));
    if (TryConsume(")")) return absl::OkStatus();
    do {
      KILN_RETURN_IF_ERROR(ParseInput());
    } while (TryConsume(","));
    return Expect(")");
  }

  absl::Status ParseInput() {
    PendingInput pending;
    if (!TryWord("_")) {
      KILN_ASSIGN_OR_RETURN(absl::string_view name, ValueName());
      pending.input.name = std::string(name);
    }
    KILN_RETURN_IF_ERROR(Expect(":"));
    size_t start = pos_;
    KILN_ASSIGN_OR_RETURN(absl::string_view type, Name("a type"));
    if (At("=")) {
      KILN_RETURN_IF_ERROR(ParseScalarInput(type, start, pending));
    } else {
      std::optional<DType> dtype = ParseDType(type);
      if (!dtype.has_value())
        return ErrorAt(start, absl::StrCat("'", type, "' is no dtype"));
      FakeTensor t;
      t.dtype = *dtype;
      KILN_ASSIGN_OR_RETURN(t.sizes, ParseExprList());
      pending.input.value = std::move(t);
    }
    while (!At(",") && !At(")")) KILN_RETURN_IF_ERROR(ParseAttribute(pending));
    inputs_.push_back(std::move(pending));
    return absl::OkStatus();
  }

  absl::Status ParseScalarInput(absl::string_view type, size_t start,
                                PendingInput& pending) {
    KILN_RETURN_IF_ERROR(Expect("="));
    KILN_ASSIGN_OR_RETURN(Expr e, ParseExpr(/*stops_at_space=*/true));
    absl::string_view actual = e.type() == ExprType::kInt     ? "int"
                               : e.type() == ExprType::kFloat ? "float"
                                                              : "bool";
    if (type != actual)
      return ErrorAt(start, absl::StrCat("the type is '", type, "' but ",
                                         e.ToString(), " is of type ", actual));
    pending.input.value = e;
    return absl::OkStatus();
  }

  absl::Status ParseAttribute(PendingInput& pending) {
    SkipSpace();
    size_t start = pos_;
    KILN_ASSIGN_OR_RETURN(absl::string_view word,
                          Name("',' or ')' or an attribute of the input"));
    if (std::optional<InputKind> kind = ParseInputKind(word)) {
      pending.input.kind = *kind;
      return absl::OkStatus();
    }
    if (word == "donated") return Set(pending.input.donated);
    if (word == "constant") return Set(pending.input.constant);
    FakeTensor* t = std::get_if<FakeTensor>(&pending.input.value);
    if (t == nullptr)
      return ErrorAt(
          start,
          absl::StrCat("'", word, "' is no attribute of a scalar input"));
    if (word == "requires_grad") return Set(t->requires_grad);
    if (word == "conj") return Set(t->conj_bit);
    if (word == "neg") return Set(t->neg_bit);
    KILN_RETURN_IF_ERROR(Expect("="));
    return ParseTensorProperty(word, start, *t, pending);
  }

  static absl::Status Set(bool& flag) {
    flag = true;
    return absl::OkStatus();
  }

  absl::Status ParseTensorProperty(absl::string_view word, size_t start,
                                   FakeTensor& t, PendingInput& pending) {
    if (word == "strides") {
      pending.has_strides = true;
      KILN_ASSIGN_OR_RETURN(t.strides, ParseExprList());
      return absl::OkStatus();
    }
    if (word == "offset") {
      KILN_ASSIGN_OR_RETURN(t.storage_offset,
                            ParseExpr(/*stops_at_space=*/true));
      return absl::OkStatus();
    }
    if (word == "policies") return ParsePolicies(pending.input.policies);
    if (word == "alias") {
      KILN_ASSIGN_OR_RETURN(absl::string_view name, ValueName());
      pending.alias = std::string(name);
      return absl::OkStatus();
    }
    KILN_ASSIGN_OR_RETURN(Argument value, ParseWordLiteral());
    if (word == "device" && value.get_if<Device>() != nullptr) {
      t.device = *value.get_if<Device>();
      return absl::OkStatus();
    }
    if (word == "layout" && value.get_if<Layout>() != nullptr) {
      t.layout = *value.get_if<Layout>();
      return absl::OkStatus();
    }
    return ErrorAt(
        start,
        absl::StrCat("'", word,
                     "=' with such a value is no attribute of an input"));
  }

  absl::StatusOr<DimPolicy> ParsePolicy() {
    if (TryWord("automatic")) return DimPolicy::kAutomatic;
    if (TryWord("dynamic")) return DimPolicy::kDynamic;
    if (TryWord("unbacked")) return DimPolicy::kUnbacked;
    if (TryWord("static")) return DimPolicy::kStatic;
    return Error("expected automatic, dynamic, unbacked or static");
  }

  absl::Status ParsePolicies(std::vector<DimPolicy>& policies) {
    KILN_RETURN_IF_ERROR(Expect("["));
    if (TryConsume("]")) return absl::OkStatus();
    do {
      KILN_ASSIGN_OR_RETURN(DimPolicy policy, ParsePolicy());
      policies.push_back(policy);
      KILN_RETURN_IF_ERROR(
          CheckLimit(Limit::kRank, policies.size(), "a list of policies"));
    } while (TryConsume(","));
    return Expect("]");
  }

  // --- symbols and assumptions

  absl::Status ParseSymbols() {
    if (!TryWord("symbols")) return absl::OkStatus();
    KILN_RETURN_IF_ERROR(Expect("{"));
    if (TryConsume("}")) return absl::OkStatus();
    do {
      KILN_RETURN_IF_ERROR(ParseSymbol());
    } while (TryConsume(","));
    return Expect("}");
  }

  absl::Status ParseSymbol() {
    SkipSpace();
    size_t start = pos_;
    KILN_ASSIGN_OR_RETURN(absl::string_view name, Name("a symbol"));
    absl::StatusOr<Expr> symbol = pool_->Parse(name);
    if (!symbol.ok() || symbol->kind() != ExprKind::kSymbol)
      return ErrorAt(start, absl::StrCat("'", name, "' is no symbol"));
    SymbolDeclaration s;
    s.symbol = *symbol;
    if (TryConsume("=")) {
      KILN_ASSIGN_OR_RETURN(s.hint, ParseInteger());
    }
    if (TryWord("in")) {
      KILN_RETURN_IF_ERROR(ParseRange(s.range));
    }
    if (s.symbol.has_unbacked()) s.policy = DimPolicy::kUnbacked;
    if (!At(",") && !At("}")) {
      KILN_ASSIGN_OR_RETURN(s.policy, ParsePolicy());
    }
    return builder_.DeclareSymbol(std::move(s));
  }

  absl::StatusOr<int64_t> ParseInteger() {
    SkipSpace();
    size_t start = pos_;
    if (pos_ < text_.size() && text_[pos_] == '-') ++pos_;
    while (pos_ < text_.size() && absl::ascii_isdigit(text_[pos_])) ++pos_;
    int64_t value = 0;
    if (!absl::SimpleAtoi(text_.substr(start, pos_ - start), &value))
      return ErrorAt(start, "expected a 64-bit integer");
    return value;
  }

  absl::Status ParseRange(ValueRange& range) {
    KILN_RETURN_IF_ERROR(Expect("["));
    if (!TryConsume("-oo")) {
      KILN_ASSIGN_OR_RETURN(range.lower, ParseInteger());
    }
    KILN_RETURN_IF_ERROR(Expect(","));
    if (!TryWord("oo")) {
      KILN_ASSIGN_OR_RETURN(range.upper, ParseInteger());
    }
    return Expect("]");
  }

  absl::Status ParseAssumptions() {
    if (!TryWord("assume")) return absl::OkStatus();
    KILN_RETURN_IF_ERROR(Expect("{"));
    if (TryConsume("}")) return absl::OkStatus();
    do {
      KILN_ASSIGN_OR_RETURN(Expr e, ParseExpr());
      assumptions_.push_back(e);
    } while (TryConsume(","));
    return Expect("}");
  }

  // --- from pending to the builder: symbols first, since default strides need
  // their ranges.

  absl::Status GiveToBuilder() {
    for (const PendingInput& pending : inputs_)
      KILN_RETURN_IF_ERROR(DeclareSymbolsOf(pending));
    for (Expr e : assumptions_) KILN_RETURN_IF_ERROR(DeclareSymbolsOf(e));
    for (PendingInput& pending : inputs_)
      KILN_RETURN_IF_ERROR(GiveInput(pending));
    for (Expr e : assumptions_) KILN_RETURN_IF_ERROR(builder_.AddAssumption(e));
    return absl::OkStatus();
  }

  absl::Status DeclareSymbolsOf(const PendingInput& pending) {
    if (const Expr* e = std::get_if<Expr>(&pending.input.value))
      return DeclareSymbolsOf(*e);
    const FakeTensor& t = std::get<FakeTensor>(pending.input.value);
    for (Expr e : t.sizes) KILN_RETURN_IF_ERROR(DeclareSymbolsOf(e));
    for (Expr e : t.strides) KILN_RETURN_IF_ERROR(DeclareSymbolsOf(e));
    return DeclareSymbolsOf(t.storage_offset);
  }

  absl::Status DeclareSymbolsOf(Expr e) {
    absl::Status status;
    VisitSymbols(e, [&](Expr symbol) {
      if (!status.ok() || builder_.IsDeclared(symbol)) return;
      SymbolDeclaration s;
      s.symbol = symbol;
      if (symbol.has_unbacked()) s.policy = DimPolicy::kUnbacked;
      status = builder_.DeclareSymbol(std::move(s));
    });
    return status;
  }

  absl::Status GiveInput(PendingInput& pending) {
    if (FakeTensor* t = std::get_if<FakeTensor>(&pending.input.value)) {
      if (!pending.has_strides)
        t->strides = DefaultStrides(*pool_, t->sizes, builder_.graph().symbols);
      if (!pending.alias.empty()) {
        KILN_ASSIGN_OR_RETURN(t->storage, StorageOf(pending.alias));
      }
    }
    return builder_.AddInput(std::move(pending.input));
  }

  absl::StatusOr<StorageId> StorageOf(absl::string_view name) {
    KILN_ASSIGN_OR_RETURN(ValueId id, builder_.Find(name));
    const FakeTensor* t =
        std::get_if<FakeTensor>(&builder_.graph().inputs[id.value].value);
    if (t == nullptr)
      return MakeError(ErrorReason::kBadInputMetadata,
                       absl::StrCat("alias=%", name, " names a scalar"));
    return t->storage;
  }

  // --- nodes

  // Values on the left of '=' stand outside all parentheses; those are what
  // nodes further on define. A '%' inside a comment or string is skipped.
  void AnnounceDefinitions() {
    int depth = 0;
    for (size_t i = pos_; i < text_.size(); ++i) {
      char c = text_[i];
      if (c == '(') ++depth;
      if (c == ')') --depth;
      if (c == '#') i = std::min(text_.find('\n', i), text_.size() - 1);
      if (c == '"') i = EndOfString(i);
      if (c != '%' || depth != 0) continue;
      size_t end = i + 1;
      while (end < text_.size() && IsNameChar(text_[end])) ++end;
      builder_.Announce(text_.substr(i + 1, end - i - 1));
    }
  }

  // The position of the quote that closes the string opened at `start`, or the
  // last character.
  size_t EndOfString(size_t start) const {
    size_t i = start + 1;
    while (i < text_.size() && text_[i] != '"') i += text_[i] == '\\' ? 2 : 1;
    return std::min(i, text_.size() - 1);
  }

  absl::Status ParseNode() {
    if (At("}") || pos_ >= text_.size())
      return Error("expected a node or 'return'");
    std::vector<OutputNames> results;
    if (At("%") || At("[") || AtWord("_"))
      KILN_RETURN_IF_ERROR(ParseResults(results));
    KILN_ASSIGN_OR_RETURN(absl::string_view op, Name("an operator"));
    KILN_RETURN_IF_ERROR(Expect("("));
    KILN_ASSIGN_OR_RETURN(std::vector<NamedArgument> args, ParseArgs(op));
    SpreadResults(op, results);
    return builder_.AddNode(op, std::move(args), std::move(results),
                            ParseLocation());
  }

  absl::Status ParseResults(std::vector<OutputNames>& results) {
    do {
      OutputNames& result = results.emplace_back();
      if (TryConsume("[")) {
        result.is_list = true;
        KILN_RETURN_IF_ERROR(ParseListResult(result));
      } else {
        KILN_ASSIGN_OR_RETURN(result.names.emplace_back(), ParseResultName());
      }
    } while (TryConsume(","));
    return Expect("=");
  }

  absl::Status ParseListResult(OutputNames& result) {
    if (TryConsume("]")) return absl::OkStatus();
    do {
      KILN_ASSIGN_OR_RETURN(result.names.emplace_back(), ParseResultName());
    } while (TryConsume(","));
    return Expect("]");
  }

  absl::StatusOr<std::string> ParseResultName() {
    if (TryWord("_")) return std::string();
    KILN_ASSIGN_OR_RETURN(absl::string_view name, ValueName());
    return std::string(name);
  }

  // The names of an operator whose only return is a list need no brackets.
  void SpreadResults(absl::string_view op,
                     std::vector<OutputNames>& results) const {
    const OpSchema* schema = lookup_(op);
    if (schema == nullptr || schema->returns.size() != 1 ||
        !schema->returns[0].is_list)
      return;
    if (results.size() == 1 && results[0].is_list) return;
    OutputNames spread;
    spread.is_list = true;
    for (OutputNames& result : results) {
      if (result.is_list) return;
      spread.names.push_back(std::move(result.names[0]));
    }
    results = {std::move(spread)};
  }

  std::string ParseLocation() {
    size_t start = text_.find_first_not_of(" \t", pos_);
    if (start == absl::string_view::npos || text_[start] != '#') return "";
    pos_ = std::min(text_.find('\n', start), text_.size());
    return std::string(
        absl::StripAsciiWhitespace(text_.substr(start + 1, pos_ - start - 1)));
  }

  absl::StatusOr<std::vector<NamedArgument>> ParseArgs(absl::string_view op) {
    std::vector<NamedArgument> args;
    if (TryConsume(")")) return args;
    do {
      NamedArgument arg;
      arg.name = TryKeyword();
      absl::StatusOr<Argument> value = ParseArgument(kArgumentDepth);
      if (!value.ok()) return InNode(value.status(), op);
      arg.value = *std::move(value);
      args.push_back(std::move(arg));
    } while (TryConsume(","));
    KILN_RETURN_IF_ERROR(Expect(")"));
    return args;
  }

  // A use of a value that is not there is the node's fault; a bad character is
  // the text's.
  absl::Status InNode(const absl::Status& status, absl::string_view op) const {
    if (GetErrorReason(status) == ErrorReason::kParseError) return status;
    return AddContext(status, DescribeNode(builder_.num_nodes(), op, ""));
  }

  // "alpha=" before a value; but "==" never follows a keyword.
  std::string TryKeyword() {
    absl::string_view word = PeekWord();
    size_t after = text_.find_first_not_of(' ', pos_ + word.size());
    if (word.empty() || after == absl::string_view::npos || text_[after] != '=')
      return "";
    pos_ = after + 1;
    return std::string(word);
  }

  absl::StatusOr<Argument> ParseArgument(int depth) {
    SkipSpace();
    if (pos_ >= text_.size()) return Error("expected an argument");
    char c = text_[pos_];
    if (c == '%') {
      KILN_ASSIGN_OR_RETURN(absl::string_view name, ValueName());
      KILN_ASSIGN_OR_RETURN(ValueId id, builder_.Find(name));
      return Argument(id);
    }
    if (c == '[') return ParseList(depth);
    if (c == '"') return ParseString();
    if (c == '-' || absl::ascii_isdigit(c)) return ParseNumber();
    return ParseWordLiteral();
  }

  absl::StatusOr<Argument> ParseList(int depth) {
    if (depth == 0) return Error("lists nest too deeply");
    KILN_RETURN_IF_ERROR(Expect("["));
    ArgumentList items;
    if (TryConsume("]")) return Argument(std::move(items));
    do {
      KILN_ASSIGN_OR_RETURN(Argument item, ParseArgument(depth - 1));
      items.push_back(std::move(item));
    } while (TryConsume(","));
    KILN_RETURN_IF_ERROR(Expect("]"));
    return Argument(std::move(items));
  }

  absl::StatusOr<Argument> ParseString() {
    size_t start = pos_;
    size_t end = EndOfString(start);
    std::string value;
    if (end == start || text_[end] != '"')
      return ErrorAt(start, "a string without an end");
    if (!absl::CUnescape(text_.substr(start + 1, end - start - 1), &value))
      return ErrorAt(start, "a bad escape in a string");
    pos_ = end + 1;
    return Argument(std::move(value));
  }

  absl::StatusOr<Argument> ParseNumber() {
    size_t start = pos_;
    ++pos_;
    while (pos_ < text_.size() &&
           (IsNameChar(text_[pos_]) || IsExponentSign(pos_)))
      ++pos_;
    absl::string_view token = text_.substr(start, pos_ - start);
    int64_t integer = 0;
    if (absl::SimpleAtoi(token, &integer)) return Argument(integer);
    double real = 0;
    bool looks_real = token.find_first_of(".eEin") != absl::string_view::npos;
    if (looks_real && absl::SimpleAtod(token, &real)) return Argument(real);
    return ErrorAt(start, absl::StrCat("'", token, "' is no 64-bit number"));
  }

  bool IsExponentSign(size_t i) const {
    return (text_[i] == '-' || text_[i] == '+') &&
           (text_[i - 1] == 'e' || text_[i - 1] == 'E');
  }

  // A word, or a device with its index ("cuda:1").
  absl::StatusOr<Argument> ParseWordLiteral() {
    SkipSpace();
    size_t start = pos_;
    while (pos_ < text_.size() &&
           (IsNameChar(text_[pos_]) || text_[pos_] == ':'))
      ++pos_;
    absl::string_view word = text_.substr(start, pos_ - start);
    std::optional<Argument> value;
    if (!word.empty()) value = ParseWord(word);
    if (!value.has_value())
      return ErrorAt(start, absl::StrCat("'", word, "' is no literal"));
    return *std::move(value);
  }

  absl::StatusOr<Graph> ParseReturn() {
    KILN_RETURN_IF_ERROR(ExpectWord("return"));
    KILN_RETURN_IF_ERROR(Expect("("));
    std::vector<Argument> outputs;
    if (!TryConsume(")")) {
      do {
        absl::StatusOr<Argument> value = ParseArgument(0);
        if (!value.ok())
          return AddContext(value.status(),
                            absl::StrCat("output ", outputs.size()));
        outputs.push_back(*std::move(value));
      } while (TryConsume(","));
      KILN_RETURN_IF_ERROR(Expect(")"));
    }
    KILN_RETURN_IF_ERROR(Expect("}"));
    SkipSpace();
    if (pos_ != text_.size()) return Error("unexpected text after the graph");
    return std::move(builder_).Finish(std::move(outputs));
  }

  // T?[] is the deepest type that a schema has; one more level gives the type
  // check, not the parser, the word about it.
  static constexpr int kArgumentDepth = 2;

  absl::string_view text_;
  size_t pos_ = 0;
  ExprPool* pool_;
  const SchemaLookup& lookup_;
  GraphBuilder builder_;
  std::vector<PendingInput> inputs_;
  std::vector<Expr> assumptions_;
};

}  // namespace

absl::StatusOr<Graph> ParseGraph(absl::string_view text, ExprPool* pool,
                                 const SchemaLookup& lookup) {
  return GraphParser(text, pool, lookup).Parse();
}

}  // namespace kiln
