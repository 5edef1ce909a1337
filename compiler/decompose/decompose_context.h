// What a decomposition rule sees: the node's arguments as values of the new
// graph, and a way to call smaller operators.
//
//   // aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor
//   void LogSumExp(DecomposeContext& d) {
//     ValueId max = d.Call("aten.amax.default", {d.Arg(0), d.Arg(1), true});
//     ...
//     d.Return(sum);
//   }
//
// The first call that fails makes the later ones do nothing; its error is the
// node's. A rule that finds its arguments out of reach calls Decline() before
// any other call, and the node stays as it is.
//
// Not thread-safe.
#ifndef KILN_COMPILER_DECOMPOSE_DECOMPOSE_CONTEXT_H_
#define KILN_COMPILER_DECOMPOSE_DECOMPOSE_CONTEXT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/normalize_arguments.h"

namespace kiln {

// An argument of a call, positional unless named.
struct CallArg : NamedArgument {
  CallArg(ValueId v) { value = Argument(v); }                 // NOLINT: a value stands for itself
  CallArg(Argument v) { value = std::move(v); }               // NOLINT
  CallArg(int v) { value = Argument(static_cast<int64_t>(v)); }  // NOLINT
  CallArg(int64_t v) { value = Argument(v); }                 // NOLINT
  CallArg(double v) { value = Argument(v); }                  // NOLINT
  CallArg(bool v) { value = Argument(v); }                    // NOLINT
  CallArg(DType v) { value = Argument(v); }                   // NOLINT
  CallArg(MemoryFormat v) { value = Argument(v); }            // NOLINT
  CallArg(absl::string_view arg_name, CallArg v) {
    name = std::string(arg_name);
    value = std::move(v.value);
  }
  static CallArg Ints(absl::Span<const int64_t> values) {
    ArgumentList list;
    for (int64_t v : values) list.emplace_back(v);
    return CallArg(Argument(std::move(list)));
  }
};

class DecomposeContext {
 public:
  // What a rule may know of the graph around the node.
  struct Surroundings {
    // Whether a view that the node makes may as well be a copy.
    bool may_copy_view = false;
    // By value of `fake`, the node that makes it; -1 for inputs.
    absl::Span<const int> producers;
  };
  // `args` are the node's, as values of `fake`, which the calls grow.
  DecomposeContext(FakeGraph& fake, const OpSchema& op, std::vector<Argument> args, std::string location,
                   Surroundings surroundings);
  DecomposeContext(FakeGraph& fake, const OpSchema& op, std::vector<Argument> args, std::string location)
      : DecomposeContext(fake, op, std::move(args), std::move(location), Surroundings{}) {}

  // --- the node
  const std::string& op() const { return op_.name; }
  const OpSchema& schema() const { return op_; }
  const Argument& Arg(int i) const { return args_[i]; }
  absl::Span<const Argument> args() const { return args_; }
  bool IsNone(int i) const { return args_[i].is_none(); }
  ValueId Value(int i) const { return *args_[i].get_if<ValueId>(); }
  int64_t Int(int i) const { return *args_[i].get_if<int64_t>(); }
  bool Bool(int i) const { return *args_[i].get_if<bool>(); }
  double Float(int i) const { return *args_[i].get_if<double>(); }
  DType GetDType(int i) const { return *args_[i].get_if<DType>(); }
  // Nothing in the graph writes the memory that the node's result shares.
  bool may_copy_view() const { return surroundings_.may_copy_view; }

  ShapeEnv& env() { return *fake_.env; }
  const FakeTensor& Tensor(ValueId v) const { return fake_.tensor(v); }
  const FakeTensor& Tensor(int i) const { return fake_.tensor(Value(i)); }
  // The node that makes argument `i`, its arguments being values of the new graph;
  // nullptr for an input or a number.
  const Node* ProducerOf(int i) const;
  // Size `dim` of `v` as an argument: a literal, or a symbolic scalar.
  Argument Size(ValueId v, int dim);

  // --- calls; defaults are filled in
  ValueId Call(absl::string_view op, std::vector<CallArg> args) { return CallN(op, std::move(args), 1)[0]; }
  std::vector<ValueId> CallN(absl::string_view op, std::vector<CallArg> args, int num_results);
  // `v` in `dtype`; itself if it is so already.
  ValueId Cast(ValueId v, DType dtype);
  // float16 and bfloat16 as float32.
  ValueId Widen(ValueId v) { return Cast(v, ComputationDType(Tensor(v).dtype)); }

  void Return(ValueId v) { results_.push_back(v); }
  // For a result that is not wanted and None in the given graph.
  void ReturnNone() { results_.push_back(ValueId{}); }
  void Decline() { declined_ = true; }

  bool ok() const { return status_.ok(); }
  const absl::Status& status() const { return status_; }
  bool declined() const { return declined_; }
  const std::vector<ValueId>& results() const { return results_; }

 private:
  absl::StatusOr<std::vector<ValueId>> TryCall(absl::string_view op, std::vector<CallArg> args, int num_results);

  FakeGraph& fake_;
  const OpSchema& op_;
  const std::vector<Argument> args_;
  const std::string location_;
  const Surroundings surroundings_;
  absl::Status status_;
  bool declined_ = false;
  std::vector<ValueId> results_;
};

using DecomposeRule = void (*)(DecomposeContext& d);

struct DecomposeRow {
  const char* op;
  DecomposeRule rule;
};

// One table per family file.
absl::Span<const DecomposeRow> BatchNormRules();
absl::Span<const DecomposeRow> CopyRules();
absl::Span<const DecomposeRow> IndexingRules();
absl::Span<const DecomposeRow> LossGradientRules();
absl::Span<const DecomposeRow> LossRules();
absl::Span<const DecomposeRow> NormalizationRules();
absl::Span<const DecomposeRow> ReductionRules();
absl::Span<const DecomposeRow> ResamplingRules();
absl::Span<const DecomposeRow> ShapeRules();

// Rules for an operator together with what made its arguments. They decline what
// they don't know; the operator alone has no decomposition.
absl::Span<const DecomposeRow> PatternRules();

}  // namespace kiln

#endif  // KILN_COMPILER_DECOMPOSE_DECOMPOSE_CONTEXT_H_
