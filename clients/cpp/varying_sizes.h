// Sizes that a client wrote as numbers, made symbols where they vary from job to job.
//
// A graph of plain sizes has one key for each list of sizes. What stays when they are
// erased is its skeleton, by which the server counts sizes; those that vary become
// automatic symbols with the size as their hint (SymbolizeInputs of
// fake_runtime/fake_tensor_mode.h), so that one compile serves all jobs, with guards
// where the graph had to look. Only user inputs count; sizes 0 and 1, dimensions
// declared static and whatever nodes have baked in stay numbers.
#ifndef KILN_CLIENTS_CPP_VARYING_SIZES_H_
#define KILN_CLIENTS_CPP_VARYING_SIZES_H_

#include "absl/status/statusor.h"
#include "base/digest.h"
#include "fake_runtime/graph/graph.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

// Equal for graphs that differ only in names and in sizes that may become symbols.
// Errors as SymbolizeInputs and Canonicalize.
absl::StatusOr<Digest> SkeletonOf(const Graph& graph, ExprPool* pool);

// The sizes that may become symbols by the place of their input: "input 0".
google::protobuf::RepeatedPtrField<v1::ShapeObservation> ObserveSizes(const Graph& graph);

// `graph` with what varies made symbols. Errors as SymbolizeInputs.
absl::StatusOr<Graph> MakeVaryingSymbolic(Graph graph, const v1::ProfileShapesResponse::Subject& shapes,
                                          ExprPool* pool);

}  // namespace kiln

#endif  // KILN_CLIENTS_CPP_VARYING_SIZES_H_
