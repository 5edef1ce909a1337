#include "compiler/codegen/isa_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/artifact/isa_feature_names.h"

namespace kiln {
namespace {

constexpr IsaFeatureRow kFeatures[] = {
    {"aarch64", "bf16", "bf16", 128, DType::kBFloat16},
    {"aarch64", "sve256", "sve", 256},
    {"aarch64", "sve512", "sve", 512},
    {"x86_64", "avx", "avx", 256},
    {"x86_64", "avx2", "avx2", 256},
    {"x86_64", "avx512bf16", "avx512bf16", 512, DType::kBFloat16},
    {"x86_64", "avx512bw", "avx512bw", 512},
    {"x86_64", "avx512dq", "avx512dq", 512},
    {"x86_64", "avx512f", "avx512f", 512},
    {"x86_64", "avx512vl", "avx512vl", 512},
    {"x86_64", "bmi", "bmi", 0},
    {"x86_64", "bmi2", "bmi2", 0},
    {"x86_64", "f16c", "f16c", 256},
    {"x86_64", "fma", "fma", 256},
    {"x86_64", "lzcnt", "lzcnt", 0},
    {"x86_64", "popcnt", "popcnt", 0},
    {"x86_64", "sse4.1", "sse4.1", 0},
    {"x86_64", "sse4.2", "sse4.2", 0},
    {"x86_64", "ssse3", "ssse3", 0},
};

// The widest vectors that the features have registers for.
int WidestX86Bits(const Isa& isa) {
  if (isa.Has("avx512f")) return 512;
  return isa.Has("avx2") ? 256 : 128;
}

int WidestAArch64Bits(const Isa& isa) {
  if (isa.Has("sve512")) return 512;
  return isa.Has("sve256") ? 256 : 128;
}

struct ArchRow {
  absl::string_view name;
  int (*widest_bits)(const Isa& isa);
};

constexpr ArchRow kArchs[] = {
    {"aarch64", WidestAArch64Bits},
    {"x86_64", WidestX86Bits},
};

absl::StatusOr<const ArchRow*> FindArch(absl::string_view name) {
  for (const ArchRow& row : kArchs) {
    if (row.name == name) return &row;
  }
  const std::string known = absl::StrJoin(kArchs, " and ", [](std::string* out, const ArchRow& row) {
    absl::StrAppend(out, "\"", row.name, "\"");
  });
  return MakeError(ErrorReason::kUnsupportedTarget,
                   absl::StrCat("target architecture is \"", name, "\" but only ", known, " are compiled for"));
}

bool Lists(const v1::Target& target, absl::string_view feature) {
  return std::find(target.features().begin(), target.features().end(), feature) != target.features().end();
}

}  // namespace

absl::Span<const IsaFeatureRow> IsaFeatureRows() { return kFeatures; }

bool Isa::Has(absl::string_view feature) const {
  return std::binary_search(features.begin(), features.end(), feature);
}

bool Isa::HasSve() const { return Has("sve256") || Has("sve512"); }

MaskedAccess MaskedAccessOf(const Isa& isa) {
  if (isa.HasSve() || (isa.Has("avx512bw") && isa.Has("avx512vl"))) return MaskedAccess::kAll;
  return isa.Has("avx512f") || isa.Has("avx2") ? MaskedAccess::kWords : MaskedAccess::kNone;
}

absl::StatusOr<Isa> SelectIsa(const v1::Target& target) {
  KILN_ASSIGN_OR_RETURN(const ArchRow* arch, FindArch(target.arch()));
  KILN_RETURN_IF_ERROR(CheckIsaFeatures(target));
  if (Lists(target, "sve256") && Lists(target, "sve512")) {
    return MakeError(ErrorReason::kUnsupportedTarget,
                     "target has both features sve256 and sve512, and SVE's registers have one length");
  }
  Isa isa;
  isa.arch = target.arch();
  isa.vector_bits = target.vector_bits() == 0 ? 128 : target.vector_bits();
  if (isa.vector_bits != 128 && isa.vector_bits != 256 && isa.vector_bits != 512) {
    return MakeError(ErrorReason::kUnsupportedTarget,
                     absl::StrCat("target vector_bits is ", isa.vector_bits, " but must be 128, 256 or 512"));
  }
  for (const IsaFeatureRow& row : kFeatures) {
    if (row.arch != isa.arch || !Lists(target, row.name)) continue;
    if (isa.vector_bits >= row.min_vector_bits) isa.features.emplace_back(row.name);
  }
  std::sort(isa.features.begin(), isa.features.end());
  isa.vector_bits = std::min(isa.vector_bits, arch->widest_bits(isa));
  return isa;
}

Isa NarrowedTo(absl::Span<const DType> dtypes, Isa isa) {
  for (const IsaFeatureRow& row : kFeatures) {
    if (!row.only_for.has_value() || std::count(dtypes.begin(), dtypes.end(), *row.only_for) > 0) continue;
    std::erase(isa.features, row.name);
  }
  return isa;
}

}  // namespace kiln
