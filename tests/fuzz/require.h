// What a fuzzer holds true: abort() with words, since a find is a crash.
#ifndef KILN_TESTS_FUZZ_REQUIRE_H_
#define KILN_TESTS_FUZZ_REQUIRE_H_

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/error.h"

namespace kiln {

inline void Require(bool holds, absl::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

// A refusal says why, to people and to machines, and does not call the input's
// fault the compiler's.
inline void RequireReason(const absl::Status& status) {
  Require(!status.ok() && !status.message().empty(), "a refusal without words");
  Require(GetErrorReason(status).has_value(), status.ToString());
  Require(GetErrorReason(status) != ErrorReason::kCompilerBug, status.ToString());
}

}  // namespace kiln

#endif  // KILN_TESTS_FUZZ_REQUIRE_H_
