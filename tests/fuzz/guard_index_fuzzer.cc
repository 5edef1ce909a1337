// Guards as a store or a worker hands them to the index: lines of guards, an empty
// line between variants; every fourth variant's are performance guards. The index and
// its naive twin say the same.
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cache/guard_index.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/naive_guard_index.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kiln;
  GuardIndex index;
  NaiveGuardIndex naive;
  int added = 0;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  for (absl::string_view variant_text : absl::StrSplit(text, "\n\n")) {
    VariantSpec spec;
    (added % 4 == 3 ? spec.performance_guards : spec.guards) = absl::StrSplit(variant_text, '\n', absl::SkipEmpty());
    spec.created = added;
    spec.elf = absl::StrCat("elf ", added);
    v1::SignedVariant row;
    row.set_record(MakeRecord(spec).SerializeAsString());
    // Guards that are no UTF-8 end here.
    const absl::StatusOr<IndexedVariantPtr> variant = MakeIndexedVariant(std::move(row));
    const absl::Status status = variant.ok() ? index.Add(*variant) : variant.status();
    if (!status.ok()) {
      RequireReason(status);
      continue;
    }
    naive.Add(*variant);
    if (++added == 16) break;
  }
  const HostClass host = MakeHost();
  const VariantKey key = MakeKey("g");
  for (int64_t value : {int64_t{0}, int64_t{1}, int64_t{3}, int64_t{8}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
    const int64_t values[] = {value, 8, 16};
    const absl::StatusOr<IndexAnswer> answer = index.Lookup(key, values, host);
    Require(answer.ok(), answer.status().ToString());
    const IndexAnswer expected = naive.Lookup(key, values, host);
    Require(answer->variant == expected.variant, absl::StrCat("variants for s0 = ", value, " of\n", text));
    Require(answer->reasons == expected.reasons, absl::StrCat("reasons for s0 = ", value, " of\n", text));
  }
  return 0;
}
