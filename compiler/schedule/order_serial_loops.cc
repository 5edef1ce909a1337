#include "compiler/schedule/order_serial_loops.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "compiler/schedule/task_size.h"

namespace kiln::schedule {
namespace {

// Columns of one task of a scatter-add: four cache lines of float32, between the
// fewest and the most columns of a column sum (order_loops).
constexpr int64_t kColumnChunk = 64;

Loop* AsLoop(Stmt& stmt) {
  auto* loop = std::get_if<std::unique_ptr<Loop>>(&stmt);
  return loop == nullptr ? nullptr : loop->get();
}

class SerialOrderer {
 public:
  SerialOrderer(Kernel& kernel, IndexAnalysis& index) : kernel_(kernel), index_(index), pool_(index.pool()) {}

  void Run() {
    if (kernel_.body.size() != 1) return;
    Loop* outermost = AsLoop(kernel_.body[0]);
    if (outermost == nullptr || outermost->kind != LoopKind::kSerial) return;
    FindVariables(*outermost);
    if (IsIndependent(*outermost)) {
      outermost->kind = LoopKind::kParallel;
      kernel_.grain = Grain(WorkInside(*outermost));
      kernel_.why = "rows are independent";
      return;
    }
    InterchangeColumns(*outermost);
  }

 private:
  void FindVariables(const Loop& loop) {
    extents_[loop.variable] = loop.extent;
    for (const Stmt& stmt : loop.body) {
      if (const auto* inner = std::get_if<std::unique_ptr<Loop>>(&stmt)) {
        FindVariables(**inner);
        continue;
      }
      const Inst& inst = kernel_.insts[std::get<int>(stmt)];
      if (inst.kind == InstKind::kIndirect) extents_[inst.expr] = inst.bound;
    }
  }

  static bool IsStore(const Inst& inst) {
    return inst.kind == InstKind::kStore || inst.kind == InstKind::kStoreAdd;
  }

  // True if iterations of the loop touch no common element that one writes.
  bool IsIndependent(const Loop& loop) {
    if (index_.MentionsVariables(loop.extent)) return false;
    for (const Inst& store : kernel_.insts) {
      if (!IsStore(store)) continue;
      for (const Inst& other : kernel_.insts) {
        bool conflicts = (IsStore(other) || other.kind == InstKind::kLoad) && other.buffer == store.buffer;
        if (conflicts && !MeetInOneIteration(store.expr, other.expr, loop)) return false;
      }
    }
    return true;
  }

  bool MeetInOneIteration(Expr a, Expr b, const Loop& loop) {
    const AffineForm& x = index_.Form(a);
    const AffineForm& y = index_.Form(b);
    if (!x.is_affine || !y.is_affine) return false;
    Expr stride = x.CoefficientOf(loop.variable);
    if (!index_.KnownPositive(stride) || stride != y.CoefficientOf(loop.variable)) return false;
    return AreRuns(x, y, loop, stride) || AreDigits(x, y, loop, stride);
  }

  // The rest of both indices stays within one stride.
  bool AreRuns(const AffineForm& x, const AffineForm& y, const Loop& loop, Expr stride) {
    std::optional<Expr> reach_x = Reach(x, loop), reach_y = Reach(y, loop);
    if (!reach_x.has_value() || !reach_y.has_value()) return false;
    Expr apart = pool_.Sub(x.offset, y.offset);
    return index_.KnownLessEqual(pool_.Add(pool_.Add(*reach_x, apart), Expr(1)), stride) &&
           index_.KnownLessEqual(pool_.Sub(pool_.Add(*reach_y, Expr(1)), apart), stride);
  }

  std::optional<Expr> Reach(const AffineForm& form, const Loop& loop) {
    Expr reach = Expr(0);
    for (const AffineTerm& term : form.terms) {
      if (term.variable == loop.variable) continue;
      auto extent = extents_.find(term.variable);
      if (extent == extents_.end() || !index_.KnownLessEqual(Expr(0), term.coefficient)) return std::nullopt;
      Expr last = pool_.Sub(pool_.Mul(term.coefficient, extent->second), term.coefficient);
      reach = pool_.Add(reach, last);
    }
    return reach;
  }

  // The rest of both indices are multiples of all that the loop runs over.
  bool AreDigits(const AffineForm& x, const AffineForm& y, const Loop& loop, Expr stride) {
    Expr run = pool_.Mul(stride, loop.extent);
    if (x.offset != y.offset) return false;
    for (const AffineForm* form : {&x, &y}) {
      for (const AffineTerm& term : form->terms) {
        if (term.variable == loop.variable) continue;
        if (!index_.DivideExact(term.coefficient, run).has_value()) return false;
      }
    }
    return true;
  }

