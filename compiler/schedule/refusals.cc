#include "compiler/schedule/refusals.h"

#include <map>
#include <numeric>
#include <set>
#include <tuple>

namespace kiln::schedule {

Refusals::Refusals(int num_units) : part_of_(num_units) { std::iota(part_of_.begin(), part_of_.end(), 0); }

void Refusals::Note(int earlier, int later, Attempt attempt, ApartReason reason) {
  noted_.push_back({{earlier, later, reason}, attempt});
}

void Refusals::Merge(int unit, int into) { part_of_[Root(unit)] = Root(into); }

int Refusals::Root(int unit) const {
  while (part_of_[unit] != unit) unit = part_of_[unit];
  return unit;
}

std::vector<Refusal> Refusals::Remaining() const {
  std::map<std::tuple<int, int, Attempt>, ApartReason> last;
  for (const Noted& noted : noted_) {
    const int earlier = Root(noted.refusal.earlier), later = Root(noted.refusal.later);
    if (earlier != later) last[{later, earlier, noted.attempt}] = noted.refusal.reason;
  }
  std::set<std::tuple<int, int, ApartReason>> once;
  for (const auto& [pair, reason] : last) once.emplace(std::get<0>(pair), std::get<1>(pair), reason);
  std::vector<Refusal> remaining;
  for (const auto& [later, earlier, reason] : once) remaining.push_back({earlier, later, reason});
  return remaining;
}

}  // namespace kiln::schedule
