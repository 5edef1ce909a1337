// The parts of a graph's text form in front of its nodes; see signature_parser.h.
#include "fake_runtime/graph/signature_parser.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "fake_runtime/graph/contiguous_default.h"
#include "fake_runtime/graph/literal_text.h"

namespace kiln {
namespace {

class SignatureParser {
 public:
  SignatureParser(TextCursor& in, ExprPool* pool, GraphBuilder& builder) : in_(in), pool_(pool), builder_(builder) {}

  // An input alone, up to the end of the text.
  absl::StatusOr<LoneInput> ParseLone() {
    in_.TryConsume("%");
    KILN_ASSIGN_OR_RETURN(absl::string_view name, in_.Word("an input's name"));
    PendingInput pending;
    pending.input.name = std::string(name);
    KILN_RETURN_IF_ERROR(in_.Expect(":"));
    pending.has_dtype = !in_.At("[");
    KILN_RETURN_IF_ERROR(ParseType(pending));
    while (!in_.AtEnd()) KILN_RETURN_IF_ERROR(ParseAttribute(pending));
    for (const InlineFacts& facts : inline_facts_) KILN_RETURN_IF_ERROR(Merge(facts));
    return LoneInput{std::move(pending.input), pending.has_dtype, pending.has_strides, pending.has_kind,
                     std::move(declared_), std::move(pending.alias)};
  }

  absl::Status Parse() {
    KILN_RETURN_IF_ERROR(ParseInputs());
    KILN_RETURN_IF_ERROR(ParseSymbols());
    KILN_RETURN_IF_ERROR(ParseAssumptions());
    return GiveToBuilder();
  }

 private:
  struct PendingInput {
    GraphInput input;
    bool has_dtype = true, has_strides = false, has_kind = false;
    std::string alias;
  };
  // What stands behind a symbol where it is used: `s0=8 in [2, oo] dynamic`.
  struct InlineFacts {
    SymbolDeclaration symbol;
    bool has_range = false, has_policy = false;
    size_t pos = 0;
  };

  // --- inputs

  absl::Status ParseInputs() {
    KILN_RETURN_IF_ERROR(in_.Expect("("));
    if (in_.TryConsume(")")) return absl::OkStatus();
    do {
      if (in_.At(")")) break;
      KILN_RETURN_IF_ERROR(ParseInput());
    } while (in_.TryConsume(","));
    return in_.Expect(")");
  }

  absl::Status ParseInput() {
    PendingInput pending;
    if (!in_.TryWord("_")) {
      KILN_ASSIGN_OR_RETURN(absl::string_view name, ReadValueName(in_));
      pending.input.name = std::string(name);
    }
    KILN_RETURN_IF_ERROR(in_.Expect(":"));
    KILN_RETURN_IF_ERROR(ParseType(pending));
    while (!in_.At(",") && !in_.At(")")) KILN_RETURN_IF_ERROR(ParseAttribute(pending));
    inputs_.push_back(std::move(pending));
    return absl::OkStatus();
  }

  absl::Status ParseType(PendingInput& pending) {
    const size_t start = in_.Start();
    FakeTensor t;
    if (pending.has_dtype) {
      KILN_ASSIGN_OR_RETURN(absl::string_view type, in_.Word("a type"));
      if (in_.At("=")) return ParseScalarInput(type, start, pending);
      std::optional<DType> dtype = ParseDType(type);
      if (!dtype.has_value()) return in_.ErrorAt(start, absl::StrCat("'", type, "' is no dtype, as f32, i64 and bool are"));
      t.dtype = *dtype;
    }
    KILN_RETURN_IF_ERROR(ParseSizes(t.sizes, pending.input.policies));
    pending.input.value = std::move(t);
    return absl::OkStatus();
  }

