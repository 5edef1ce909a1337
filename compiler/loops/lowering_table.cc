#include "compiler/loops/lowering_table.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "compiler/decompose/decompose.h"
#include "compiler/loops/extern_reasons.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

using PointwiseMap = absl::flat_hash_map<absl::string_view, const PointwiseRow*>;
using LoweringMap = absl::flat_hash_map<absl::string_view, const LoweringRow*>;

const PointwiseMap& PointwiseByName() {
  static const PointwiseMap* const map = [] {
    auto* m = new PointwiseMap;
    for (absl::Span<const PointwiseRow> rows : PointwiseFamilies()) {
      for (const PointwiseRow& row : rows) m->emplace(row.op, &row);
    }
    return m;
  }();
  return *map;
}

const LoweringMap& LoweringByName() {
  static const LoweringMap* const map = [] {
    auto* m = new LoweringMap;
    for (absl::Span<const LoweringRow> rows : LoweringFamilies()) {
      for (const LoweringRow& row : rows) m->emplace(row.op, &row);
    }
    return m;
  }();
  return *map;
}

bool IsInto(absl::string_view op) {
  for (const LoweringRow& row : MatmulLowerings()) {
    if (op == row.op) return true;
  }
  return false;
}

}  // namespace

std::vector<absl::Span<const PointwiseRow>> PointwiseFamilies() {
  return {ActivationRows(), BinaryRows(), CreationRows(), RandomRows(), SpecialRows(), UnaryRows()};
}

std::vector<absl::Span<const LoweringRow>> LoweringFamilies() {
  return {AssemblyLowerings(), AssertLowerings(),     AveragePoolingLowerings(), CreationLowerings(),
          DistanceLowerings(), IndexingLowerings(),   MatmulLowerings(),         MaxPoolingLowerings(),
          NumberLowerings(),   RandomStateLowerings(), ReductionLowerings(),     ResamplingLowerings(),
          ScanLowerings(),     WindowLowerings()};
}

const PointwiseRow* FindPointwise(absl::string_view op) {
  auto found = PointwiseByName().find(op);
  return found == PointwiseByName().end() ? nullptr : found->second;
}

const LoweringRow* FindLowering(absl::string_view op) {
  auto found = LoweringByName().find(op);
  return found == LoweringByName().end() ? nullptr : found->second;
}

absl::string_view LoweringKindName(LoweringKind kind) {
  static constexpr absl::string_view kNames[] = {"view", "symbolic", "pointwise", "loops",
                                                 "into", "decomposed", "extern", "refused"};
  return kNames[static_cast<int>(kind)];
}

LoweringKind LoweringOf(absl::string_view op) {
  if (HasDecomposition(op)) return LoweringKind::kDecomposed;
  if (FindPointwise(op) != nullptr) return LoweringKind::kPointwise;
  if (IsInto(op)) return LoweringKind::kInto;
  if (FindLowering(op) != nullptr) return LoweringKind::kLoops;
  const OpRow* row = FindOp(op);
  if (row != nullptr && row->has(kTagSymbolic)) return LoweringKind::kSymbolic;
  if (row != nullptr && row->has(kTagView)) return LoweringKind::kView;
  return row != nullptr && CannotBeExtern(*row) ? LoweringKind::kRefused : LoweringKind::kExtern;
}

std::vector<OpSupport> ListOpSupport() {
  std::vector<OpSupport> support;
  for (const OpRow& row : OpTable()) {
    LoweringKind kind = LoweringOf(row.schema.name);
    bool has_reason = kind == LoweringKind::kInto || kind == LoweringKind::kExtern || kind == LoweringKind::kRefused;
    support.push_back({row.schema.name, kind, has_reason ? WhyExtern(row) : ""});
  }
  return support;
}

}  // namespace kiln
