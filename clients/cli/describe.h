// What commands print for people: plain text, one fact a line.
#ifndef KILN_CLIENTS_CLI_DESCRIBE_H_
#define KILN_CLIENTS_CLI_DESCRIBE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "kiln/v1/artifact.pb.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

// "s0 == s2  [shape] node 3 (aten.add.Tensor): broadcast of dim 0, model.py:41".
// `location` stands in where the guard has none.
std::string DescribeGuard(const v1::Guard& guard, const std::string& location = "");

// Inputs, outputs, guards, needs, extern ops and kernels with their fused ops.
// `record`, if not null, adds provenance and source lines.
std::string DescribeArtifact(const v1::Manifest& manifest, int64_t size_bytes, const v1::VariantRecord* record);

// Compiles, hits by tier, misses, variants, milliseconds by stage.
std::string DescribeServer(const v1::GetServerInfoResponse& info);

// "error: SHAPE_MISMATCH: node 17 ...\n  next: Fix the shapes ...\n".
std::string DescribeError(const absl::Status& status);

// "812 B", "15.3 KiB", "2.0 MiB".
std::string DescribeBytes(int64_t bytes);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_DESCRIBE_H_
