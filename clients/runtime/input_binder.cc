#include "clients/runtime/input_binder.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/checked_int.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace kiln {

// Reads the metadata once: fields first, then an order in which symbols can be
// solved.
class InputBinder::Builder {
 public:
  absl::StatusOr<InputBinder> Build(const Symbols& symbols, const Inputs& inputs) {
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kSymbols, symbols.size(), "the graph's symbols"));
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kGraphInputs, inputs.size(), "the graph's inputs"));
    for (int i = 0; i < symbols.size(); ++i) {
      places_.emplace(symbols[i], i);
      symbols_.push_back(pool_.Symbol(symbols[i]));
    }
    out_.num_symbols_ = symbols.size();
    solved_.assign(symbols.size(), false);
    for (int i = 0; i < inputs.size(); ++i) {
      absl::Status status = AddInput(inputs[i]);
      if (!status.ok()) return AddContext(status, absl::StrCat("input ", i));
    }
    KILN_RETURN_IF_ERROR(OrderSolves());
    return std::move(out_);
  }

 private:
  struct Candidate {
    int input;
    int field;
    Expr expr;
  };

  absl::Status AddInput(const v1::ManifestInput& input) {
    Row row;
    row.first_field = static_cast<int32_t>(out_.fields_.size());
    row.is_tensor = input.has_tensor();
    if (!row.is_tensor) {
      out_.rows_.push_back(row);
      return AddField(input.sym_int(), 0);
    }
    const v1::TensorMeta& meta = input.tensor();
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kRank, meta.sizes_size(), "its sizes"));
    if (meta.strides_size() != meta.sizes_size()) {
      return MakeError(ErrorReason::kBadInputMetadata,
                       absl::StrCat(meta.sizes_size(), " sizes but ", meta.strides_size(), " strides"));
    }
    row.rank = meta.sizes_size();
    row.dtype = meta.dtype();
    out_.rows_.push_back(row);
    int field = 0;
    for (const v1::SymExpr& size : meta.sizes()) KILN_RETURN_IF_ERROR(AddField(size, field++));
    for (const v1::SymExpr& stride : meta.strides()) KILN_RETURN_IF_ERROR(AddField(stride, field++));
    return AddField(meta.storage_offset(), field);
  }

  // An unset expression is 0: an absent storage offset.
  absl::Status AddField(const v1::SymExpr& wire, int field) {
    Expr expr(int64_t{0});
    if (wire.kind_case() == v1::SymExpr::kValue) {
      expr = pool_.Int(wire.value());
    } else if (wire.kind_case() == v1::SymExpr::kExpr) {
      KILN_ASSIGN_OR_RETURN(expr, pool_.Parse(wire.expr()));
    }
    if (!expr.is_poison() && expr.type() != ExprType::kInt) {
      return MakeError(ErrorReason::kUnsupportedGraph, absl::StrCat(expr.ToString(), " is no integer"));
    }
    out_.texts_.push_back(expr.ToString());
    if (std::optional<int64_t> constant = expr.AsInt()) {
      out_.fields_.push_back({FieldKind::kConstant, *constant});
      return absl::OkStatus();
    }
    if (expr.kind() == ExprKind::kSymbol) {
      auto place = places_.find(expr.symbol_name());
      if (place == places_.end()) {
        return MakeError(ErrorReason::kBadExpression, absl::StrCat(expr.ToString(), " is not a declared symbol"));
      }
      out_.fields_.push_back({FieldKind::kSymbol, place->second});
    } else {
      KILN_ASSIGN_OR_RETURN(ExprProgram program, ExprProgram::Compile(expr, places_));
      out_.fields_.push_back({FieldKind::kProgram, static_cast<int64_t>(out_.programs_.size())});
      out_.programs_.push_back(std::move(program));
    }
    candidates_.push_back({static_cast<int>(out_.rows_.size()) - 1, field, expr});
    return absl::OkStatus();
  }

  // Those that stand alone, then whatever is linear in its one unknown, until
  // nothing more is found.
  absl::Status OrderSolves() {
    for (const Candidate& c : candidates_) {
      if (c.expr.kind() != ExprKind::kSymbol) continue;
      KILN_RETURN_IF_ERROR(AddSolve(c, places_.find(c.expr.symbol_name())->second));
    }
    bool found = true;
    while (found) {
      found = false;
      for (const Candidate& c : candidates_) {
        std::optional<int> unknown = OnlyUnknown(c.expr);
        if (!unknown.has_value() || !SplitLinear(pool_, c.expr, symbols_[*unknown]).has_value()) continue;
        KILN_RETURN_IF_ERROR(AddSolve(c, *unknown));
        found = true;
      }
    }
    for (size_t i = 0; i < solved_.size(); ++i) {
      if (solved_[i]) continue;
      return MakeError(ErrorReason::kUnsupportedGraph,
                       absl::StrCat("symbol ", symbols_[i].ToString(), " is determined by no input of the graph"));
    }
    return absl::OkStatus();
  }

  // The place of the one symbol of `e` that is not solved yet.
  std::optional<int> OnlyUnknown(Expr e) const {
    int count = 0;
    int place = -1;
    VisitSymbols(e, [&](Expr symbol) {
      const int at = places_.find(symbol.symbol_name())->second;
      if (solved_[at]) return;
      ++count;
      place = at;
    });
    if (count != 1) return std::nullopt;
    return place;
  }

  absl::Status AddSolve(const Candidate& c, int symbol) {
    if (solved_[symbol]) return absl::OkStatus();
    Solve solve;
    solve.input = c.input;
    solve.field = c.field;
    solve.symbol = symbol;
    solve.alone = c.expr.kind() == ExprKind::kSymbol;
    if (!solve.alone) {
      const LinearForm form = *SplitLinear(pool_, c.expr, symbols_[symbol]);
      KILN_ASSIGN_OR_RETURN(solve.coefficient, ExprProgram::Compile(form.coefficient, places_));
      KILN_ASSIGN_OR_RETURN(solve.rest, ExprProgram::Compile(form.rest, places_));
    }
    solved_[symbol] = true;
    out_.solves_.push_back(std::move(solve));
    return absl::OkStatus();
  }

  ExprPool pool_;
  SymbolIndex places_;
  std::vector<Expr> symbols_;
  std::vector<bool> solved_;
  std::vector<Candidate> candidates_;
  InputBinder out_;
};

