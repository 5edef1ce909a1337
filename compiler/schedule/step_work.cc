#include "compiler/schedule/step_work.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"

namespace kiln {
namespace {

// Depths of enclosing loops, outermost first.
using Depths = absl::InlinedVector<int, 4>;

struct Traffic {
  // Distinct elements by index expression.
  absl::flat_hash_map<Expr, Expr> read;
  absl::flat_hash_map<Expr, Expr> written;
  // The order in which `read` and `written` grew, since the sum must not depend
  // on addresses.
  std::vector<Expr> reads_in_order;
  std::vector<Expr> writes_in_order;
};

class WorkCounter {
 public:
  WorkCounter(const Kernel& kernel, const LoopProgram& program)
      : kernel_(kernel), program_(program), pool_(*program.pool), depends_(kernel.insts.size()) {}

  KernelWork Count() {
    Visit(kernel_.body);
    Expr bytes(0);
    for (const auto& [buffer, traffic] : traffic_) {
      const Expr elements =
          pool_.Add(Elements(buffer, traffic.reads_in_order, traffic.read), Elements(buffer, traffic.writes_in_order, traffic.written));
      bytes = pool_.Add(bytes, pool_.Mul(elements, Expr(DTypeSizeBytes(program_.buffers[buffer.value].dtype))));
    }
    return {bytes, operations_};
  }

 private:
  void Visit(const std::vector<Stmt>& body) {
    for (const Stmt& stmt : body) {
      if (const int* id = std::get_if<int>(&stmt)) {
        VisitInst(*id);
        continue;
      }
      const Loop& loop = *std::get<std::unique_ptr<Loop>>(stmt);
      const int depth = static_cast<int>(extents_.size());
      symbol_depends_[loop.variable] = {depth};
      extents_.push_back(BoundWithoutVariables(loop.extent));
      same_loop_[loop.variable] = first_loop_.emplace(std::pair(depth, loop.extent), loop.variable).first->second;
      Visit(loop.body);
      extents_.pop_back();
    }
  }

  void VisitInst(int id) {
    const Inst& inst = kernel_.insts[id];
    Depths depends;
    for (int arg : inst.args) Join(depends, depends_[arg]);
    switch (inst.kind) {
      case InstKind::kLoad:
        AddSymbols(depends, inst.expr);
        Read(inst.buffer, inst.expr, depends);
        break;
      case InstKind::kStore:
      case InstKind::kStoreAdd: {
        Depths index;
        AddSymbols(index, inst.expr);
        if (inst.kind == InstKind::kStoreAdd) Read(inst.buffer, inst.expr, index);
        Write(inst.buffer, inst.expr, index);
        break;
      }
      case InstKind::kIndirect: symbol_depends_[inst.expr] = depends; break;
      case InstKind::kExpr:
      case InstKind::kRandom:
      case InstKind::kState: AddSymbols(depends, inst.expr); break;
      case InstKind::kAccumulate:
        // A result depends on where its accumulator stands.
        for (int depth = 0; depth < static_cast<int>(extents_.size()); ++depth) depends.push_back(depth);
        break;
      case InstKind::kConstant:
      case InstKind::kScalar:
      case InstKind::kUpdate:
      case InstKind::kResult: break;
    }
    const bool is_operation = (inst.kind == InstKind::kScalar && inst.op != ScalarOp::kCast) ||
                              inst.kind == InstKind::kUpdate || inst.kind == InstKind::kRandom ||
                              inst.kind == InstKind::kStoreAdd;
    if (is_operation) operations_ = pool_.Add(operations_, pool_.Mul(extents_));
    depends_[id] = std::move(depends);
  }

  // The same for loops beside each other that run over the same range.
  Expr Canonical(Expr index) {
    return pool_.Substitute(index, [&](Expr symbol) -> std::optional<Expr> {
      auto found = same_loop_.find(symbol);
      return found == same_loop_.end() ? std::nullopt : std::optional<Expr>(found->second);
    });
  }

  void Read(BufferId buffer, Expr index, const Depths& depends) {
    index = Canonical(index);
    Traffic& traffic = traffic_[buffer];
    if (traffic.written.contains(index)) return;
    if (traffic.read.emplace(index, Iterations(depends)).second) traffic.reads_in_order.push_back(index);
  }

