#include "service/testing/fake_compiler.h"

#include <elf.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/artifact/kiln_abi.h"
#include "compiler/artifact/testing/tiny_elf.h"
#include "fake_runtime/import/export_graph.h"

namespace kiln {
namespace {

constexpr CompileOptionRow kOptions[] = {{"behave", "", "how badly"},
                                         {"bytes", "0", "artifact size"},
                                         {"calls", "", "operator that the host must serve"},
                                         {"estimate_ms", "", "what it says that it will take"},
                                         {"guards", "", "conditions"},
                                         {"late_guards", "", "conditions that propagation does not tell"},
                                         {"ms", "0", "time after propagation"},
                                         {"needs", "", "processor feature"},
                                         {"performance_guard", "", "a condition that may be forbidden"},
                                         {"pin", "", "symbols that are what they are"}};

absl::StatusOr<CompileOptions> ParseFakeOptions(const std::map<std::string, std::string>& given) {
  CompileOptions options;
  for (const CompileOptionRow& row : kOptions) options[std::string(row.name)] = std::string(row.default_value);
  for (const auto& [name, value] : given) {
    if (!options.contains(name)) return MakeError(ErrorReason::kOptionUnknown, "no option " + name);
    options[name] = value;
  }
  return options;
}

void AddGuards(const std::string& conditions, v1::Guard::Kind kind, std::vector<v1::Guard>& guards) {
  for (absl::string_view condition : absl::StrSplit(conditions, ';', absl::SkipEmpty())) {
    v1::Guard guard;
    guard.set_condition(std::string(condition));
    guard.set_kind(kind);
    guard.mutable_reason()->set_op("aten.view.default");
    guard.mutable_reason()->set_what("the test says so");
    guards.push_back(guard);
  }
}

// "s0;s1" as conditions for the sizes of this request.
std::string Pinned(const std::string& symbols, const Graph& graph) {
  std::string conditions;
  for (absl::string_view name : absl::StrSplit(symbols, ';', absl::SkipEmpty())) {
    for (const SymbolDeclaration& symbol : graph.symbols) {
      if (symbol.symbol.symbol_name() != name) continue;
      absl::StrAppend(&conditions, name, " == ", symbol.hint.value_or(0), ";");
    }
  }
  return conditions;
}

v1::Manifest MakeManifest(const CompileRequest& request) {
  v1::Manifest manifest;
  manifest.set_format_version(1);
  manifest.set_abi_version(KILN_ABI_VERSION);
  *manifest.mutable_key() = request.key;
  manifest.set_compiler_build(request.compiler_build);
  manifest.set_arch(request.target.arch());
  const v1::Graph graph = ExportGraph(request.graph);
  for (const v1::SymbolDeclaration& symbol : graph.symbols()) manifest.add_symbols(symbol.name());
  for (const v1::Input& input : graph.inputs()) {
    v1::ManifestInput& in = *manifest.add_inputs();
    in.set_kind(input.kind());
    if (input.has_tensor()) *in.mutable_tensor() = input.tensor();
    if (input.has_sym_int()) *in.mutable_sym_int() = input.sym_int();
  }
  for (int i = 0; i < graph.outputs_size(); ++i) manifest.add_outputs()->set_kind(v1::ManifestOutput::KIND_NEW);
  return manifest;
}

void Falsify(const std::string& behave, v1::Manifest& manifest) {
  if (behave == "other_key") manifest.mutable_key()->set_graph(std::string(32, 'x'));
  if (behave == "other_build") manifest.set_compiler_build("another");
  if (behave == "other_symbols") manifest.add_symbols("s99");
  if (behave == "needs_avx9") manifest.add_isa_features("avx9");
  if (behave == "other_guards" && manifest.guards_size() > 0) manifest.mutable_guards(0)->set_condition("0 == 0");
}

absl::Status Misbehave(const std::string& behave) {
  if (behave == "refuse") return MakeError(ErrorReason::kUnknownOp, "node 0 (no.such.op): refused");
  if (behave == "abort") abort();
  if (behave == "hang") pause();
  if (behave == "stop") raise(SIGSTOP);
  std::vector<char*> eaten;
  while (behave == "eat_memory") {
    eaten.push_back(static_cast<char*>(malloc(size_t{1} << 28)));
    if (eaten.back() == nullptr) abort();
  }
  return absl::OkStatus();
}

int64_t NumberOf(const std::string& text) {
  int64_t number = 0;
  return absl::SimpleAtoi(text, &number) ? number : 0;
}

// One that runs code when it is loaded.
std::string ElfWithConstructor(const v1::Manifest& manifest) {
  TinyObject object = MakeTinyObject(manifest.arch());
  object.dynamic[TinyObject::kNull].d_tag = DT_INIT;
  object.dynamic[TinyObject::kNull].d_un.d_val = object.symbols[1].st_value;
  return TinyElf(object, manifest);
}

std::string MakeElf(const std::string& behave, const v1::Manifest& manifest, int64_t padding_bytes) {
  if (behave == "junk") return "junk";
  if (behave == "constructor") return ElfWithConstructor(manifest);
  return TinyElf(manifest, padding_bytes);
}

absl::StatusOr<CompileResult> FakeCompile(CompileRequest request, ExprPool* pool,
                                          const CompilerEntry::AfterPropagation& after_propagation) {
  const std::string& behave = request.options["behave"];
  if (behave == "early_abort") abort();
  std::vector<v1::Guard> guards;
  AddGuards(request.options["guards"], v1::Guard::KIND_SHAPE, guards);
  if (behave == "false_guard") AddGuards("s0 == 987654321", v1::Guard::KIND_SHAPE, guards);
  AddGuards(Pinned(request.options["pin"], request.graph), v1::Guard::KIND_SHAPE, guards);
  const std::string& told = request.options["estimate_ms"];
  const int64_t estimate_ms = NumberOf(told.empty() ? request.options["ms"] : told);
  KILN_RETURN_IF_ERROR(after_propagation(guards, static_cast<double>(estimate_ms) / 1000));
  KILN_RETURN_IF_ERROR(Misbehave(behave));
  usleep(static_cast<useconds_t>(NumberOf(request.options["ms"]) * 1000));
  AddGuards(request.options["late_guards"], v1::Guard::KIND_SHAPE, guards);
  if (request.allow_performance_guards) {
    AddGuards(request.options["performance_guard"], v1::Guard::KIND_PERFORMANCE, guards);
  }
  CompileResult result;
  result.guards = guards;
  result.manifest = MakeManifest(request);
  for (const v1::Guard& guard : guards) *result.manifest.add_guards() = guard;
  if (behave == "uses_all") *result.manifest.mutable_isa_features() = request.target.features();
  if (!request.options["needs"].empty()) result.manifest.add_isa_features(request.options["needs"]);
  if (!request.options["calls"].empty()) result.manifest.add_extern_ops()->set_name(request.options["calls"]);
  Falsify(behave, result.manifest);
  result.elf = MakeElf(behave, result.manifest, NumberOf(request.options["bytes"]));
  v1::StageTime time;
  time.set_stage("codegen");
  time.set_milliseconds(0.01);
  result.stage_times.push_back(time);
  if (behave == "other_kernel_times") result.kernel_milliseconds.assign(9, 1.0f);
  return result;
}

}  // namespace

CompilerEntry FakeCompiler() {
  return {.initialize = nullptr,
          .compile = FakeCompile,
          .parse_options = ParseFakeOptions,
          .option_rows = kOptions,
          .build = "fake-1"};
}

}  // namespace kiln
