// Early return on a non-OK absl::Status.
//
//   KILN_RETURN_IF_ERROR(Check(node));
//   KILN_ASSIGN_OR_RETURN(FakeTensor out, InferShape(node));
#ifndef KILN_BASE_STATUS_MACROS_H_
#define KILN_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define KILN_RETURN_IF_ERROR(expr)                                   \
  do {                                                               \
    if (absl::Status kiln_status = (expr); !kiln_status.ok()) {      \
      return kiln_status;                                            \
    }                                                                \
  } while (false)

#define KILN_STATUS_CONCAT_INNER(a, b) a##b
#define KILN_STATUS_CONCAT(a, b) KILN_STATUS_CONCAT_INNER(a, b)

#define KILN_ASSIGN_OR_RETURN(lhs, expr) \
  KILN_ASSIGN_OR_RETURN_IMPL(KILN_STATUS_CONCAT(kiln_or_, __LINE__), lhs, expr)

#define KILN_ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                               \
  if (!tmp.ok()) return std::move(tmp).status();   \
  lhs = *std::move(tmp)

#endif  // KILN_BASE_STATUS_MACROS_H_