  Expr WorkInside(const Loop& loop) {
    Expr work = Expr(1);
    for (const Stmt& stmt : loop.body) {
      const auto* inner = std::get_if<std::unique_ptr<Loop>>(&stmt);
      if (inner == nullptr || index_.MentionsVariables((*inner)->extent)) continue;
      work = pool_.Add(work, pool_.Mul((*inner)->extent, WorkInside(**inner)));
    }
    return work;
  }

  Expr Grain(Expr work) { return GrainOf(pool_, pool_.Add(work, Expr(1))); }

  // The innermost loop of a chain of loops, each the last statement of its
  // body, whose stores are all in the innermost body. nullptr otherwise.
  Loop* FindColumns(Loop& outermost) {
    Loop* loop = &outermost;
    while (true) {
      Loop* inner = nullptr;
      for (Stmt& stmt : loop->body) {
        if (inner != nullptr) return nullptr;
        inner = AsLoop(stmt);
        if (inner != nullptr) continue;
        InstKind kind = kernel_.insts[std::get<int>(stmt)].kind;
        if (kind == InstKind::kAccumulate || kind == InstKind::kUpdate || kind == InstKind::kResult) return nullptr;
      }
      if (inner == nullptr) return loop == &outermost ? nullptr : loop;
      for (Stmt& stmt : loop->body) {
        if (const int* id = std::get_if<int>(&stmt); id != nullptr && IsStore(kernel_.insts[*id])) return nullptr;
      }
      loop = inner;
    }
  }

  void InterchangeColumns(Loop& outermost) {
    Loop* columns = FindColumns(outermost);
    if (columns == nullptr || columns->kind != LoopKind::kSerial || !IsIndependent(*columns)) return;
    SplitStoreAdds(*columns);
    columns->kind = LoopKind::kVector;
    kernel_.why = "columns never meet: they are lanes, shared among threads";
    std::optional<int64_t> extent = columns->extent.AsInt();
    if (extent.has_value() && *extent <= kColumnChunk) return;
    auto parallel = std::make_unique<Loop>();
    parallel->kind = LoopKind::kParallel;
    parallel->variable = FreshVariable();
    parallel->extent = pool_.CeilDiv(columns->extent, Expr(kColumnChunk));
    Expr start = pool_.Mul(Expr(kColumnChunk), parallel->variable);
    Substitution shift = {{columns->variable, pool_.Add(start, columns->variable)}};
    for (Stmt& stmt : columns->body) {
      Inst& inst = kernel_.insts[std::get<int>(stmt)];
      if (inst.kind != InstKind::kIndirect) inst.expr = index_.Substitute(inst.expr, shift);
    }
    bool is_exact = index_.DivideExact(columns->extent, Expr(kColumnChunk)).has_value();
    columns->extent =
        is_exact ? Expr(kColumnChunk) : pool_.Min(Expr(kColumnChunk), pool_.Sub(columns->extent, start));
    kernel_.grain = Expr(1);
    parallel->body.push_back(std::move(kernel_.body[0]));
    kernel_.body[0] = std::move(parallel);
  }

  // Lanes hit different elements, so an add to memory is a load, add and store.
  void SplitStoreAdds(Loop& columns) {
    std::vector<Stmt> body;
    for (Stmt& stmt : columns.body) {
      int id = std::get<int>(stmt);
      if (kernel_.insts[id].kind != InstKind::kStoreAdd) {
        body.push_back(std::move(stmt));
        continue;
      }
      Inst load = kernel_.insts[id];
      load.kind = InstKind::kLoad;
      load.args.clear();
      int loaded = static_cast<int>(kernel_.insts.size());
      kernel_.insts.push_back(load);
      Inst add;
      add.kind = InstKind::kScalar;
      add.op = ScalarOp::kAdd;
      add.dtype = load.dtype;
      add.args = {loaded, kernel_.insts[id].args[0]};
      kernel_.insts.push_back(add);
      kernel_.insts[id].kind = InstKind::kStore;
      kernel_.insts[id].args = {loaded + 1};
      for (int statement : {loaded, loaded + 1, id}) body.emplace_back(statement);
    }
    columns.body = std::move(body);
  }

  Expr FreshVariable() {
    int n = 0;
    while (extents_.contains(index_.Variable(n))) ++n;
    return index_.Variable(n);
  }

  Kernel& kernel_;
  IndexAnalysis& index_;
  ExprPool& pool_;
  // Of loop variables, and the bounds of indirect indices.
  absl::flat_hash_map<Expr, Expr> extents_;
};

}  // namespace

void OrderSerialLoops(Kernel& kernel, IndexAnalysis& index) { SerialOrderer(kernel, index).Run(); }

}  // namespace kiln::schedule
