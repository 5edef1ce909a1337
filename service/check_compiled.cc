#include "service/check_compiled.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cache/failed_guards.h"
#include "cache/guard_set.h"
#include "compiler/artifact/check_shared_object.h"
#include "compiler/artifact/kiln_abi.h"
#include "compiler/artifact/read_manifest.h"
#include "fake_runtime/import/metadata_proto.h"
#include "fake_runtime/symbolic/guard.h"

namespace kiln {
namespace {

constexpr uint32_t kRecordFormat = 1;

absl::Status Differs(absl::string_view field, absl::string_view got, absl::string_view want) {
  return MakeError(ErrorReason::kWorkerProtocol, absl::StrCat("the worker's artifact was refused: ", field, " is ", got,
                                                              ", and ", want, " was asked for"));
}

absl::Status CheckKey(const v1::KeyComponents& got, const v1::KeyComponents& want) {
  const struct {
    absl::string_view name;
    const std::string &got, &want;
  } components[] = {{"graph", got.graph(), want.graph()},
                    {"signature", got.signature(), want.signature()},
                    {"options", got.options(), want.options()},
                    {"compiler_build", got.compiler_build(), want.compiler_build()}};
  for (const auto& component : components) {
    if (component.got == component.want) continue;
    return Differs(absl::StrCat("key.", component.name), absl::BytesToHexString(component.got),
                   absl::BytesToHexString(component.want));
  }
  if (got.target_family() != want.target_family()) {
    return Differs("key.target_family", got.target_family(), want.target_family());
  }
  if (got.domain() != want.domain()) return Differs("key.domain", got.domain(), want.domain());
  return absl::OkStatus();
}

absl::Status CheckInputs(const v1::Manifest& manifest, const v1::Graph& graph) {
  if (manifest.inputs_size() != graph.inputs_size()) {
    return Differs("the number of inputs", absl::StrCat(manifest.inputs_size()), absl::StrCat(graph.inputs_size()));
  }
  if (manifest.outputs_size() != graph.outputs_size()) {
    return Differs("the number of outputs", absl::StrCat(manifest.outputs_size()), absl::StrCat(graph.outputs_size()));
  }
  for (int i = 0; i < graph.inputs_size(); ++i) {
    const v1::ManifestInput& got = manifest.inputs(i);
    const v1::Input& want = graph.inputs(i);
    const std::string field = absl::StrCat("input ", i);
    if (got.kind() != want.kind()) return Differs(field, absl::StrCat(got.kind()), absl::StrCat(want.kind()));
    if (got.has_tensor() != want.has_tensor()) return Differs(field, "of another type", "the graph's");
    if (got.tensor().dtype() != want.tensor().dtype() ||
        got.tensor().sizes_size() != want.tensor().sizes_size()) {
      return Differs(field, absl::StrCat("dtype ", got.tensor().dtype(), " rank ", got.tensor().sizes_size()),
                     absl::StrCat("dtype ", want.tensor().dtype(), " rank ", want.tensor().sizes_size()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSymbols(const v1::Manifest& manifest, const PreparedCompile& request) {
  const std::vector<std::string> got(manifest.symbols().begin(), manifest.symbols().end());
  if (got == request.graph->symbols) return absl::OkStatus();
  return Differs("symbols", absl::StrCat(got.size(), " names"), absl::StrCat(request.graph->symbols.size(), " others"));
}

// The manifest's guards are what a host evaluates, the worker's what the index
// does; they must be the same, and hold for whom they were made.
absl::Status CheckGuards(const v1::WorkerToFront::Compiled& compiled, const v1::Manifest& manifest,
                         const PreparedCompile& request) {
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kGuards, manifest.guards_size(), "the artifact's guards"));
  if (manifest.guards_size() != compiled.guards_size()) {
    return Differs("the number of guards", absl::StrCat(manifest.guards_size()), absl::StrCat(compiled.guards_size()));
  }
  for (int i = 0; i < manifest.guards_size(); ++i) {
    if (manifest.guards(i).condition() == compiled.guards(i).condition() &&
        manifest.guards(i).kind() == compiled.guards(i).kind()) {
      continue;
    }
    return Differs(absl::StrCat("guard ", i), manifest.guards(i).condition(), compiled.guards(i).condition());
  }
  ExprPool pool;
  std::vector<const v1::Guard*> pointers;
  for (const v1::Guard& guard : manifest.guards()) pointers.push_back(&guard);
  absl::StatusOr<GuardSet> guards = GuardSet::Parse(request.graph->symbols, pointers, &pool);
  if (!guards.ok()) return MakeError(ErrorReason::kWorkerProtocol, guards.status().message());
  if (guards->Holds(request.graph->symbol_values)) return absl::OkStatus();
  v1::VariantRecord record;
  *record.mutable_symbols() = manifest.symbols();
  *record.mutable_guards() = manifest.guards();
  std::string named = "its guards do not hold";
  for (const FailedGuard& failed : FailedGuards(record, request.graph->symbol_values, 1)) {
    named = absl::StrCat("its guard ", failed.condition, " does not hold (", failed.values, ")");
  }
  return MakeError(ErrorReason::kWorkerProtocol,
                   absl::StrCat("the worker's artifact was refused: for the request it was made for, ", named));
}

std::vector<std::string> ExternOpNames(const v1::Manifest& manifest) {
  std::vector<std::string> names;
  for (const v1::ExternOp& op : manifest.extern_ops()) names.push_back(op.name());
  return names;
}

absl::Status CheckHostCanRun(const v1::Manifest& manifest, const PreparedCompile& request) {
  v1::VariantRecord needs;
  needs.set_abi_version(manifest.abi_version());
  *needs.mutable_isa_features() = manifest.isa_features();
  for (std::string& name : ExternOpNames(manifest)) needs.add_extern_ops(std::move(name));
  const std::vector<v1::MissReason> lacks = request.host_class->WhyNot(needs);
  if (lacks.empty()) return absl::OkStatus();
  return Differs("what it needs of the host", v1::MissReason_Name(lacks.front()), "something that this host has");
}

// One a kernel and one for the entry, or none.
absl::Status CheckKernelTimes(const v1::WorkerToFront::Compiled& compiled, const v1::Manifest& manifest) {
  if (compiled.kernel_milliseconds_size() == 0) return absl::OkStatus();
  if (compiled.kernel_milliseconds_size() == manifest.kernels_size() + 1) return absl::OkStatus();
  return Differs("kernel_milliseconds", absl::StrCat(compiled.kernel_milliseconds_size()),
                 absl::StrCat(manifest.kernels_size() + 1));
}

// What the digests of the key and the host's class stand for.
void FillPreimage(const PreparedCompile& request, v1::KeyPreimage& preimage) {
  for (const auto& [name, value] : request.options) {
    v1::KeyPreimage::Option& option = *preimage.add_options();
    option.set_name(name);
    option.set_value(value);
  }
  *preimage.mutable_features() = request.host.target().features();
  std::sort(preimage.mutable_features()->begin(), preimage.mutable_features()->end());
  preimage.mutable_sketch()->Add(request.graph->sketch.begin(), request.graph->sketch.end());
}

}  // namespace

absl::StatusOr<v1::Manifest> CheckCompiled(const v1::WorkerToFront::Compiled& compiled,
                                           const PreparedCompile& request, absl::string_view compiler_build) {
  KILN_RETURN_IF_ERROR(
      CheckLimit(Limit::kArtifactBytes, static_cast<int64_t>(compiled.elf().size()), "the compiled artifact"));
  absl::StatusOr<v1::Manifest> manifest = ReadManifest(compiled.elf());
  if (!manifest.ok()) return MakeError(ErrorReason::kWorkerProtocol, manifest.status().message());
  KILN_RETURN_IF_ERROR(CheckKey(manifest->key(), request.components));
  if (manifest->compiler_build() != compiler_build) {
    return Differs("compiler_build", manifest->compiler_build(), compiler_build);
  }
  if (manifest->abi_version() != KILN_ABI_VERSION) {
    return Differs("abi_version", absl::StrCat(manifest->abi_version()), absl::StrCat(KILN_ABI_VERSION));
  }
  if (manifest->arch() != request.host.target().arch()) {
    return Differs("arch", manifest->arch(), request.host.target().arch());
  }
  const absl::Status object = CheckSharedObject(compiled.elf(), request.host.target().arch());
  if (!object.ok()) return MakeError(ErrorReason::kWorkerProtocol, object.message());
  KILN_RETURN_IF_ERROR(CheckSymbols(*manifest, request));
  KILN_RETURN_IF_ERROR(CheckInputs(*manifest, request.graph->proto));
  KILN_RETURN_IF_ERROR(CheckGuards(compiled, *manifest, request));
  KILN_RETURN_IF_ERROR(CheckHostCanRun(*manifest, request));
  KILN_RETURN_IF_ERROR(CheckKernelTimes(compiled, *manifest));
  return manifest;
}

absl::StatusOr<v1::VariantRecord> MakeVariantRecord(const v1::WorkerToFront::Compiled& compiled,
                                                    const v1::Manifest& manifest, const PreparedCompile& request,
                                                    const CompileFacts& facts) {
  ExprPool pool;
  std::vector<Guard> guards;
  for (const v1::Guard& guard : compiled.guards()) {
    KILN_ASSIGN_OR_RETURN(Guard imported, ImportGuard(guard, &pool));
    guards.push_back(std::move(imported));
  }
  v1::VariantRecord record;
  record.set_format_version(kRecordFormat);
  *record.mutable_key() = request.components;
  *record.mutable_guards() = compiled.guards();
  AddLocations(request.graph->source->locations, *record.mutable_guards());
  record.set_guard_signature(std::string(GuardSignature(guards).bytes()));
  record.set_abi_version(manifest.abi_version());
  *record.mutable_isa_features() = manifest.isa_features();
  record.set_artifact_sha256(std::string(Sha256(compiled.elf()).bytes()));
  record.set_artifact_bytes(static_cast<int64_t>(compiled.elf().size()));
  record.set_compiler_build(manifest.compiler_build());
  for (std::string& name : ExternOpNames(manifest)) record.add_extern_ops(std::move(name));
  *record.mutable_symbols() = manifest.symbols();
  record.set_compile_seconds(absl::ToDoubleSeconds(facts.compile_time));
  record.set_created_unix_seconds(absl::ToUnixSeconds(facts.created));
  record.set_requester(request.requester);
  *record.mutable_stage_times() = compiled.stage_times();
  *record.mutable_kernel_milliseconds() = compiled.kernel_milliseconds();
  for (const std::string& location : request.graph->source->locations) record.add_locations(location);
  FillPreimage(request, *record.mutable_preimage());
  return record;
}

void AddLocations(const std::vector<std::string>& locations, google::protobuf::RepeatedPtrField<v1::Guard>& guards) {
  for (v1::Guard& guard : guards) {
    const int node = guard.reason().node();
    if (node < 0 || node >= static_cast<int>(locations.size())) continue;
    guard.mutable_reason()->set_location(locations[node]);
  }
}

}  // namespace kiln
