#include "clients/runtime/guard_evaluator.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace kiln {

absl::StatusOr<GuardEvaluator> GuardEvaluator::Create(const Guards& guards, const Symbols& symbols) {
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kGuards, guards.size(), "the variant's guards"));
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kSymbols, symbols.size(), "the variant's symbols"));
  SymbolIndex places;
  for (int i = 0; i < symbols.size(); ++i) places.emplace(symbols[i], i);
  ExprPool pool;
  GuardEvaluator evaluator;
  for (int i = 0; i < guards.size(); ++i) {
    const std::string where = absl::StrCat("guard ", i, " '", guards[i].condition(), "'");
    absl::StatusOr<Expr> condition = pool.Parse(guards[i].condition());
    if (!condition.ok()) return AddContext(condition.status(), where);
    if (condition->is_poison() || condition->type() != ExprType::kBool) {
      return MakeError(ErrorReason::kBadExpression, absl::StrCat(where, " is not a boolean"));
    }
    absl::StatusOr<ExprProgram> program = ExprProgram::Compile(*condition, places);
    if (!program.ok()) return AddContext(program.status(), where);
    evaluator.programs_.push_back(*std::move(program));
  }
  return evaluator;
}

int GuardEvaluator::FirstFailing(const int64_t* symbols) const {
  for (int i = 0; i < num_guards(); ++i) {
    if (programs_[i].Run(symbols) != 1) return i;
  }
  return -1;
}

}  // namespace kiln
