// The state of one accumulator while a kernel's code is emitted.
//
// An accumulator has several partial states: a scalar one, and for updates in
// vector loops one a lane, in several independent copies that break the chain
// of dependent additions. They live in allocas, which SROA turns into
// registers. `Result` folds all of them.
//
// max, min, argmax and argmin: NaN wins; argmax and argmin give the first index
// of the winner (torch.max, torch.argmax). Sums are of the accumulator's dtype.
// Welford: Chan, Golub and LeVeque's update and combination.
#ifndef KILN_COMPILER_CODEGEN_ACCUMULATOR_H_
#define KILN_COMPILER_CODEGEN_ACCUMULATOR_H_

#include <map>
#include <vector>

#include "absl/types/span.h"
#include "compiler/codegen/num.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {

class Accumulator {
 public:
  // Declares it at the builder's place, where its partial states are set to the
  // identity whenever control comes by.
  Accumulator(const MathContext* math, ReduceKind kind, DType dtype);

  // Takes `values` (the update's operands) into partial state `copy` of as many
  // lanes as the values have. With a `mask` (a vector of i1) the others stay as
  // they are.
  void Update(int copy, absl::Span<llvm::Value* const> values, llvm::Value* mask = nullptr);
  // Result `which` of everything so far; a scalar.
  llvm::Value* Result(int which);

  ReduceKind kind() const { return kind_; }

 private:
  using State = std::vector<llvm::Value*>;  // one value for each component
  using Slots = std::vector<llvm::AllocaInst*>;

  int num_components() const;
  llvm::Type* ComponentType(int component, int lanes) const;
  llvm::Constant* Identity(int component, int lanes) const;
  Slots& SlotsOf(int lanes, int copy);
  State Load(const Slots& slots);
  State Combine(const State& x, const State& y);
  State CombineSimple(const State& x, const State& y);
  State CombineArg(const State& x, const State& y);
  State CombineWelford(const State& x, const State& y);
  State UpdateWelford(const State& state, llvm::Value* value);
  State Halve(const State& state);

  // Constant after construction.
  const MathContext* math_;
  ReduceKind kind_;
  DType dtype_;
  // States are set to the identity before it.
  llvm::Instruction* init_place_;

  // By lanes and copy.
  std::map<std::pair<int, int>, Slots> slots_;
};

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_ACCUMULATOR_H_
