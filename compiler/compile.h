// The compiler's one entry point: a propagated graph in, an artifact's bytes
// out. No gRPC, no sockets, no globals; LLVM's targets must be initialised once
// per process by InitializeCompiler().
//
// Stages, in order; each takes a const value and returns a new one, has a text
// form, and is one folder:
//   propagate  fake_runtime   Graph -> FakeGraph (guards)
//   decompose  decompose/     FakeGraph -> FakeGraph in smaller ops
//   layout     layout/        FakeGraph -> FakeGraph with other strides; its text, a graph's, shows the clones only
//   lower      loops/         FakeGraph -> LoopProgram
//   schedule   schedule/      LoopProgram -> LoopProgram, fused and planned
//   codegen    codegen/       LoopProgram -> object code
//   link       codegen/       object code + Manifest -> ELF shared object
#ifndef KILN_COMPILER_COMPILE_H_
#define KILN_COMPILER_COMPILE_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/symbolic/guard.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// One row per option that a client may send; the table is in compile_options.cc
// and GetServerInfo shows it.
struct CompileOptionRow {
  absl::string_view name;
  absl::string_view default_value;
  absl::string_view what;
};
absl::Span<const CompileOptionRow> CompileOptionRows();

// All options with a value each. ParseOptions fills defaults: OPTION_UNKNOWN,
// or BAD_ARGUMENT_VALUE for a value that is not allowed.
using CompileOptions = std::map<std::string, std::string>;
absl::StatusOr<CompileOptions> ParseOptions(const std::map<std::string, std::string>& given);

struct CompileRequest {
  Graph graph;  // canonical, symbols bound
  CompileOptions options;
  v1::Target target;
  v1::KeyComponents key;
  std::string compiler_build;
  // Extern ops that the host serves ("aten.*").
  std::vector<std::string> extern_ops;
  // Performance guards are forbidden for a waiter that failed a leader's.
  bool allow_performance_guards = true;
  // That make machine code: how many the machine can spare. The artifact does not
  // depend on it.
  int threads = 1;
};

// What the stages printed, for `kiln show` and golden tests: text by "propagate",
// "decompose", "layout", "loops", "schedule", "llvm" and "asm".
using StageTexts = std::map<std::string, std::string>;

// What there is to read of one kernel, for `kiln show`.
struct KernelTexts {
  std::string symbol;  // as in the manifest
  std::string loops;   // of its first run, scheduled
  std::string llvm_ir;
  std::string assembly;
};

struct CompileResult {
  std::string elf;
  v1::Manifest manifest;
  std::vector<v1::Guard> guards;
  std::vector<v1::StageTime> stage_times;
  // Code generation by kernel of the manifest, then the entry's.
  std::vector<float> kernel_milliseconds;
  // By kernel of the manifest; only where texts are asked for.
  std::vector<KernelTexts> kernel_texts;
};

// `pool` owns the graph's expressions and is added to. `after_propagation` gets
// the guards and an estimate in seconds; a non-OK answer ends the compile with
// it. `texts`, if not null, gets each stage's text.
//
// Not thread-safe, since lld keeps state in the process; a worker process runs one
// compile. Errors are the stages': those of
// Propagate for the graph (the message names the node), EXTERN_OP_MISSING for an
// operator that the host does not serve, UNSUPPORTED_GRAPH, UNSUPPORTED_DTYPE,
// UNSUPPORTED_DEVICE and UNSUPPORTED_TARGET, and COMPILER_BUG.
absl::StatusOr<CompileResult> Compile(
    CompileRequest request, ExprPool* pool,
    const std::function<absl::Status(const std::vector<v1::Guard>&, double)>& after_propagation,
    StageTexts* texts = nullptr);

// Initialises LLVM's targets. Call once, before any thread; the zygote
// does it before it forks.
void InitializeCompiler();

// Names the compiler's code: equal builds give equal artifacts. A digest of the
// version, the LLVM version and the sources' digest that CMake computes.
std::string CompilerBuild();

}  // namespace kiln

#endif  // KILN_COMPILER_COMPILE_H_
