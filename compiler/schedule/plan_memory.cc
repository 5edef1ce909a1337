#include "compiler/schedule/plan_memory.h"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "compiler/schedule/buffer_uses.h"
#include "compiler/schedule/reuse_in_place.h"

namespace kiln::schedule {
namespace {

// Slots start at cache lines, and at the widest vectors' alignment.
constexpr int64_t kAlignmentBytes = 64;

void RenumberOperands(OperandList& operands, const std::vector<int>& number) {
  for (Operand& operand : operands) {
    if (auto* tensor = std::get_if<TensorOperand>(&operand.v)) {
      if (tensor->buffer.value >= 0) tensor->buffer.value = number[tensor->buffer.value];
    }
    if (auto* list = std::get_if<OperandList>(&operand.v)) RenumberOperands(*list, number);
  }
}

void RenumberStep(Step& step, const std::vector<int>& number) {
  if (auto* kernel = std::get_if<Kernel>(&step)) {
    for (Inst& inst : kernel->insts) {
      if (inst.buffer.value >= 0) inst.buffer.value = number[inst.buffer.value];
    }
    return;
  }
  if (auto* release = std::get_if<Release>(&step)) {
    release->buffer.value = number[release->buffer.value];
    return;
  }
  if (auto* read = std::get_if<ReadNumber>(&step)) read->buffer.value = number[read->buffer.value];
  auto* call = std::get_if<ExternCall>(&step);
  if (call == nullptr) return;
  RenumberOperands(call->args, number);
  for (TensorOperand& output : call->outputs) {
    if (output.buffer.value >= 0) output.buffer.value = number[output.buffer.value];
  }
}

// Instructions that touch no memory have no buffer, whatever the field says.
void ClearUnusedFields(LoopProgram& program) {
  for (Step& step : program.steps) {
    auto* kernel = std::get_if<Kernel>(&step);
    if (kernel == nullptr) continue;
    for (Inst& inst : kernel->insts) {
      bool has_buffer = inst.kind == InstKind::kLoad || inst.kind == InstKind::kStore ||
                        inst.kind == InstKind::kStoreAdd;
      if (!has_buffer) inst.buffer = BufferId{};
    }
  }
}

// Drops buffers that nothing mentions.
void DropUnusedBuffers(LoopProgram& program) {
  ClearUnusedFields(program);
  std::vector<bool> used = BuffersOfOutputs(program);
  for (BufferId id : program.input_buffers) {
    if (id.value >= 0) used[id.value] = true;
  }
  for (const Step& step : program.steps) {
    VisitAccesses(step, [&](BufferId id, Access) { used[id.value] = true; });
  }
  std::vector<int> number(program.buffers.size(), -1);
  std::vector<Buffer> kept;
  for (size_t b = 0; b < program.buffers.size(); ++b) {
    if (!used[b]) continue;
    number[b] = static_cast<int>(kept.size());
    kept.push_back(program.buffers[b]);
  }
  program.buffers = std::move(kept);
  for (Step& step : program.steps) RenumberStep(step, number);
  for (BufferId& id : program.input_buffers) {
    if (id.value >= 0) id.value = number[id.value];
  }
  for (OutputBinding& output : program.outputs) {
    int& buffer = output.tensor.buffer.value;
    if (buffer >= 0) buffer = number[buffer];
  }
}

struct Lifetime {
  int first = -1;
  int last = -1;
};

std::vector<Lifetime> FindLifetimes(const LoopProgram& program) {
  std::vector<Lifetime> lifetimes(program.buffers.size());
  for (size_t s = 0; s < program.steps.size(); ++s) {
    VisitAccesses(program.steps[s], [&](BufferId id, Access) {
      Lifetime& lifetime = lifetimes[id.value];
      if (lifetime.first < 0) lifetime.first = static_cast<int>(s);
      lifetime.last = static_cast<int>(s);
    });
  }
  return lifetimes;
}

// A size in bytes as a constant times what is symbolic in it.
struct SlotSize {
  int64_t factor = 1;
  Expr symbolic = Expr(1);
};

SlotSize SplitSize(ExprPool& pool, Expr bytes) {
  if (std::optional<int64_t> value = bytes.AsInt(); value.has_value()) return {*value, Expr(1)};
  if (bytes.kind() != ExprKind::kMul) return {1, bytes};
  std::optional<int64_t> factor = bytes.args()[0].AsInt();
  if (!factor.has_value()) return {1, bytes};
  return {*factor, pool.Mul(bytes.args().subspan(1))};
}

class Arena {
 public:
  explicit Arena(ExprPool& pool) : pool_(pool) {}

  // The slot's number.
  int Take(Expr bytes) {
    SlotSize size = SplitSize(pool_, bytes);
    std::multimap<int64_t, int>& free = free_[size.symbolic];
    if (auto it = free.lower_bound(size.factor); it != free.end()) {
      int slot = it->second;
      free.erase(it);
      return slot;
    }
    slots_.push_back({total_, size});
    total_ = pool_.Add(total_, RoundUp(bytes));
    return static_cast<int>(slots_.size()) - 1;
  }

  void GiveBack(int slot) {
    const SlotSize& size = slots_[slot].size;
    free_[size.symbolic].emplace(size.factor, slot);
  }

  Expr OffsetOf(int slot) const { return slots_[slot].offset; }
  Expr total() const { return total_; }

 private:
  struct Slot {
    Expr offset;
    SlotSize size;
  };