  // "[s0=8 in [2, oo] dynamic, 128 static]".
  absl::Status ParseSizes(Dims& sizes, std::vector<DimPolicy>& policies) {
    KILN_RETURN_IF_ERROR(in_.Expect("["));
    std::vector<DimPolicy> given;
    bool any = false;
    while (!in_.At("]")) {
      KILN_RETURN_IF_ERROR(CheckLimit(Limit::kRank, sizes.size() + 1, "a list of sizes"));
      given.push_back(DimPolicy::kAutomatic);
      KILN_ASSIGN_OR_RETURN(Expr size, ParseSize(given.back()));
      any |= given.back() != DimPolicy::kAutomatic;
      sizes.push_back(size);
      if (!in_.TryConsume(",")) break;
    }
    if (any) policies = std::move(given);
    return in_.Expect("]");
  }

  // An expression; a symbol may have its hint, range and policy behind it, and a
  // number the policy of its dimension.
  absl::StatusOr<Expr> ParseSize(DimPolicy& policy) {
    InlineFacts facts;
    facts.pos = in_.Start();
    KILN_ASSIGN_OR_RETURN(Expr e, ParseExprBeforeHint());
    if (in_.At(",") || in_.At("]")) return e;
    facts.symbol.symbol = e;
    const bool is_symbol = e.kind() == ExprKind::kSymbol;
    if (!is_symbol && (in_.At("=") || in_.AtWord("in"))) {
      return in_.Error(absl::StrCat("only a symbol has a hint or a range, and '", e.ToString(), "' is none"));
    }
    if (in_.TryConsume("=")) {
      KILN_RETURN_IF_ERROR(ParseHint(facts.symbol));
    }
    facts.has_range = in_.TryWord("in");
    if (facts.has_range) KILN_RETURN_IF_ERROR(ParseRange(facts.symbol.range));
    if (!in_.At(",") && !in_.At("]")) {
      KILN_ASSIGN_OR_RETURN(policy, ParsePolicy());
      facts.has_policy = is_symbol;
    }
    if (is_symbol) {
      facts.symbol.policy = std::exchange(policy, DimPolicy::kAutomatic);
      inline_facts_.push_back(std::move(facts));
    }
    return e;
  }

  // The text up to a '=' that is no comparison, or as ParseExpr.
  absl::StatusOr<Expr> ParseExprBeforeHint() {
    const size_t start = in_.Start();
    const absl::string_view text = in_.ExprText(/*stops_at_space=*/true);
    constexpr absl::string_view kComparisons = "=<>!";
    for (size_t i = 1; i < text.size(); ++i) {
      const bool comparison = kComparisons.find(text[i - 1]) != kComparisons.npos ||
                              (i + 1 < text.size() && text[i + 1] == '=');
      if (text[i] != '=' || comparison) continue;
      in_.set_pos(start + i);
      return ParseExprText(text.substr(0, i), start);
    }
    return ParseExprText(text, start);
  }

  absl::StatusOr<Expr> ParseExprText(absl::string_view text, size_t start) {
    absl::StatusOr<Expr> e = pool_->Parse(absl::StripAsciiWhitespace(text));
    if (e.ok()) return e;
    return AddContext(e.status(), in_.ErrorAt(start, "in the expression").message());
  }

  absl::Status ParseScalarInput(absl::string_view type, size_t start,
                                PendingInput& pending) {
    KILN_RETURN_IF_ERROR(in_.Expect("="));
    KILN_ASSIGN_OR_RETURN(Expr e, in_.ParseExpr(pool_, /*stops_at_space=*/true));
    absl::string_view actual = e.type() == ExprType::kInt     ? "int"
                               : e.type() == ExprType::kFloat ? "float"
                                                              : "bool";
    if (type != actual)
      return in_.ErrorAt(start, absl::StrCat("the type is '", type, "' but ",
                                         e.ToString(), " is of type ", actual));
    pending.input.value = e;
    return absl::OkStatus();
  }

