#include "fake_runtime/ops/op_table.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "fake_runtime/ops/argument_checks.h"
#include "fake_runtime/ops/op_forms.h"
#include "fake_runtime/ops/requires_grad.h"

namespace kiln {
namespace {

// A row's schema stands first in it, so that RowOf is a cast.
static_assert(offsetof(OpRow, schema) == 0);

struct Family {
  absl::string_view name;
  absl::Span<const OpDef> (*ops)();
};
constexpr Family kFamilies[] = {
    {"pointwise", PointwiseOps},   {"reduction", ReductionOps},     {"view", ViewOps},
    {"creation", CreationOps},     {"copy", CopyOps},               {"indexing", IndexingOps},
    {"matmul", MatmulOps},         {"linalg", LinalgOps},           {"convolution", ConvolutionOps},
    {"pooling", PoolingOps},       {"normalization", NormalizationOps}, {"attention", AttentionOps},
    {"symbolic", SymbolicOps},
};

struct Table {
  std::vector<OpRow> rows;
  absl::flat_hash_map<absl::string_view, const OpRow*> by_name;
};

// A row that does not parse is a slip of ours that the first start shows.
[[noreturn]] void DieOfRow(const OpDef& def, const absl::Status& status) {
  std::fprintf(stderr, "op table: %s: %s\n", def.schema, std::string(status.message()).c_str());
  std::abort();
}

void AddRows(const OpDef& def, absl::string_view family, std::vector<OpRow>& rows) {
  absl::StatusOr<OpSchema> schema = ParseOpSchema(def.schema);
  if (!schema.ok()) DieOfRow(def, schema.status());
  OpRow row{*std::move(schema), def.tags, def.meta};
  row.family = family;
  row.schema.ordered |= row.has(kTagRandom) || row.has(kTagEffect);
  absl::StatusOr<std::vector<OpRow>> forms = DeriveForms(row, def.forms);
  if (!forms.ok()) DieOfRow(def, forms.status());
  rows.push_back(std::move(row));
  for (OpRow& form : *forms) rows.push_back(std::move(form));
  for (size_t i = rows.size() - 1 - forms->size(); i < rows.size(); ++i) {
    rows[i].check = FindArgumentCheck(rows[i].schema.name);
    if (absl::Status status = SetGradMasks(rows[i]); !status.ok()) DieOfRow(def, status);
  }
}

const Table& GetTable() {
  static const Table* const table = [] {
    auto* t = new Table;
    for (const Family& family : kFamilies) {
      for (const OpDef& def : family.ops()) AddRows(def, family.name, t->rows);
    }
    std::sort(t->rows.begin(), t->rows.end(),
              [](const OpRow& a, const OpRow& b) { return a.schema.name < b.schema.name; });
    for (const OpRow& row : t->rows) {
      const absl::string_view name = row.schema.name;
      t->by_name.emplace(name, &row);
      // Symbolic scalar operators have one overload each; the wire leaves it out.
      if (absl::StartsWith(name, "sym.")) t->by_name.emplace(absl::StripSuffix(name, ".default"), &row);
    }
    return t;
  }();
  return *table;
}

}  // namespace

absl::Span<const OpRow> OpTable() { return GetTable().rows; }

const OpRow* FindOp(absl::string_view name) {
  const Table& table = GetTable();
  auto it = table.by_name.find(name);
  return it == table.by_name.end() ? nullptr : it->second;
}

const OpSchema* FindOpSchema(absl::string_view name) {
  const OpRow* row = FindOp(name);
  return row == nullptr ? nullptr : &row->schema;
}

std::vector<const OpSchema*> FindOverloads(absl::string_view packet) {
  std::vector<const OpSchema*> out;
  const std::string prefix = absl::StrCat(packet, ".");
  const std::vector<OpRow>& rows = GetTable().rows;
  auto it = std::lower_bound(rows.begin(), rows.end(), prefix,
                             [](const OpRow& row, const std::string& name) { return row.schema.name < name; });
  for (; it != rows.end() && absl::StartsWith(it->schema.name, prefix); ++it) {
    if (it->schema.name.find('.', prefix.size()) == std::string::npos) out.push_back(&it->schema);
  }
  return out;
}

const OpRow& RowOf(const OpSchema& schema) { return reinterpret_cast<const OpRow&>(schema); }

}  // namespace kiln
