// CompileProgram for tests that cannot go on without its result.
//
//   Compiled compiled = Compile(kAdd);
//   ASSERT_NE(compiled, nullptr);
#ifndef KILN_COMPILER_CODEGEN_TESTING_COMPILE_OR_FAIL_H_
#define KILN_COMPILER_CODEGEN_TESTING_COMPILE_OR_FAIL_H_

#include <memory>

#include "compiler/codegen/testing/compile_program.h"
#include "gtest/gtest.h"

namespace kiln {

using Compiled = std::unique_ptr<CompiledProgram>;

// Null, and a failure of the test, where the program does not compile.
inline Compiled Compile(absl::string_view text, const CompileProgramOptions& options = {}) {
  absl::StatusOr<Compiled> compiled = CompileProgram(text, options);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return compiled.ok() ? *std::move(compiled) : nullptr;
}

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_COMPILE_OR_FAIL_H_
