#include "compiler/codegen/testing/compile_program.h"

#include <utility>

#include "base/status_macros.h"
#include "compiler/artifact/check_shared_object.h"
#include "compiler/codegen/testing/test_target.h"

namespace kiln {

absl::StatusOr<std::unique_ptr<CompiledProgram>> CompileProgram(absl::string_view text,
                                                                const CompileProgramOptions& options) {
  static const bool initialized = [] {
    InitializeCodegen();
    return true;
  }();
  (void)initialized;
  auto compiled = std::make_unique<CompiledProgram>();
  KILN_ASSIGN_OR_RETURN(compiled->program, ParseLoopProgram(text, &compiled->pool));
  KILN_RETURN_IF_ERROR(VerifyLoopProgram(compiled->program));
  CodegenOptions codegen;
  codegen.target = options.target.value_or(TestTarget(options.max_vector_bits));
  codegen.check_bounds = options.check_bounds;
  auto* features = codegen.target.mutable_features();
  for (int i = features->size() - 1; i >= 0; --i) {
    if (features->Get(i) == options.without_feature) features->DeleteSubrange(i, 1);
  }
  KILN_ASSIGN_OR_RETURN(compiled->code, GenerateCode(compiled->program, codegen));
  v1::Manifest manifest;
  manifest.set_format_version(1);
  manifest.set_compiler_build("test");
  KILN_ASSIGN_OR_RETURN(compiled->elf, LinkArtifact(compiled->code, manifest));
  KILN_RETURN_IF_ERROR(CheckSharedObject(compiled->elf, codegen.target.arch()));
  if (codegen.target.arch() == TestTarget().arch()) {
    KILN_ASSIGN_OR_RETURN(compiled->artifact, TestArtifact::Load(compiled->elf));
  }
  compiled->signature = TestSignature::Of(compiled->program);
  return compiled;
}

}  // namespace kiln
