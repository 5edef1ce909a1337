#include "compiler/schedule/reuse_in_place.h"

#include <memory>
#include <optional>
#include <variant>

namespace kiln::schedule {
namespace {

class InPlaceChecker {
 public:
  InPlaceChecker(const Kernel& kernel, BufferId dying, BufferId born)
      : kernel_(kernel), dying_(dying), born_(born) {}

  bool Check(const std::vector<Stmt>& body, const Loop* loop) {
    for (const Stmt& stmt : body) {
      if (const auto* inner = std::get_if<std::unique_ptr<Loop>>(&stmt)) {
        if (!Check((*inner)->body, inner->get())) return false;
        continue;
      }
      if (!CheckInst(kernel_.insts[std::get<int>(stmt)], loop)) return false;
    }
    return true;
  }

 private:
  bool CheckInst(const Inst& inst, const Loop* loop) {
    bool is_dying = inst.buffer == dying_, is_born = inst.buffer == born_;
    if (!is_dying && !is_born) return true;
    if (inst.kind == InstKind::kStoreAdd) return false;
    if (is_dying && (inst.kind == InstKind::kStore || stored_)) return false;
    if (loop_ == nullptr) {
      loop_ = loop;
      place_ = inst.expr;
    }
    stored_ |= is_born;
    return loop == loop_ && inst.expr == place_;
  }

  const Kernel& kernel_;
  const BufferId dying_;
  const BufferId born_;
  const Loop* loop_ = nullptr;
  Expr place_;
  bool stored_ = false;
};

}  // namespace

bool CanReuseInPlace(const Kernel& kernel, BufferId dying, BufferId born) {
  return InPlaceChecker(kernel, dying, born).Check(kernel.body, nullptr);
}

}  // namespace kiln::schedule
