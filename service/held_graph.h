// A graph that a client names instead of sending, with the client's sizes put in.
#ifndef KILN_SERVICE_HELD_GRAPH_H_
#define KILN_SERVICE_HELD_GRAPH_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cache/graph_store.h"
#include "fake_runtime/graph/graph.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

// GRAPH_NOT_FOUND when it is not here, or when the sizes contradict what its
// first sender promised about them (ranges and assumptions are in no key): send
// the graph inline. MALFORMED_MESSAGE for digests or counts that cannot be right.
// The caller compares the digests of what comes with those asked for: the store
// is not trusted.
absl::StatusOr<Graph> LoadHeldGraph(const v1::GraphRef& ref, absl::string_view domain, ExprPool* pool,
                                    GraphStore& graphs);

}  // namespace kiln

#endif  // KILN_SERVICE_HELD_GRAPH_H_
