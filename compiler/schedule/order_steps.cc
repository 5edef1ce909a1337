#include "compiler/schedule/order_steps.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "compiler/schedule/buffer_uses.h"

namespace kiln::schedule {
namespace {

void AddOnce(std::vector<int>& list, int value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

struct StepFacts {
  // Roots of buffers, each once.
  std::vector<int> reads, writes;
  std::vector<int> after;  // steps that wait for this one
  int waits_for = 0;       // steps that are not placed yet
  bool may_move = false;
  bool queued = false;     // to be placed next
  bool placed = false;
};

class StepOrder {
 public:
  StepOrder(LoopProgram& program, IndexAnalysis& index)
      : program_(program),
        index_(index),
        shown_(BuffersOfOutputs(program)),
        facts_(program.steps.size()),
        users_(program.buffers.size()) {
    for (size_t b = 0; b < shown_.size(); ++b) {
      if (shown_[b]) shown_[MemoryRoot(program, BufferId{static_cast<int>(b)}).value] = true;
    }
    for (size_t s = 0; s < facts_.size(); ++s) CollectFacts(static_cast<int>(s));
    FindDependencies();
  }

  void Run() {
    for (size_t s = 0; s < facts_.size(); ++s) {
      if (!facts_[s].placed) Place(static_cast<int>(s));
    }
    std::vector<Step> steps;
    for (int s : order_) steps.push_back(std::move(program_.steps[s]));
    program_.steps = std::move(steps);
  }

 private:
  void CollectFacts(int s) {
    StepFacts& facts = facts_[s];
    const Step& step = program_.steps[s];
    VisitAccesses(step, [&](BufferId id, Access access) {
      const int root = MemoryRoot(program_, id).value;
      AddOnce(access == Access::kWrite ? facts.writes : facts.reads, root);
      if (users_[root].empty() || users_[root].back() != s) users_[root].push_back(s);
    });
    const auto* call = std::get_if<ExternCall>(&step);
    facts.may_move = std::holds_alternative<Kernel>(step) || (call != nullptr && call->into);
  }

  void FindDependencies() {
    std::vector<int> writer(program_.buffers.size(), -1);
    std::vector<std::vector<int>> readers(program_.buffers.size());
    int fixed = -1, barrier = -1;
    for (int s = 0; s < static_cast<int>(facts_.size()); ++s) {
      for (int b : facts_[s].reads) Follow(s, writer[b]);
      for (int b : facts_[s].writes) {
        Follow(s, writer[b]);
        for (int reader : readers[b]) Follow(s, reader);
        readers[b].clear();
        writer[b] = s;
      }
      for (int b : facts_[s].reads) readers[b].push_back(s);
      if (!facts_[s].may_move) {
        Follow(s, fixed);
        fixed = s;
      }
      // Nothing runs before a fact that it may rely on, or a number that it may speak of.
      if (barrier >= 0) Follow(s, barrier);
      const Step& step = program_.steps[s];
      if (std::holds_alternative<RuntimeAssert>(step) || BindsSymbols(step)) barrier = s;
    }
  }

  void Follow(int later, int earlier) {
    if (earlier < 0 || earlier == later) return;
    std::vector<int>& after = facts_[earlier].after;
    // Dependencies of one step are found in a row.
    if (!after.empty() && after.back() == later) return;
    after.push_back(later);
    ++facts_[later].waits_for;
  }

  void Place(int first) {
    facts_[first].queued = true;
    std::vector<int> queue = {first};
    for (size_t i = 0; i < queue.size(); ++i) {
      const int s = queue[i];
      facts_[s].placed = true;
      order_.push_back(s);
      for (int later : facts_[s].after) --facts_[later].waits_for;
      for (int b : facts_[s].reads) UseUp(b, queue);
      for (int b : facts_[s].writes) UseUp(b, queue);
    }
  }

  // Queues what is left of the buffer's users, if they all can run and that frees
  // more than it takes.
  void UseUp(int b, std::vector<int>& queue) {
    const BufferKind kind = program_.buffers[b].kind;
    if (shown_[b] || (kind != BufferKind::kTemporary && kind != BufferKind::kExternResult)) return;
    std::vector<int> rest;
    for (int s : users_[b]) {
      if (facts_[s].queued) continue;
      if (!facts_[s].may_move || facts_[s].waits_for > 0) return;
      rest.push_back(s);
    }
    if (rest.empty() || !IsNoLarger(MadeForOthers(rest), b)) return;
    for (int s : rest) facts_[s].queued = true;
    queue.insert(queue.end(), rest.begin(), rest.end());
  }

  // Buffers that these steps write, and others read.
  std::vector<int> MadeForOthers(const std::vector<int>& steps) const {
    std::vector<int> made;
    for (int s : steps) {
      for (int b : facts_[s].writes) {
        if (shown_[b]) continue;
        for (int user : users_[b]) {
          if (!facts_[user].placed && std::find(steps.begin(), steps.end(), user) == steps.end()) AddOnce(made, b);
        }
      }
    }
    return made;
  }

  Expr BytesOf(int b) const {
    const Buffer& buffer = program_.buffers[b];
    return program_.pool->Mul(buffer.num_elements, Expr(DTypeSizeBytes(buffer.dtype)));
  }

  bool IsNoLarger(const std::vector<int>& made, int freed) {
    if (made.empty()) return true;
    Expr bytes(0);
    for (int b : made) bytes = program_.pool->Add(bytes, BytesOf(b));
    return index_.KnownLessEqual(bytes, BytesOf(freed));
  }

  LoopProgram& program_;
  IndexAnalysis& index_;
  std::vector<bool> shown_;
  std::vector<StepFacts> facts_;         // by step
  std::vector<std::vector<int>> users_;  // by root: the steps that touch it, in order
  std::vector<int> order_;
};

}  // namespace

void OrderSteps(LoopProgram& program, IndexAnalysis& index) { StepOrder(program, index).Run(); }

}  // namespace kiln::schedule