  absl::Status ParseAttribute(PendingInput& pending) {
    const size_t start = in_.Start();
    KILN_ASSIGN_OR_RETURN(absl::string_view word,
                          in_.Word("',' or ')' or an attribute of the input"));
    if (std::optional<InputKind> kind = ParseInputKind(word)) {
      pending.input.kind = *kind;
      pending.has_kind = true;
      return absl::OkStatus();
    }
    if (word == "donated") return Set(pending.input.donated);
    if (word == "constant") return Set(pending.input.constant);
    FakeTensor* t = std::get_if<FakeTensor>(&pending.input.value);
    if (t == nullptr)
      return in_.ErrorAt(
          start,
          absl::StrCat("'", word, "' is no attribute of a scalar input"));
    if (word == "requires_grad") return Set(t->requires_grad);
    if (word == "conj") return Set(t->conj_bit);
    if (word == "neg") return Set(t->neg_bit);
    KILN_RETURN_IF_ERROR(in_.Expect("="));
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
      KILN_ASSIGN_OR_RETURN(t.strides, in_.ParseDims(pool_));
      return absl::OkStatus();
    }
    if (word == "offset") {
      KILN_ASSIGN_OR_RETURN(t.storage_offset,
                            in_.ParseExpr(pool_, /*stops_at_space=*/true));
      return absl::OkStatus();
    }
    if (word == "storage_bytes") {
      KILN_ASSIGN_OR_RETURN(pending.input.storage_bytes, in_.ParseExpr(pool_, /*stops_at_space=*/true));
      return absl::OkStatus();
    }
    if (word == "policies") return ParsePolicies(pending.input.policies);
    if (word == "alias") {
      KILN_ASSIGN_OR_RETURN(absl::string_view name, ReadValueName(in_));
      pending.alias = std::string(name);
      return absl::OkStatus();
    }
    KILN_ASSIGN_OR_RETURN(Argument value, ReadWordLiteral(in_));
    if (word == "device" && value.get_if<Device>() != nullptr) {
      t.device = *value.get_if<Device>();
      return absl::OkStatus();
    }
    if (word == "layout" && value.get_if<Layout>() != nullptr) {
      t.layout = *value.get_if<Layout>();
      return absl::OkStatus();
    }
    return in_.ErrorAt(
        start,
        absl::StrCat("'", word,
                     "=' with such a value is no attribute of an input"));
  }

  absl::StatusOr<DimPolicy> ParsePolicy() {
    const absl::string_view word = in_.PeekWord();
    const std::optional<DimPolicy> policy = kiln::ParsePolicy(word);
    if (!policy.has_value()) return in_.Error("expected automatic, dynamic, unbacked or static");
    in_.TryWord(word);
    return *policy;
  }

  absl::Status ParsePolicies(std::vector<DimPolicy>& policies) {
    KILN_RETURN_IF_ERROR(in_.Expect("["));
    if (in_.TryConsume("]")) return absl::OkStatus();
    do {
      KILN_ASSIGN_OR_RETURN(DimPolicy policy, ParsePolicy());
      policies.push_back(policy);
      KILN_RETURN_IF_ERROR(
          CheckLimit(Limit::kRank, policies.size(), "a list of policies"));
    } while (in_.TryConsume(","));
    return in_.Expect("]");
  }

  // --- symbols and assumptions

  absl::Status ParseSymbols() {
    if (!in_.TryWord("symbols")) return absl::OkStatus();
    KILN_RETURN_IF_ERROR(in_.Expect("{"));
    if (in_.TryConsume("}")) return absl::OkStatus();
    do {
      KILN_RETURN_IF_ERROR(ParseSymbol());
    } while (in_.TryConsume(","));
    return in_.Expect("}");
  }

  absl::Status ParseSymbol() {
    const size_t start = in_.Start();
    KILN_ASSIGN_OR_RETURN(absl::string_view name, in_.Word("a symbol"));
    absl::StatusOr<Expr> symbol = pool_->Parse(name);
    if (!symbol.ok() || symbol->kind() != ExprKind::kSymbol)
      return in_.ErrorAt(start, absl::StrCat("'", name, "' is no symbol"));
    SymbolDeclaration s;
    s.symbol = *symbol;
    if (in_.TryConsume("=")) {
      KILN_RETURN_IF_ERROR(ParseHint(s));
    }
    if (in_.TryWord("in")) {
      KILN_RETURN_IF_ERROR(ParseRange(s.range));
    }
    if (s.symbol.has_unbacked()) s.policy = DimPolicy::kUnbacked;
    if (!in_.At(",") && !in_.At("}")) {
      KILN_ASSIGN_OR_RETURN(s.policy, ParsePolicy());
    }
    return Declare(std::move(s));
  }

