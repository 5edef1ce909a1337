// The manifest of an artifact: what a host must know to bind and call it. It
// says nothing of when or for whom it was made.
#ifndef KILN_COMPILER_BUILD_MANIFEST_H_
#define KILN_COMPILER_BUILD_MANIFEST_H_

#include <string>
#include <vector>

#include "compiler/codegen/kernel_table.h"
#include "compiler/loops/loop_ir.h"
#include "fake_runtime/graph/graph.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// What the later stages no longer know of the canonical graph.
struct GraphFacts {
  std::vector<GraphInput> inputs;
  // By output: its fake value; an Expr also for literal numbers.
  std::vector<FakeValue> outputs;
  // By canonical node.
  std::vector<std::string> ops;

  // `fake` is the propagated canonical graph.
  static GraphFacts Of(const FakeGraph& fake);
};

struct ManifestParts {
  const GraphFacts* facts = nullptr;
  // Scheduled: what code was generated from.
  const LoopProgram* program = nullptr;
  const KernelTable* kernels = nullptr;
  std::vector<v1::Guard> guards;
  v1::KeyComponents key;
  std::string compiler_build;
  std::string arch;
  std::vector<std::string> isa_features;
  bool pack_weights = false;
};

v1::Manifest BuildManifest(const ManifestParts& parts);

}  // namespace kiln

#endif  // KILN_COMPILER_BUILD_MANIFEST_H_