  void Write(BufferId buffer, Expr index, const Depths& depends) {
    index = Canonical(index);
    Traffic& traffic = traffic_[buffer];
    if (traffic.written.emplace(index, Iterations(depends)).second) traffic.writes_in_order.push_back(index);
  }

  Expr Iterations(const Depths& depends) {
    absl::InlinedVector<Expr, 4> factors;
    for (int depth : depends) factors.push_back(extents_[depth]);
    return pool_.Mul(factors);
  }

  Expr Elements(BufferId id, const std::vector<Expr>& order, const absl::flat_hash_map<Expr, Expr>& counts) {
    Expr sum(0);
    for (Expr index : order) sum = pool_.Add(sum, counts.at(index));
    const Expr most = program_.buffers[id.value].num_elements;
    if (order.empty() || most.IsInt(0)) return sum;
    if (program_.env != nullptr && program_.env->KnownTrue(pool_.Le(sum, most))) return sum;
    return pool_.Min(sum, most);
  }

  static void Join(Depths& into, const Depths& from) {
    for (int depth : from) {
      auto at = std::lower_bound(into.begin(), into.end(), depth);
      if (at == into.end() || *at != depth) into.insert(at, depth);
    }
  }

  void AddSymbols(Depths& into, Expr e) {
    VisitSymbols(e, [&](Expr symbol) {
      auto found = symbol_depends_.find(symbol);
      if (found != symbol_depends_.end()) Join(into, found->second);
    });
  }

  bool MentionsVariables(Expr e) {
    bool mentions = false;
    VisitSymbols(e, [&](Expr symbol) { mentions = mentions || symbol_depends_.contains(symbol); });
    return mentions;
  }

  // The last chunk of a loop is shorter: its extent is a minimum of which one
  // operand mentions the chunk's number, and the other is what a whole one has.
  Expr BoundWithoutVariables(Expr extent) {
    if (!MentionsVariables(extent)) return extent;
    return pool_.Substitute(extent, [&](Expr symbol) -> std::optional<Expr> {
      if (!symbol_depends_.contains(symbol)) return std::nullopt;
      return Expr(0);
    });
  }

  const Kernel& kernel_;
  const LoopProgram& program_;
  ExprPool& pool_;
  std::vector<Expr> extents_;  // of the loops around
  std::vector<Depths> depends_;  // by instruction: the loops that its value changes in
  absl::flat_hash_map<Expr, Depths> symbol_depends_;  // loop variables and indirect indices
  // By depth and extent, the first loop of them; and by variable.
  absl::flat_hash_map<std::pair<int, Expr>, Expr> first_loop_;
  absl::flat_hash_map<Expr, Expr> same_loop_;
  absl::btree_map<BufferId, Traffic> traffic_;
  Expr operations_ = Expr(0);
};

}  // namespace

namespace {

Expr BytesOf(const TensorOperand& t, ExprPool& pool) {
  return pool.Mul(pool.Mul(t.sizes), Expr(DTypeSizeBytes(t.dtype)));
}

Expr BytesOf(const Operand& operand, ExprPool& pool) {
  if (const auto* tensor = std::get_if<TensorOperand>(&operand.v)) return BytesOf(*tensor, pool);
  Expr bytes(0);
  if (const auto* list = std::get_if<OperandList>(&operand.v)) {
    for (const Operand& element : *list) bytes = pool.Add(bytes, BytesOf(element, pool));
  }
  return bytes;
}

}  // namespace

Expr BytesOf(const ExternCall& call, ExprPool* pool) {
  Expr bytes(0);
  for (const Operand& arg : call.args) bytes = pool->Add(bytes, BytesOf(arg, *pool));
  for (const TensorOperand& output : call.outputs) {
    if (output.buffer.value >= 0) bytes = pool->Add(bytes, BytesOf(output, *pool));
  }
  return bytes;
}

KernelWork WorkOf(const Kernel& kernel, const LoopProgram& program) { return WorkCounter(kernel, program).Count(); }

}  // namespace kiln
