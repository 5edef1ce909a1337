// Text of a loop program to an artifact that can be called, for tests.
#ifndef KILN_COMPILER_CODEGEN_TESTING_COMPILE_PROGRAM_H_
#define KILN_COMPILER_CODEGEN_TESTING_COMPILE_PROGRAM_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/testing/test_host.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {

struct CompiledProgram {
  ExprPool pool;
  LoopProgram program;
  ObjectCode code;
  std::string elf;
  TestArtifact artifact;
  TestSignature signature;
};

struct CompileProgramOptions {
  bool check_bounds = false;
  int max_vector_bits = 512;
  // Target features to do without.
  std::string without_feature;
  // Another target than this machine; of another architecture the artifact is not
  // loaded.
  std::optional<v1::Target> target = std::nullopt;
};

// The text is verified first, and what comes out of it as the front does before it
// signs (CheckSharedObject).
absl::StatusOr<std::unique_ptr<CompiledProgram>> CompileProgram(absl::string_view text,
                                                                const CompileProgramOptions& options = {});

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_COMPILE_PROGRAM_H_
