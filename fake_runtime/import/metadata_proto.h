// Metadata, both ways: expressions, tensors, devices, policies and guards
// between their proto and their in-memory forms. Export and import are inverse.
#ifndef KILN_FAKE_RUNTIME_IMPORT_METADATA_PROTO_H_
#define KILN_FAKE_RUNTIME_IMPORT_METADATA_PROTO_H_

#include <vector>

#include "absl/status/statusor.h"
#include "fake_runtime/graph/graph.h"
#include "fake_runtime/symbolic/guard.h"
#include "kiln/v1/artifact.pb.h"
#include "kiln/v1/graph.pb.h"

namespace kiln {

// BAD_EXPRESSION, SIZE_OVERFLOW, LIMIT_EXCEEDED; MALFORMED_MESSAGE when unset.
absl::StatusOr<Expr> ImportExpr(const v1::SymExpr& expr, ExprPool* pool);
v1::SymExpr ExportExpr(Expr expr);

absl::StatusOr<DType> ImportDType(int wire_id);
absl::StatusOr<Device> ImportDevice(const v1::Device& device);
v1::Device ExportDevice(const Device& device);
absl::StatusOr<DimPolicy> ImportPolicy(v1::DimPolicy policy);
v1::DimPolicy ExportPolicy(DimPolicy policy);

// The storage id is -1: the message does not say. Counts and signs are the
// caller's to check (GraphBuilder::AddInput does).
absl::StatusOr<FakeTensor> ImportTensorMeta(const v1::TensorMeta& meta,
                                            ExprPool* pool);
absl::StatusOr<std::vector<DimPolicy>> ImportPolicies(
    const v1::TensorMeta& meta);
v1::TensorMeta ExportTensorMeta(const FakeTensor& tensor);

// BAD_EXPRESSION unless the condition is boolean.
absl::StatusOr<Guard> ImportGuard(const v1::Guard& guard, ExprPool* pool);
v1::Guard ExportGuard(const Guard& guard);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_IMPORT_METADATA_PROTO_H_
