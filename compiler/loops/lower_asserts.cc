// Operators that only promise or demand something of sizes.
#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"

namespace kiln {
namespace {

// aten::_assert_scalar(Scalar self, str assert_msg) -> ()
absl::Status AssertScalar(LoweringContext& c) {
  Expr condition = c.args().Scalar(0).value;
  if (condition.type() == ExprType::kInt) condition = c.pool().Ne(condition, Expr(0));
  if (c.env().KnownTrue(condition)) return absl::OkStatus();
  c.state().program.steps.emplace_back(RuntimeAssert{condition, std::string(c.args().String(1)), c.node_id()});
  return absl::OkStatus();
}

// Propagation has taken what these say into the environment.
absl::Status Nothing(LoweringContext& c) { return absl::OkStatus(); }

constexpr LoweringRow kRows[] = {
    {"aten._assert_scalar.default", AssertScalar},
    {"aten.sym_constrain_range.default", Nothing},
    {"aten.sym_constrain_range_for_size.default", Nothing},
};

}  // namespace

absl::Span<const LoweringRow> AssertLowerings() { return kRows; }

}  // namespace kiln
