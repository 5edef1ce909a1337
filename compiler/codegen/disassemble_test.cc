#include "compiler/codegen/disassemble.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "base/error.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/testing/compile_program.h"
#include "compiler/codegen/testing/test_target.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

constexpr absl::string_view kProgram = R"(program symbols=[s0] inputs=1 {
  buffer b0 input 0 f32[s0]
  buffer b1 output 0 f32[s0]
  inputs [b0]
  kernel exp_0 nodes=[0] grain=64 {
    vector i0 < s0 {
      %0 = load f32 b0[i0]
      %1 = exp f32 %0
      store b1[i0], %1
    }
  }
  return new b1: f32[s0] strides=[1] offset=0
}
)";

// Of the instructions that fill the space before a label, which assembly does not say.
bool IsPadding(absl::string_view word) {
  return absl::StartsWith(word, "nop") || word == "xchgw" || word == "data16";
}

// The first words of the lines that are instructions.
std::vector<std::string> Mnemonics(absl::string_view assembly) {
  std::vector<std::string> words;
  for (absl::string_view line : absl::StrSplit(assembly, '\n')) {
    const bool is_label = !absl::StartsWith(line, "\t");
    line = absl::StripAsciiWhitespace(line);
    if (is_label || line.empty() || line[0] == '.' || line[0] == '#') continue;
    const std::vector<std::string> parts = absl::StrSplit(line, absl::ByAnyChar("\t "));
    if (!IsPadding(parts[0])) words.push_back(parts[0]);
  }
  return words;
}

const DisassembledFunction* Find(const std::vector<DisassembledFunction>& functions, absl::string_view symbol) {
  for (const DisassembledFunction& function : functions) {
    if (function.symbol == symbol) return &function;
  }
  return nullptr;
}

// LLVM's own assembly of the same module is the oracle.
TEST(DisassembleTest, SaysWhatTheAssemblySaid) {
  auto compiled = CompileProgram(kProgram);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  CodegenOptions options;
  options.target = TestTarget();
  absl::StatusOr<ObjectCode> texts = GenerateCode((*compiled)->program, options, /*want_text=*/true);
  ASSERT_TRUE(texts.ok()) << texts.status();
  auto functions = Disassemble((*compiled)->elf);
  ASSERT_TRUE(functions.ok()) << functions.status();
  const DisassembledFunction* kernel = Find(*functions, "kernel.exp_0");
  ASSERT_NE(kernel, nullptr);
  EXPECT_GT(kernel->size_bytes, 100);
  ASSERT_EQ(texts->units[0].symbol, "kernel.exp_0");
  EXPECT_GT(Mnemonics(kernel->text).size(), 20u);
  EXPECT_EQ(Mnemonics(kernel->text), Mnemonics(texts->units[0].assembly)) << kernel->text;
}

TEST(DisassembleTest, NamesWhereJumpsGoAndWhereConstantsAre) {
  auto compiled = CompileProgram(kProgram);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  auto functions = Disassemble((*compiled)->elf);
  ASSERT_TRUE(functions.ok()) << functions.status();
  const DisassembledFunction* kernel = Find(*functions, "kernel.exp_0");
  ASSERT_NE(kernel, nullptr);
  EXPECT_THAT(kernel->text, HasSubstr("kernel.exp_0:\n"));
  EXPECT_THAT(kernel->text, HasSubstr("\n.L1:\n"));
  EXPECT_THAT(kernel->text, HasSubstr("\t.L1\n"));
  EXPECT_THAT(kernel->text, HasSubstr("# .rodata"));
}

TEST(DisassembleTest, ADamagedObjectIsAnErrorAndNoCrash) {
  auto compiled = CompileProgram(kProgram);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  const std::string& elf = (*compiled)->elf;
  EXPECT_EQ(GetErrorReason(Disassemble("no ELF").status()), ErrorReason::kArtifactCorrupt);
  for (size_t size = 0; size < elf.size(); size += 61) (void)Disassemble(elf.substr(0, size));
  for (size_t at = 0; at < elf.size(); at += 7) {
    std::string damaged = elf;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x5a);
    (void)Disassemble(damaged);
  }
}

}  // namespace
}  // namespace kiln