  // Of two declarations of a symbol the first one is found; the builder refuses the second.
  absl::Status Declare(SymbolDeclaration s) {
    places_.try_emplace(s.symbol, declared_.size());
    declared_.push_back(std::move(s));
    return CheckLimit(Limit::kSymbols, declared_.size(), "the graph");
  }

  absl::Status ParseHint(SymbolDeclaration& s) {
    if (s.symbol.type() == ExprType::kFloat) {
      KILN_ASSIGN_OR_RETURN(s.float_hint, in_.Real("a finite number, the hint of a float"));
    } else {
      KILN_ASSIGN_OR_RETURN(s.hint, in_.Integer("a 64-bit integer, the symbol's hint"));
    }
    return absl::OkStatus();
  }

  absl::Status ParseRange(ValueRange& range) {
    KILN_RETURN_IF_ERROR(in_.Expect("["));
    if (!in_.TryConsume("-oo")) {
      KILN_ASSIGN_OR_RETURN(range.lower, in_.Integer("a 64-bit integer"));
    }
    KILN_RETURN_IF_ERROR(in_.Expect(","));
    if (!in_.TryWord("oo")) {
      KILN_ASSIGN_OR_RETURN(range.upper, in_.Integer("a 64-bit integer"));
    }
    return in_.Expect("]");
  }

  absl::Status ParseAssumptions() {
    if (!in_.TryWord("assume")) return absl::OkStatus();
    KILN_RETURN_IF_ERROR(in_.Expect("{"));
    if (in_.TryConsume("}")) return absl::OkStatus();
    do {
      KILN_ASSIGN_OR_RETURN(Expr e, in_.ParseExpr(pool_));
      assumptions_.push_back(e);
    } while (in_.TryConsume(","));
    return in_.Expect("}");
  }

  // --- from pending to the builder: symbols first, since default strides need
  // their ranges.

  absl::Status GiveToBuilder() {
    KILN_RETURN_IF_ERROR(GiveSymbols());
    for (const PendingInput& pending : inputs_)
      KILN_RETURN_IF_ERROR(DeclareSymbolsOf(pending));
    for (Expr e : assumptions_) KILN_RETURN_IF_ERROR(DeclareSymbolsOf(e));
    for (PendingInput& pending : inputs_)
      KILN_RETURN_IF_ERROR(GiveInput(pending));
    for (Expr e : assumptions_) KILN_RETURN_IF_ERROR(builder_.AddAssumption(e));
    return absl::OkStatus();
  }

  // The block's declarations with what inputs say inline; what only they say,
  // behind. Two places may say the same, not different things.
  absl::Status GiveSymbols() {
    const size_t in_block = declared_.size();
    for (const InlineFacts& facts : inline_facts_) KILN_RETURN_IF_ERROR(Merge(facts));
    // Where the block says nothing, symbols keep the order in which they appear.
    for (size_t i = 0; i < in_block; ++i) KILN_RETURN_IF_ERROR(builder_.DeclareSymbol(declared_[i]));
    return absl::OkStatus();
  }

