// Loop programs to machine code. The only folder that sees LLVM.
#ifndef KILN_COMPILER_CODEGEN_CODEGEN_H_
#define KILN_COMPILER_CODEGEN_CODEGEN_H_

#include <string>

#include "absl/status/statusor.h"
#include "compiler/loops/loop_ir.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

struct CodegenOptions {
  v1::Target target;
  // Every access checked against its buffer; KILN_ERROR_INDEX when outside.
  bool check_bounds = false;
};

struct ObjectCode {
  std::string object;    // ELF relocatable
  std::string llvm_ir;   // after optimisation; only if asked for
  std::string assembly;
  // ISA features that the code needs, sorted.
  std::vector<std::string> isa_features;
};

// Initialises LLVM's x86-64 target. Once per process, before threads.
void InitializeCodegen();

// `program` is scheduled and verified. Identical kernels are emitted once.
absl::StatusOr<ObjectCode> GenerateCode(const LoopProgram& program, const CodegenOptions& options,
                                        bool want_text = false);

// Links with lld in this process: object code and a manifest into one shared
// object with the single export KILN_ENTRY_SYMBOL. Deterministic.
absl::StatusOr<std::string> LinkArtifact(const ObjectCode& code, const v1::Manifest& manifest);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_CODEGEN_H_
