// What commands print for people: plain text, one fact a line.
#ifndef KILN_CLIENTS_CLI_DESCRIBE_H_
#define KILN_CLIENTS_CLI_DESCRIBE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "kiln/v1/artifact.pb.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

// "s0 == s2  [shape] node 3 (aten.add.Tensor): broadcast of dim 0, model.py:41".
// `location` stands in where the guard has none.
std::string DescribeGuard(const v1::Guard& guard, const std::string& location = "");

// "f32[s0, 4] strides=[4, 1]  parameter, donated".
std::string DescribeInput(const v1::ManifestInput& input);
// "f32[s0, 4] strides=[4, 1]  a view of input 0".
std::string DescribeOutput(const v1::ManifestOutput& output);
// "aten.mm.out into given memory, 2 calls: WHY IT IS NOT COMPILED".
std::string DescribeExternOp(const v1::ExternOp& op);

// Source line of a canonical node, or empty. `record` may be null.
std::string LocationOf(const v1::VariantRecord* record, int node);
// "aten.mul.Tensor #0 (model.py:3), aten.add.Tensor #1".
std::string FusedOps(const v1::KernelInfo& kernel, const v1::VariantRecord* record);
// A line each: why its nodes are one kernel, and why it is not one with others.
std::vector<std::string> ReasonsOfKernel(const v1::Manifest& manifest, int kernel);
// "moves 4*s0 bytes, s0 operations".
std::string DescribeWork(const v1::StepInfo& step);
// Once for runs that do the same.
std::vector<std::string> WorkOfKernel(const v1::Manifest& manifest, int kernel);
// A kernel with all of this, as it stands in DescribeArtifact.
std::string DescribeKernel(const v1::Manifest& manifest, int kernel, const v1::VariantRecord* record);

// What it was made for and by, in names and values.
std::vector<std::pair<std::string, std::string>> AboutArtifact(const v1::Manifest& manifest);

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
