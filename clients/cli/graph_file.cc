#include "clients/cli/graph_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "clients/cli/output_file.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/ops/refused_ops.h"

namespace kiln {
namespace {

// Whether the first word that is no comment is `graph`.
bool IsGraphText(absl::string_view bytes) {
  while (true) {
    bytes = absl::StripLeadingAsciiWhitespace(bytes);
    if (!absl::StartsWith(bytes, "#")) break;
    const size_t end = bytes.find('\n');
    if (end == absl::string_view::npos) return false;
    bytes.remove_prefix(end);
  }
  return absl::ConsumePrefix(&bytes, "graph") && !bytes.empty() && absl::ascii_isspace(bytes[0]);
}

absl::StatusOr<Graph> ImportBytes(const std::string& bytes, ExprPool* pool) {
  if (bytes.empty()) return MakeError(ErrorReason::kParseError, "it is empty");
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kRequestBytes, static_cast<int64_t>(bytes.size()), "the message"));
  v1::GraphModule module;
  if (!module.ParseFromString(bytes)) {
    return MakeError(ErrorReason::kParseError, "neither the text of a graph nor a serialized kiln.v1.GraphModule");
  }
  return ImportModule(module, pool, {FindOpSchema, RefusedOps()});
}

}  // namespace

absl::StatusOr<Bindings> ParseBindings(absl::string_view text) {
  Bindings bindings;
  for (absl::string_view piece : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(piece, absl::MaxSplits('=', 1));
    int64_t value = 0;
    const absl::string_view name = absl::StripAsciiWhitespace(parts.first);
    if (name.empty() || !absl::SimpleAtoi(parts.second, &value)) {
      return MakeError(ErrorReason::kBadArgumentValue,
                       absl::StrCat("--bind: '", piece, "' is not NAME=INTEGER, as in s0=8,s1=16"));
    }
    for (const auto& [earlier, said] : bindings) {
      if (earlier != name || said == value) continue;
      return MakeError(ErrorReason::kBadArgumentValue,
                       absl::StrCat("--bind: ", name, " is ", said, " and then ", value));
    }
    bindings.emplace_back(name, value);
  }
  return bindings;
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  std::string bytes;
  char buffer[1 << 16];
  while (size_t size = std::fread(buffer, 1, sizeof(buffer), file)) bytes.append(buffer, size);
  // A folder opens, and then does not read.
  const int error = std::ferror(file) != 0 ? errno : 0;
  std::fclose(file);
  if (error != 0) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(error)));
  return bytes;
}

absl::Status WriteWholeFile(const std::string& path, absl::string_view bytes) {
  KILN_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
  KILN_RETURN_IF_ERROR(file.Write(bytes));
  return file.Commit();
}

bool IsElf(absl::string_view bytes) { return absl::StartsWith(bytes, "\x7f" "ELF"); }

absl::StatusOr<Graph> ReadGraphFile(const std::string& path, const GraphFileOptions& options, ExprPool* pool) {
  KILN_ASSIGN_OR_RETURN(Bindings bindings, ParseBindings(options.bind));
  KILN_ASSIGN_OR_RETURN(std::string bytes, ReadWholeFile(path));
  const TextFormOptions text_form{FindOverloads, path == "-" ? "" : std::filesystem::path(path).filename().string(),
                                  [](absl::string_view op) { return CheckRefused(RefusedOps(), op); }};
  absl::StatusOr<Graph> graph =
      IsGraphText(bytes) ? ParseGraph(bytes, pool, FindOpSchema, text_form) : ImportBytes(bytes, pool);
  if (!graph.ok()) return AddContext(graph.status(), path);
  for (const std::string& input : options.inputs) {
    absl::Status status = OverrideInput(*graph, input, pool, FindOpSchema);
    if (!status.ok()) return AddContext(status, absl::StrCat("--input '", input, "'"));
  }
  if (options.dynamic) KILN_RETURN_IF_ERROR(SymbolizeInputs(*graph, pool, SymbolizeOptions()));
  KILN_RETURN_IF_ERROR(BindSymbols(*graph, bindings));
  return graph;
}

}  // namespace kiln
