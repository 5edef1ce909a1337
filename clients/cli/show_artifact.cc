#include <algorithm>
#include <iostream>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "clients/cli/compile_page.h"
#include "clients/cli/describe.h"
#include "clients/cli/message_json.h"
#include "clients/cli/show.h"
#include "compiler/artifact/read_manifest.h"
#include "compiler/codegen/disassemble.h"

namespace kiln {
namespace {

// The record beside an artifact that `kiln compile --out` wrote, if it is there.
// ARTIFACT_CORRUPT for one that is another artifact's.
absl::StatusOr<std::optional<v1::VariantRecord>> ReadRecord(const std::string& artifact_path, absl::string_view elf) {
  absl::StatusOr<std::string> bytes = ReadWholeFile(absl::StrCat(artifact_path, ".variant"));
  if (!bytes.ok()) return std::nullopt;
  v1::SignedVariant signed_variant;
  v1::VariantRecord record;
  if (!signed_variant.ParseFromString(*bytes) || !record.ParseFromString(signed_variant.record()) ||
      record.artifact_sha256() != Sha256(elf).bytes()) {
    return MakeError(ErrorReason::kArtifactCorrupt, absl::StrCat(artifact_path, ".variant is not this artifact's"));
  }
  return record;
}

using Functions = std::vector<DisassembledFunction>;

// nullptr if no function has the symbol.
const DisassembledFunction* Find(const Functions& functions, absl::string_view symbol) {
  auto found = std::find_if(functions.begin(), functions.end(),
                            [&](const DisassembledFunction& f) { return f.symbol == symbol; });
  return found == functions.end() ? nullptr : &*found;
}

absl::Status PrintKernels(const v1::Manifest& manifest, const Functions& functions) {
  for (const v1::KernelInfo& kernel : manifest.kernels()) {
    const DisassembledFunction* function = Find(functions, kernel.symbol());
    std::cout << (function == nullptr ? absl::StrCat(kernel.symbol(), ": the artifact has no such symbol\n")
                                      : function->text)
              << "\n";
  }
  return absl::OkStatus();
}

// A kernel with what is known of it, or any other function's code.
absl::Status PrintFunction(const std::string& kernel, const v1::Manifest& manifest, const v1::VariantRecord* record,
                           const Functions& functions) {
  std::vector<std::string> symbols;
  for (const DisassembledFunction& function : functions) {
    symbols.push_back(function.symbol);
    if (!IsNamed(function.symbol, kernel)) continue;
    for (int i = 0; i < manifest.kernels_size(); ++i) {
      if (manifest.kernels(i).symbol() == function.symbol) std::cout << DescribeKernel(manifest, i, record);
    }
    std::cout << function.text;
    return absl::OkStatus();
  }
  return NoSuchKernel(kernel, symbols);
}

absl::Status WritePage(const ShowArguments& arguments, v1::Manifest manifest, std::optional<v1::VariantRecord> record,
                       const Functions& functions) {
  CompilePageInput input;
  input.title = arguments.file;
  for (const v1::KernelInfo& kernel : manifest.kernels()) {
    const DisassembledFunction* function = Find(functions, kernel.symbol());
    input.code.push_back({"", "", function == nullptr ? "" : function->text});
  }
  input.manifest = std::move(manifest);
  input.record = std::move(record);
  return WriteWholeFile(arguments.html, CompilePage(input));
}

}  // namespace

absl::Status ShowArtifact(const ShowArguments& arguments, const std::string& elf) {
  absl::StatusOr<v1::Manifest> manifest = ReadManifest(elf);
  if (!manifest.ok()) return AddContext(manifest.status(), arguments.file);
  if (arguments.json) {
    std::cout << MessageJson(*manifest) << "\n";
    return absl::OkStatus();
  }
  KILN_ASSIGN_OR_RETURN(std::optional<v1::VariantRecord> record, ReadRecord(arguments.file, elf));
  const v1::VariantRecord* known = record.has_value() ? &*record : nullptr;
  if (arguments.html.empty() && arguments.kernel.empty() && !arguments.assembly) {
    std::cout << DescribeArtifact(*manifest, static_cast<int64_t>(elf.size()), known);
    return absl::OkStatus();
  }
  absl::StatusOr<Functions> functions = Disassemble(elf);
  if (!functions.ok()) return AddContext(functions.status(), arguments.file);
  if (!arguments.html.empty()) return WritePage(arguments, *std::move(manifest), std::move(record), *functions);
  if (arguments.kernel.empty()) return PrintKernels(*manifest, *functions);
  return PrintFunction(arguments.kernel, *manifest, known, *functions);
}

}  // namespace kiln
