// Expressions as LLVM instructions, each placed as far out as its symbols allow.
//
// Scopes nest like the loops that they stand for. A symbol belongs to the scope
// that bound it; an expression is computed in the innermost scope that one of
// its symbols belongs to, once, before everything else in that scope, so that
// what is invariant in a loop is computed outside of it. Sums are split by
// scope. Long sums of a checked emitter, as places in an arena, each of which is
// the one before and a size, are computed from one another.
//
// Not thread-safe. Values are i64, double or i1, after the expression's type.
#ifndef KILN_COMPILER_CODEGEN_EXPR_EMITTER_H_
#define KILN_COMPILER_CODEGEN_EXPR_EMITTER_H_

#include <deque>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "compiler/codegen/num.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/value_range.h"

namespace kiln {

class ExprEmitter {
 public:
  // `checked`: sums and products record whether they leave int64.
  ExprEmitter(ExprPool* pool, const MathContext* math, bool checked)
      : pool_(pool), math_(math), b_(math->builder), checked_(checked) {}

  // Opens a scope here: ends the current block and goes on in a new one, with a
  // place between them for the scope's expressions.
  void PushScope();
  void PopScope();
  int depth() const { return static_cast<int>(scopes_.size()); }

  // In the innermost scope. `range` is what is known of the symbol.
  void Bind(Expr symbol, llvm::Value* value, ValueRange range);

  // Some value of `e`'s type where status() is not OK afterwards.
  llvm::Value* Emit(Expr e);

  // UNSUPPORTED_GRAPH for the first expression that has no code: a function of
  // floats, or a symbol that is a float or not bound.
  const absl::Status& status() const { return status_; }

  // i1 values that are true when something overflowed or has no value, as a
  // negative exponent; checked only.
  const std::vector<llvm::Value*>& overflows() const { return overflows_; }

 private:
  struct Sum {
    Expr e;
    absl::flat_hash_set<Expr> terms;
    llvm::Value* value;
  };
  struct Scope {
    llvm::Instruction* place;  // expressions go before it
    absl::flat_hash_map<Expr, llvm::Value*> values;
    std::vector<Expr> bound;
    std::deque<Sum> sums;  // the latest long ones; checked only
  };
  struct Binding {
    llvm::Value* value;
    int depth;
    ValueRange range;
  };

  int DepthOf(Expr e) const;
  // nullptr where it is not bound.
  const Binding* BindingOf(Expr symbol) const;
  llvm::Value* Refuse(Expr e, absl::string_view why);
  llvm::Value* EmitSymbol(Expr e);
  llvm::Value* Build(Expr e);
  llvm::Value* BuildSum(Expr e, int depth);
  llvm::Value* BuildWholeSum(Expr e, int depth);
  // A long sum as one of the scope's and what it differs by; nullptr if none is near.
  llvm::Value* BuildFromNearSum(const Sum& wanted, int depth);
  llvm::Value* Choose(Expr e);
  llvm::Value* Fold(Expr e, llvm::Value* (ExprEmitter::*combine)(llvm::Value*, llvm::Value*));
  llvm::Value* AddInts(llvm::Value* x, llvm::Value* y);
  llvm::Value* MulInts(llvm::Value* x, llvm::Value* y);
  llvm::Value* AddFloats(llvm::Value* x, llvm::Value* y) { return b_->CreateFAdd(x, y); }
  llvm::Value* MulFloats(llvm::Value* x, llvm::Value* y) { return b_->CreateFMul(x, y); }
  llvm::Value* Smaller(llvm::Value* x, llvm::Value* y);
  llvm::Value* Larger(llvm::Value* x, llvm::Value* y);
  llvm::Value* Both(llvm::Value* x, llvm::Value* y) { return b_->CreateAnd(x, y); }
  llvm::Value* Either(llvm::Value* x, llvm::Value* y) { return b_->CreateOr(x, y); }
  llvm::Value* Checked(llvm::Intrinsic::ID id, llvm::Value* x, llvm::Value* y);
  void Flag(llvm::Value* has_no_value);
  llvm::Value* Divide(Expr e);
  llvm::Value* Product(Expr e);
  llvm::Value* PowInts(Expr e);
  llvm::Value* RoundToInt(Expr e, Rounding rounding);
  llvm::Value* TrueDivide(Expr e);
  llvm::Value* SquareRoot(Expr e);
  llvm::Value* Compare(Expr e, llvm::CmpInst::Predicate on_ints, llvm::CmpInst::Predicate on_floats);
  llvm::Value* AsFloat(Expr e);
  bool KnownNatural(Expr e) const;

  ExprPool* pool_;
  const MathContext* math_;
  llvm::IRBuilder<>* b_;
  bool checked_;
  std::vector<Scope> scopes_;
  // Innermost binding last.
  absl::flat_hash_map<Expr, std::vector<Binding>> symbols_;
  std::vector<llvm::Value*> overflows_;
  absl::Status status_;
};

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_EXPR_EMITTER_H_
