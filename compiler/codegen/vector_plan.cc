#include "compiler/codegen/vector_plan.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "compiler/codegen/emit_scalar_op.h"

namespace kiln {
namespace {

// What the instructions of a loop ask for.
struct BodyTraits {
  int widest_bytes = 1;
  bool has_narrow = false;  // values of 4 bytes or less, other than bool
  bool has_updates = false;
  bool has_long_updates = false;  // Welford, argmax: long chains of their own
  bool has_heavy_ops = false;
  int num_insts = 0;
};

BodyTraits TraitsOf(const Kernel& kernel, const Loop& loop) {
  BodyTraits traits;
  for (const Stmt& stmt : loop.body) {
    const Inst& inst = kernel.insts[std::get<int>(stmt)];
    ++traits.num_insts;
    const int bytes = DTypeSizeBytes(inst.dtype);
    traits.widest_bytes = std::max(traits.widest_bytes, bytes);
    if (inst.dtype != DType::kBool && inst.kind != InstKind::kIndirect) traits.has_narrow |= bytes <= 4;
    if (inst.kind == InstKind::kScalar) traits.has_heavy_ops |= IsHeavyOp(inst.op);
    if (inst.kind == InstKind::kRandom) traits.has_heavy_ops = true;
    if (inst.kind != InstKind::kUpdate) continue;
    traits.has_updates = true;
    const ReduceKind reduce = kernel.insts[inst.args[0]].reduce;
    traits.has_long_updates |= reduce == ReduceKind::kWelford || HasIndex(reduce);
  }
  return traits;
}

// Copies of the body a round. An addition takes 4 cycles and two can start in
// each, so that a bare sum profits from up to 8 partial sums; 4 keep most of it
// at half the code. Heavy bodies have enough to do between two updates.
int CopiesFor(const BodyTraits& traits) {
  if (!traits.has_updates || traits.has_heavy_ops) return 1;
  if (traits.has_long_updates) return 2;
  return traits.num_insts <= 8 ? 4 : 2;
}

// The last round can be a vector with lanes that are off if no lane that is off
// can be seen: loads and stores of consecutive elements leave it out, single
// loads repeat the last lane's that is on, accumulators keep their state. Stores
// of other shapes would need a branch a lane, which is what single elements are.
bool CanMask(const UniqueKernel& kernel, const Loop& loop, MaskedAccess access, ExprPool* pool) {
  if (access == MaskedAccess::kNone) return false;
  auto has_access = [&](BufferId buffer) {
    return access == MaskedAccess::kAll || DTypeSizeBytes(kernel.buffers[buffer.value].dtype) >= 4;
  };
  // Symbols that each lane has a value of its own for.
  std::vector<Expr> lane_symbols;
  auto stride_of = [&](Expr index) -> std::optional<int64_t> {
    for (Expr symbol : lane_symbols) {
      if (index.Mentions(symbol)) return std::nullopt;
    }
    std::optional<LinearForm> form = SplitLinear(*pool, index, loop.variable);
    return form.has_value() ? form->coefficient.AsInt() : std::nullopt;
  };
  for (const Stmt& stmt : loop.body) {
    const Inst& inst = kernel.kernel.insts[std::get<int>(stmt)];
    if (inst.kind == InstKind::kStoreAdd) return false;
    if (inst.kind == InstKind::kIndirect) lane_symbols.push_back(inst.expr);
    if (inst.kind == InstKind::kStore && (stride_of(inst.expr) != 1 || !has_access(inst.buffer))) return false;
    // A stride that is not known may turn out to be 1 (LaneMemory).
    if (inst.kind == InstKind::kLoad && stride_of(inst.expr).value_or(1) == 1 && !has_access(inst.buffer)) return false;
  }
  return true;
}

}  // namespace

bool KnownMultiple(Expr e, int64_t divisor) {
  if (std::optional<int64_t> i = e.AsInt()) return *i % divisor == 0;
  if (e.kind() == ExprKind::kAdd) {
    return std::all_of(e.args().begin(), e.args().end(), [&](Expr term) { return KnownMultiple(term, divisor); });
  }
  if (e.kind() != ExprKind::kMul) return false;
  int64_t rest = divisor;
  for (Expr factor : e.args()) {
    std::optional<int64_t> i = factor.AsInt();
    if (i.has_value()) rest /= std::gcd(rest, *i);
  }
  return rest == 1;
}

VectorPlan PlanVectorLoop(const UniqueKernel& kernel, const Loop& loop, const Isa& isa, ExprPool* pool) {
  const BodyTraits traits = TraitsOf(kernel.kernel, loop);
  const bool wide_only = traits.widest_bytes == 8 && !traits.has_narrow;
  const int lanes = isa.vector_bits / (wide_only ? 64 : 32);
  std::vector<VectorPhase> wanted;
  if (const int copies = CopiesFor(traits); copies > 1) wanted.push_back({lanes, copies});
  wanted.push_back({lanes, 1});
  if (CanMask(kernel, loop, MaskedAccessOf(isa), pool)) {
    wanted.push_back({lanes, 1, false, /*is_masked=*/true});
  } else {
    // Half vectors, so that short loops and ends are not element by element.
    if (lanes >= 8 && !traits.has_updates && !traits.has_heavy_ops && traits.num_insts <= 16) wanted.push_back({4, 1});
    wanted.push_back({1, 1});
  }
  VectorPlan plan;
  const std::optional<int64_t> extent = loop.extent.AsInt();
  int64_t rest = extent.value_or(0);
  for (VectorPhase phase : wanted) {
    const int64_t step = int64_t{phase.lanes} * phase.copies;
    if (phase.is_masked) {
      // A mask for one element is more than the element.
      if (extent.has_value() && rest == 1) phase = {1, 1, /*is_exact=*/true};
      plan.phases.push_back(phase);
      break;
    }
    if (extent.has_value() && rest < step) continue;
    phase.is_exact = KnownMultiple(loop.extent, step);
    plan.phases.push_back(phase);
    if (phase.is_exact) break;
    rest %= step;
    if (extent.has_value() && rest == 0) break;
  }
  return plan;
}

}  // namespace kiln
