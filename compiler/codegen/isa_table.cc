#include "compiler/codegen/isa_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {
namespace {

constexpr IsaFeatureRow kFeatures[] = {
    {"avx", 256},      {"avx2", 256},     {"avx512bw", 512}, {"avx512dq", 512}, {"avx512f", 512},
    {"avx512vl", 512}, {"bmi", 0},        {"bmi2", 0},       {"f16c", 256},     {"fma", 256},
    {"lzcnt", 0},      {"popcnt", 0},     {"sse4.1", 0},     {"sse4.2", 0},     {"ssse3", 0},
};

// The widest vectors that the features have registers for.
int WidestBits(const Isa& isa) {
  if (isa.Has("avx512f")) return 512;
  return isa.Has("avx2") ? 256 : 128;
}

}  // namespace

absl::Span<const IsaFeatureRow> IsaFeatureRows() { return kFeatures; }

bool Isa::Has(absl::string_view feature) const {
  return std::binary_search(features.begin(), features.end(), feature);
}

MaskedAccess MaskedAccessOf(const Isa& isa) {
  if (isa.Has("avx512bw") && isa.Has("avx512vl")) return MaskedAccess::kAll;
  return isa.Has("avx512f") || isa.Has("avx2") ? MaskedAccess::kWords : MaskedAccess::kNone;
}

absl::StatusOr<Isa> SelectIsa(const v1::Target& target) {
  if (target.arch() != "x86_64") {
    return MakeError(ErrorReason::kUnsupportedTarget,
                     absl::StrCat("target architecture is \"", target.arch(), "\" but only \"x86_64\" is compiled for"));
  }
  Isa isa;
  isa.arch = target.arch();
  isa.vector_bits = target.vector_bits() == 0 ? 128 : target.vector_bits();
  if (isa.vector_bits != 128 && isa.vector_bits != 256 && isa.vector_bits != 512) {
    return MakeError(ErrorReason::kUnsupportedTarget,
                     absl::StrCat("target vector_bits is ", isa.vector_bits, " but must be 128, 256 or 512"));
  }
  for (const IsaFeatureRow& row : kFeatures) {
    const bool has = std::find(target.features().begin(), target.features().end(), row.name) != target.features().end();
    if (has && isa.vector_bits >= row.min_vector_bits) isa.features.emplace_back(row.name);
  }
  std::sort(isa.features.begin(), isa.features.end());
  isa.vector_bits = std::min(isa.vector_bits, WidestBits(isa));
  return isa;
}

}  // namespace kiln
