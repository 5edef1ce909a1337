// Random numbers, and the state that says which come next.
//
// A number is a function of a seed, of the slot that its operator has, and of its place in the result. Each
// operator takes the slots that come next: those of the call's own seed, or after kiln.set_rng_state those that
// a saved state says. Where that state was saved by the same graph, all of it is known here and nothing is loaded.
#include <algorithm>
#include <cmath>
#include <vector>

#include "compiler/loops/lowering_table.h"
#include "compiler/loops/pointwise_context.h"
#include "compiler/loops/random_state.h"
#include "compiler/loops/value_readers.h"

namespace kiln {
namespace {

using P = PointwiseContext;

// The element's number in row-major order: what tells its random number apart.
Expr Counter(P& p) {
  ExprPool& pool = p.b().pool();
  const FakeTensor& out = p.node().OutTensor();
  Expr counter;
  for (size_t d = 0; d < p.indices().size(); ++d) {
    counter = pool.Add(pool.Mul(counter, p.node().env().Simplify(out.sizes[d])), p.indices()[d]);
  }
  return counter;
}

// Seed and first slot of the saved state that numbers come from; none for the call's own seed.
std::vector<Val> LoadedState(KernelBuilder& b, const RandomPosition& position) {
  if (position.state.value < 0) return {};
  Val seed = b.Load(position.state, DType::kInt64, Expr(0));
  return {seed, b.Load(position.state, DType::kInt64, Expr(1))};
}

Val Uniform(P& p) {
  RandomPosition& position = p.node().state().random.next;
  return p.b().Random(DType::kFloat32, position.slot++, Counter(p), LoadedState(p.b(), position));
}

Val Rand(P& p) { return p.b().Cast(Uniform(p), p.dtype()); }

// Box and Muller: two uniform numbers make a normal one.
Val Normal(P& p) {
  KernelBuilder& b = p.b();
  Val one = b.Constant(DType::kFloat32, 1);
  Val radius_seed = Uniform(p);
  Val angle_seed = Uniform(p);
  // 1 - u lies in (0, 1], so that the logarithm is finite.
  Val log = b.Op(ScalarOp::kLog, b.Op(ScalarOp::kSub, one, radius_seed));
  Val radius = b.Op(ScalarOp::kSqrt, b.Op(ScalarOp::kMul, b.Constant(DType::kFloat32, -2), log));
  Val angle = b.Op(ScalarOp::kCos, b.Op(ScalarOp::kMul, b.Constant(DType::kFloat32, 2 * M_PI), angle_seed));
  return b.Op(ScalarOp::kMul, radius, angle);
}
Val Randn(P& p) { return p.b().Cast(Normal(p), p.dtype()); }

// factor * v + term, in float64 where the result is.
Val Moved(P& p, Val v, double factor, double term) {
  KernelBuilder& b = p.b();
  const DType dtype = ComputationDType(p.dtype());
  Val scaled = b.Op(ScalarOp::kMul, b.Cast(v, dtype), b.Constant(dtype, factor));
  return b.Cast(b.Op(ScalarOp::kAdd, scaled, b.Constant(dtype, term)), p.dtype());
}
// aten::uniform(Tensor self, float from=0., float to=1., ...)
Val UniformBetween(P& p) {
  const double from = p.args().Float(1);
  return Moved(p, Uniform(p), p.args().Float(2) - from, from);
}
// aten::normal_functional(Tensor self, float mean=0., float std=1., ...)
Val NormalOf(P& p) { return Moved(p, Normal(p), p.args().Float(2), p.args().Float(1)); }

// An integer of [low, high). One uniform number has 24 bits, so that two serve
// ranges up to 2^48 evenly enough.
Val Integer(P& p, Expr low, Expr high) {
  KernelBuilder& b = p.b();
  DType f64 = DType::kFloat64;
  Val coarse = b.Cast(Uniform(p), f64);
  Val fine = b.Op(ScalarOp::kMul, b.Cast(Uniform(p), f64), b.Constant(f64, 0x1p-24));
  Val range = b.FromExpr(f64, b.pool().Sub(high, low));
  Val steps = b.Op(ScalarOp::kFloor, b.Op(ScalarOp::kMul, b.Op(ScalarOp::kAdd, coarse, fine), range));
  Val value = b.Op(ScalarOp::kAdd, b.Cast(steps, DType::kInt64), b.FromExpr(DType::kInt64, low));
  return b.Cast(value, p.dtype());
}
// aten::randint(SymInt high, SymInt[] size, ...), randint_like(Tensor self, SymInt high, ...)
template <int high>
Val Randint(P& p) {
  return Integer(p, Expr(0), p.args().SymInt(high));
}
// aten::randint.low(SymInt low, SymInt high, SymInt[] size, ...), randint_like.low_dtype(Tensor self, SymInt low, ...)
template <int low>
Val RandintLow(P& p) {
  return Integer(p, p.args().SymInt(low), p.args().SymInt(low + 1));
}

Val Bernoulli(P& p, Val probability) {
  Val hit = p.Lt(Uniform(p), p.b().Cast(probability, DType::kFloat32));
  return p.b().Cast(hit, p.dtype());
}
Val BernoulliSelf(P& p) { return Bernoulli(p, p.Own(0)); }
Val BernoulliP(P& p) { return Bernoulli(p, p.b().Constant(DType::kFloat32, p.args().Float(1))); }

constexpr PointwiseRow kRows[] = {
    {"aten.bernoulli.default", Computes::kOut, BernoulliSelf},
    {"aten.bernoulli.p", Computes::kOut, BernoulliP},
    {"aten.normal_functional.default", Computes::kOut, NormalOf},
    {"aten.rand.default", Computes::kOut, Rand},
    {"aten.rand_like.default", Computes::kOut, Rand},
    {"aten.randint.default", Computes::kOut, Randint<0>},
    {"aten.randint.low", Computes::kOut, RandintLow<0>},
    {"aten.randint_like.default", Computes::kOut, Randint<1>},
    {"aten.randint_like.low_dtype", Computes::kOut, RandintLow<1>},
    {"aten.randn.default", Computes::kOut, Randn},
    {"aten.randn_like.default", Computes::kOut, Randn},
    {"aten.uniform.default", Computes::kOut, UniformBetween},
};

// Whether anything but kiln.set_rng_state looks at the state that this node saves.
bool IsReadAsMemory(LoweringContext& c) {
  const ValueReaders& readers = *c.state().readers;
  const absl::Span<const int> nodes = readers.Of(c.OutValue(0));
  return readers.IsReturned(c.OutValue(0)) || std::any_of(nodes.begin(), nodes.end(), [&](int n) {
           return c.state().fake.graph.nodes[n].op->name != "kiln.set_rng_state.default";
         });
}

// kiln::get_rng_state() -> Tensor, whose bytes random_state.h gives.
absl::Status GetRngState(LoweringContext& c) {
  RandomState& random = c.state().random;
  random.saved[c.OutTensor().storage] = random.next;
  random.saved_last = c.OutTensor().storage;
  random.is_replayed = false;
  if (!IsReadAsMemory(c)) return absl::OkStatus();
  random.is_replayed = true;
  ExprPool& pool = c.pool();
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val word = b.State(random.next.slot, pool.FloorDiv(i[0], Expr(8)), LoadedState(b, random.next));
  Val shift = b.FromExpr(DType::kInt64, pool.Mul(Expr(8), pool.Mod(i[0], Expr(8))));
  StoreAt(b, out, i, b.Op(ScalarOp::kShiftRight, word, shift));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// Word `w` of the state, assembled from its bytes.
Val AssembledWord(LoweringContext& c, KernelBuilder& b, const TensorOperand& state, Expr w) {
  ExprPool& pool = c.pool();
  Val sum = b.Accumulate(ReduceKind::kSum, DType::kInt64);
  Expr k = b.BeginLoop(Expr(8));
  Val byte = b.Load(state.buffer, state.dtype, b.Index(state, {pool.Add(pool.Mul(Expr(8), w), k)}));
  Val shift = b.FromExpr(DType::kInt64, pool.Mul(Expr(8), k));
  b.Update(sum, b.Op(ScalarOp::kShiftLeft, b.Cast(byte, DType::kInt64), shift));
  b.EndLoop();
  return b.Result(sum);
}

// Seed and slot of a state in memory, as two integers. A state without the mark, which
// PyTorch's own generator has made, is an index that is out of range.
BufferId UnpackState(LoweringContext& c, const TensorOperand& state) {
  const BufferId words = c.state().NewTemporary(DType::kInt64, Expr(kRandomStateWords));
  KernelBuilder b = c.NewKernel();
  Expr w = b.BeginLoop(Expr(kRandomStateWords));
  Val word = AssembledWord(c, b, state, w);
  auto number = [&b](int64_t value) { return b.Constant(DType::kInt64, value); };
  Val is_header = b.Op(ScalarOp::kEq, b.FromExpr(DType::kInt64, w), number(kRandomStateHeaderWord));
  Val mark = b.Op(ScalarOp::kBitAnd, word, number(kRandomStateMarkMask));
  Val is_foreign = b.Op(ScalarOp::kBitAnd, is_header, b.Op(ScalarOp::kNe, mark, number(kRandomStateMark)));
  Expr checked = b.Indirect(b.Cast(is_foreign, DType::kInt64), Expr(1));
  Val slot = b.Op(ScalarOp::kShiftRight, word, number(kRandomStateSlotShift));
  b.Store(words, DType::kInt64, c.pool().Add(w, checked), b.Where(is_header, slot, word));
  b.EndLoop();
  c.Emit(std::move(b));
  return words;
}

// kiln::set_rng_state(Tensor state) -> ()
absl::Status SetRngState(LoweringContext& c) {
  RandomState& random = c.state().random;
  const StorageId storage = c.args().Tensor(0).storage;
  auto saved = random.saved.find(storage);
  const bool is_known = saved != random.saved.end() && !c.state().written.contains(storage);
  // Back to where numbers came from before, or to numbers that were drawn already.
  random.is_replayed = !is_known || storage != random.saved_last;
  random.next = is_known ? saved->second : RandomPosition{UnpackState(c, c.In(0)), 0};
  return absl::OkStatus();
}

constexpr LoweringRow kStateRows[] = {
    {"kiln.get_rng_state.default", GetRngState},
    {"kiln.set_rng_state.default", SetRngState},
};

}  // namespace

absl::Span<const PointwiseRow> RandomRows() { return kRows; }
absl::Span<const LoweringRow> RandomStateLowerings() { return kStateRows; }

}  // namespace kiln