  Expr RoundUp(Expr bytes) {
    SlotSize size = SplitSize(pool_, bytes);
    if (size.factor % kAlignmentBytes == 0) return bytes;
    return pool_.Mul(Expr(kAlignmentBytes), pool_.CeilDiv(bytes, Expr(kAlignmentBytes)));
  }

  ExprPool& pool_;
  Expr total_;
  std::vector<Slot> slots_;
  absl::flat_hash_map<Expr, std::multimap<int64_t, int>> free_;
};

class MemoryPlanner {
 public:
  explicit MemoryPlanner(LoopProgram& program)
      : program_(program),
        lifetimes_(FindLifetimes(program)),
        shown_(BuffersOfOutputs(program)),
        slots_(program.buffers.size(), -1) {
    arenas_.emplace_back(*program.pool);
    for (const Step& step : program.steps) {
      if (!BindsSymbols(step)) continue;
      for (Expr symbol : BoundSymbols(step)) arena_of_symbol_[symbol] = static_cast<int>(arenas_.size());
      arenas_.emplace_back(*program.pool);
    }
  }

  void Plan() {
    std::vector<std::vector<int>> born(program_.steps.size()), dying(program_.steps.size());
    std::vector<Step> steps;
    for (size_t b = 0; b < program_.buffers.size(); ++b) {
      const Lifetime& lifetime = lifetimes_[b];
      if (lifetime.first >= 0) {
        born[lifetime.first].push_back(static_cast<int>(b));
        dying[lifetime.last].push_back(static_cast<int>(b));
      } else if (IsReleasable(static_cast<int>(b))) {
        steps.push_back(Release{BufferId{static_cast<int>(b)}});
      }
    }
    for (size_t s = 0; s < program_.steps.size(); ++s) {
      PlaceBorn(program_.steps[s], born[s], dying[s]);
      steps.push_back(std::move(program_.steps[s]));
      for (int b : dying[s]) Bury(b, steps);
    }
    program_.steps = std::move(steps);
    program_.arena_bytes = arenas_[0].total();
    int arena = 0;
    for (Step& step : program_.steps) {
      if (!BindsSymbols(step)) continue;
      auto* call = std::get_if<ExternCall>(&step);
      (call != nullptr ? call->arena_bytes : std::get<ReadNumber>(step).arena_bytes) = arenas_[++arena].total();
    }
  }

 private:
  bool IsTemporary(int b) const { return program_.buffers[b].kind == BufferKind::kTemporary; }
  bool IsReleasable(int b) const {
    BufferKind kind = program_.buffers[b].kind;
    return !shown_[b] && (kind == BufferKind::kInput || kind == BufferKind::kExternResult);
  }

  // The first arena that is made when all that the size speaks of is known.
  int ArenaFor(Expr size) const {
    int arena = 0;
    VisitSymbols(size, [&](Expr symbol) {
      const auto found = arena_of_symbol_.find(symbol);
      if (found != arena_of_symbol_.end()) arena = std::max(arena, found->second);
    });
    return arena;
  }

  void PlaceBorn(const Step& step, const std::vector<int>& born, const std::vector<int>& dying) {
    for (int b : born) {
      if (!IsTemporary(b)) continue;
      Buffer& buffer = program_.buffers[b];
      int host = FindInPlace(step, b, dying);
      if (host >= 0) {
        buffer.alias_of = BufferId{host};
        buffer.arena = program_.buffers[host].arena;
        slots_[b] = std::exchange(slots_[host], -1);
      } else {
        ExprPool& pool = *program_.pool;
        buffer.arena = ArenaFor(buffer.num_elements);
        slots_[b] = arenas_[buffer.arena].Take(pool.Mul(buffer.num_elements, Expr(DTypeSizeBytes(buffer.dtype))));
      }
      buffer.arena_offset = arenas_[buffer.arena].OffsetOf(slots_[b]);
    }
  }

  // A dying temporary whose slot `b` can take over within the step, or -1.
  int FindInPlace(const Step& step, int b, const std::vector<int>& dying) const {
    const auto* kernel = std::get_if<Kernel>(&step);
    if (kernel == nullptr) return -1;
    const Buffer& buffer = program_.buffers[b];
    for (int d : dying) {
      if (d == b || !IsTemporary(d) || slots_[d] < 0) continue;
      const Buffer& other = program_.buffers[d];
      bool fits = other.num_elements == buffer.num_elements &&
                  DTypeSizeBytes(other.dtype) == DTypeSizeBytes(buffer.dtype);
      if (fits && lifetimes_[d].first != lifetimes_[d].last && CanReuseInPlace(*kernel, BufferId{d}, BufferId{b})) {
        return d;
      }
    }
    return -1;
  }

  void Bury(int b, std::vector<Step>& steps) {
    if (IsReleasable(b)) steps.push_back(Release{BufferId{b}});
    if (slots_[b] >= 0) arenas_[program_.buffers[b].arena].GiveBack(slots_[b]);
  }

  LoopProgram& program_;
  std::vector<Lifetime> lifetimes_;
  std::vector<bool> shown_;
  // The program's, then one for each step that binds symbols.
  std::vector<Arena> arenas_;
  absl::flat_hash_map<Expr, int> arena_of_symbol_;
  std::vector<int> slots_;  // by buffer; -1: none, or taken over
};

}  // namespace

LoopProgram PlanMemory(LoopProgram program) {
  DropUnusedBuffers(program);
  MemoryPlanner(program).Plan();
  return program;
}

}  // namespace kiln::schedule