absl::StatusOr<InputBinder> InputBinder::Create(const Symbols& symbols, const Inputs& inputs) {
  return Builder().Build(symbols, inputs);
}

int64_t InputBinder::Read(const KilnValue& value, int field) {
  if (value.kind != KILN_VALUE_TENSOR) return value.u.i;
  const KilnTensor& t = *value.u.tensor;
  if (field < t.rank) return t.sizes[field];
  if (field < 2 * t.rank) return t.strides[field - t.rank];
  return t.storage_offset;
}

InputBinder::Verdict InputBinder::CheckKind(const KilnValue& value, int input) const {
  const Row& row = rows_[input];
  const int32_t kind = row.is_tensor ? KILN_VALUE_TENSOR : KILN_VALUE_INT;
  if (value.kind != kind) return {Mismatch::kKind, input, -1, kind, value.kind};
  if (!row.is_tensor) return {};
  const KilnTensor& t = *value.u.tensor;
  if (t.dtype != row.dtype) return {Mismatch::kDtype, input, -1, row.dtype, t.dtype};
  if (t.rank != row.rank) return {Mismatch::kRank, input, -1, row.rank, t.rank};
  return {};
}

bool InputBinder::FieldHolds(const Field& field, int64_t actual, const int64_t* symbols, int64_t* expected) const {
  switch (field.kind) {
    case FieldKind::kConstant: *expected = field.value; break;
    case FieldKind::kSymbol: *expected = symbols[field.value]; break;
    case FieldKind::kProgram: {
      std::optional<int64_t> value = programs_[field.value].Run(symbols);
      if (!value.has_value()) return false;
      *expected = *value;
    }
  }
  return *expected == actual;
}