  absl::Status Merge(const InlineFacts& facts) {
    const SymbolDeclaration& said = facts.symbol;
    const auto place = places_.find(said.symbol);
    if (place == places_.end()) {
      SymbolDeclaration s = said;
      if (s.symbol.has_unbacked() && !facts.has_policy) s.policy = DimPolicy::kUnbacked;
      return Declare(std::move(s));
    }
    SymbolDeclaration* const it = &declared_[place->second];
    const absl::string_view name = said.symbol.symbol_name();
    if (said.hint.has_value() && it->hint.has_value() && *it->hint != *said.hint) {
      return in_.ErrorAt(facts.pos, absl::StrCat("symbol ", name, " has the hint ", *said.hint, " here but ", *it->hint,
                                                 " elsewhere"));
    }
    if (said.float_hint.has_value() && it->float_hint.has_value() && *it->float_hint != *said.float_hint) {
      return in_.ErrorAt(facts.pos, absl::StrCat("symbol ", name, " has the hint ", PrintDouble(*said.float_hint),
                                                 " here but ", PrintDouble(*it->float_hint), " elsewhere"));
    }
    if (facts.has_range && !(it->range == ValueRange{}) && !(it->range == said.range)) {
      return in_.ErrorAt(facts.pos, absl::StrCat("symbol ", name, " has the range ", said.range.ToString(),
                                                 " here but ", it->range.ToString(), " elsewhere"));
    }
    if (facts.has_policy && it->policy != DimPolicy::kAutomatic && it->policy != said.policy) {
      return in_.ErrorAt(facts.pos, absl::StrCat("symbol ", name, " has another policy elsewhere"));
    }
    if (said.hint.has_value()) it->hint = said.hint;
    if (said.float_hint.has_value()) it->float_hint = said.float_hint;
    if (facts.has_range) it->range = said.range;
    if (facts.has_policy) it->policy = said.policy;
    return absl::OkStatus();
  }

  absl::Status DeclareSymbolsOf(const PendingInput& pending) {
    if (const Expr* e = std::get_if<Expr>(&pending.input.value))
      return DeclareSymbolsOf(*e);
    const FakeTensor& t = std::get<FakeTensor>(pending.input.value);
    for (Expr e : t.sizes) KILN_RETURN_IF_ERROR(DeclareSymbolsOf(e));
    for (Expr e : t.strides) KILN_RETURN_IF_ERROR(DeclareSymbolsOf(e));
    KILN_RETURN_IF_ERROR(DeclareSymbolsOf(t.storage_offset));
    return DeclareSymbolsOf(pending.input.storage_bytes.value_or(Expr()));
  }

  absl::Status DeclareSymbolsOf(Expr e) {
    absl::Status status;
    VisitSymbols(e, [&](Expr symbol) {
      if (!status.ok() || builder_.IsDeclared(symbol)) return;
      SymbolDeclaration s;
      s.symbol = symbol;
      if (symbol.has_unbacked()) s.policy = DimPolicy::kUnbacked;
      if (const auto place = places_.find(symbol); place != places_.end()) s = declared_[place->second];
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

  TextCursor& in_;
  ExprPool* pool_;
  GraphBuilder& builder_;
  std::vector<PendingInput> inputs_;
  std::vector<Expr> assumptions_;
  std::vector<InlineFacts> inline_facts_;
  // Those of the block, then those that only inputs tell of.
  std::vector<SymbolDeclaration> declared_;
  absl::flat_hash_map<Expr, size_t> places_;
};

}  // namespace

absl::StatusOr<absl::string_view> ReadValueName(TextCursor& in) {
  KILN_RETURN_IF_ERROR(in.Expect("%"));
  return in.Word("a value's name");
}

absl::StatusOr<Argument> ReadWordLiteral(TextCursor& in) {
  absl::string_view text = in.text();
  const size_t start = in.Start();
  size_t end = start;
  while (end < text.size() && (in.IsWordChar(text[end]) || text[end] == ':')) ++end;
  absl::string_view word = text.substr(start, end - start);
  std::optional<Argument> value;
  if (!word.empty()) value = ParseWord(word);
  if (!value.has_value()) return in.ErrorAt(start, absl::StrCat("'", word, "' is no literal"));
  in.set_pos(end);
  return *std::move(value);
}

absl::StatusOr<LoneInput> ParseLoneInput(absl::string_view text, ExprPool* pool) {
  TextCursor in(text, "_.");
  GraphBuilder unused(pool, nullptr);
  return SignatureParser(in, pool, unused).ParseLone();
}

absl::Status ParseSignature(TextCursor& in, ExprPool* pool, GraphBuilder& builder) {
  return SignatureParser(in, pool, builder).Parse();
}

}  // namespace kiln
