#include "compiler/loops/lowering_table.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "compiler/decompose/decompose.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

using PointwiseMap = absl::flat_hash_map<absl::string_view, const PointwiseRow*>;
using LoweringMap = absl::flat_hash_map<absl::string_view, const LoweringRow*>;

const PointwiseMap& PointwiseByName() {
  static const PointwiseMap* const map = [] {
    auto* m = new PointwiseMap;
    for (absl::Span<const PointwiseRow> rows : {UnaryRows(), BinaryRows(), ActivationRows(), CreationRows()}) {
      for (const PointwiseRow& row : rows) m->emplace(row.op, &row);
    }
    return m;
  }();
  return *map;
}

const LoweringMap& LoweringByName() {
  static const LoweringMap* const map = [] {
    auto* m = new LoweringMap;
    for (absl::Span<const LoweringRow> rows :
         {ReductionLowerings(), CreationLowerings(), AssemblyLowerings(), IndexingLowerings(), ScanLowerings(),
          PoolingLowerings(), MatmulLowerings(), AssertLowerings()}) {
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
                                                 "into", "decomposed", "extern"};
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
  return LoweringKind::kExtern;
}

std::vector<OpSupport> ListOpSupport() {
  std::vector<OpSupport> support;
  for (const OpRow& row : OpTable()) support.push_back({row.schema.name, LoweringOf(row.schema.name)});
  return support;
}

}  // namespace kiln
