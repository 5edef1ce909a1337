// malformed_graphs.txt: graphs of the classes of crafted-graph CVEs, each with the
// typed error that it gets, however it arrives.
#ifndef KILN_FAKE_RUNTIME_IMPORT_TESTING_MALFORMED_GRAPHS_H_
#define KILN_FAKE_RUNTIME_IMPORT_TESTING_MALFORMED_GRAPHS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace kiln {

struct MalformedGraph {
  std::string what;  // "division by zero: split 0"
  std::string text;
  std::string reason;
  std::string message;  // a part of it
};

// Those of the file that the environment's KILN_MALFORMED_GRAPHS names.
std::vector<MalformedGraph> ReadMalformedGraphs();

// Expects `status` to be the error that `malformed` gets.
void ExpectRefusal(const MalformedGraph& malformed, const absl::Status& status);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_IMPORT_TESTING_MALFORMED_GRAPHS_H_
