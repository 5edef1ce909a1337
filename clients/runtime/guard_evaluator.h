// A variant's guards, compiled once and decided on every call.
//
//   KILN_ASSIGN_OR_RETURN(GuardEvaluator guards, GuardEvaluator::Create(manifest.guards(), manifest.symbols()));
//   if (guards.Hold(symbols)) ...   // symbols as InputBinder solved them
//
// A guard that cannot be evaluated (overflow, division by zero) does not hold.
#ifndef KILN_CLIENTS_RUNTIME_GUARD_EVALUATOR_H_
#define KILN_CLIENTS_RUNTIME_GUARD_EVALUATOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "clients/runtime/expr_program.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// Immutable; thread-safe.
class GuardEvaluator {
 public:
  using Guards = google::protobuf::RepeatedPtrField<v1::Guard>;
  using Symbols = google::protobuf::RepeatedPtrField<std::string>;

  // BAD_EXPRESSION for a guard that does not parse, is not boolean or speaks of
  // a symbol that is not listed. LIMIT_EXCEEDED over Limit::kGuards.
  static absl::StatusOr<GuardEvaluator> Create(const Guards& guards, const Symbols& symbols);

  // `symbols` has one value per symbol.
  bool Hold(const int64_t* symbols) const {
    for (const ExprProgram& guard : programs_) {
      if (guard.Run(symbols) != 1) return false;
    }
    return true;
  }
  // Index of the first guard that does not hold, or -1.
  int FirstFailing(const int64_t* symbols) const;
  int num_guards() const { return static_cast<int>(programs_.size()); }

 private:
  std::vector<ExprProgram> programs_;
};

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_GUARD_EVALUATOR_H_