InputBinder::Verdict InputBinder::CheckFields(const KilnValue& value, int input, const int64_t* symbols) const {
  const Row& row = rows_[input];
  const Field* fields = &fields_[row.first_field];
  int64_t expected = 0;
  if (!row.is_tensor) {
    if (FieldHolds(fields[0], value.u.i, symbols, &expected)) return {};
    return {Mismatch::kField, input, 0, expected, value.u.i};
  }
  const KilnTensor& t = *value.u.tensor;
  bool empty = false;
  for (int d = 0; d < row.rank; ++d) {
    empty |= t.sizes[d] == 0;
    if (!FieldHolds(fields[d], t.sizes[d], symbols, &expected)) {
      return {Mismatch::kField, input, d, expected, t.sizes[d]};
    }
  }
  for (int d = 0; d < row.rank; ++d) {
    const bool holds = FieldHolds(fields[row.rank + d], t.strides[d], symbols, &expected);
    if (!holds && !empty && t.sizes[d] > 1) {
      return {Mismatch::kField, input, row.rank + d, expected, t.strides[d]};
    }
  }
  if (!FieldHolds(fields[2 * row.rank], t.storage_offset, symbols, &expected)) {
    return {Mismatch::kField, input, 2 * row.rank, expected, t.storage_offset};
  }
  return {};
}

InputBinder::Verdict InputBinder::SolveOne(const Solve& solve, absl::Span<const KilnValue> inputs,
                                           int64_t* symbols) const {
  const KilnValue& value = inputs[solve.input];
  Verdict kind = CheckKind(value, solve.input);
  if (kind.what != Mismatch::kNone) return kind;
  const int64_t actual = Read(value, solve.field);
  if (solve.alone) {
    symbols[solve.symbol] = actual;
    return {};
  }
  const Verdict refused{Mismatch::kSolve, solve.input, solve.field, 0, actual};
  std::optional<int64_t> coefficient = solve.coefficient.Run(symbols);
  std::optional<int64_t> rest = solve.rest.Run(symbols);
  if (!coefficient.has_value() || !rest.has_value() || *coefficient == 0) return refused;
  std::optional<int64_t> product = CheckedSub(actual, *rest);
  if (!product.has_value() || CheckedMod(*product, *coefficient) != 0) return refused;
  std::optional<int64_t> solution = CheckedFloorDiv(*product, *coefficient);
  if (!solution.has_value()) return refused;
  symbols[solve.symbol] = *solution;
  return {};
}

InputBinder::Verdict InputBinder::Check(absl::Span<const KilnValue> inputs, int64_t* symbols) const {
  if (inputs.size() != rows_.size()) {
    return {Mismatch::kCount, -1, -1, num_inputs(), static_cast<int64_t>(inputs.size())};
  }
  for (const Solve& solve : solves_) {
    Verdict verdict = SolveOne(solve, inputs, symbols);
    if (verdict.what != Mismatch::kNone) return verdict;
  }
  for (int i = 0; i < num_inputs(); ++i) {
    Verdict verdict = CheckKind(inputs[i], i);
    if (verdict.what == Mismatch::kNone) verdict = CheckFields(inputs[i], i, symbols);
    if (verdict.what != Mismatch::kNone) return verdict;
  }
  return {};
}

bool InputBinder::Bind(absl::Span<const KilnValue> inputs, int64_t* symbols) const {
  return Check(inputs, symbols).what == Mismatch::kNone;
}

std::string InputBinder::Explain(absl::Span<const KilnValue> inputs) const {
  std::vector<int64_t> symbols(num_symbols_);
  const Verdict v = Check(inputs, symbols.data());
  const std::string where = absl::StrCat("input ", v.input, ": ");
  switch (v.what) {
    case Mismatch::kNone: return "";
    case Mismatch::kCount: return absl::StrCat("the call has ", v.actual, " inputs but the graph has ", v.expected);
    case Mismatch::kKind: return absl::StrCat(where, "is of kind ", v.actual, " but the graph has kind ", v.expected);
    case Mismatch::kDtype: return absl::StrCat(where, "dtype is ", v.actual, " but the graph has ", v.expected);
    case Mismatch::kRank: return absl::StrCat(where, "rank is ", v.actual, " but the graph has ", v.expected);
    case Mismatch::kField:
    case Mismatch::kSolve: break;
  }
  const Row& row = rows_[v.input];
  std::string field = "its value";
  if (row.is_tensor && v.field < row.rank) field = absl::StrCat("size ", v.field);
  else if (row.is_tensor && v.field < 2 * row.rank) field = absl::StrCat("stride ", v.field - row.rank);
  else if (row.is_tensor) field = "storage offset";
  const std::string& text = texts_[row.first_field + v.field];
  if (v.what == Mismatch::kSolve) {
    return absl::StrCat(where, field, " is ", v.actual, ", for which ", text, " has no solution");
  }
  return absl::StrCat(where, field, " is ", v.actual, " but ", text, " is ", v.expected);
}

}  // namespace kiln
