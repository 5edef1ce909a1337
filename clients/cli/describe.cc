#include "clients/cli/describe.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "compiler/loops/extern_reasons.h"
#include "compiler/loops/loop_ir.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/tensor/dtype.h"

namespace kiln {
namespace {

// A name of a proto enum without its prefix, in small letters.
std::string Word(const std::string& name, size_t prefix) { return absl::AsciiStrToLower(name.substr(prefix)); }

std::string Hex12(const std::string& bytes) { return absl::BytesToHexString(bytes).substr(0, 12); }

std::string Text(const v1::SymExpr& e) {
  return e.kind_case() == v1::SymExpr::kExpr ? e.expr() : absl::StrCat(e.value());
}

std::string JoinOr(const google::protobuf::RepeatedPtrField<std::string>& words, absl::string_view separator,
                   absl::string_view if_empty) {
  return words.empty() ? std::string(if_empty) : absl::StrJoin(words, separator);
}

std::string Join(const google::protobuf::RepeatedPtrField<v1::SymExpr>& exprs) {
  return absl::StrJoin(exprs, ", ", [](std::string* out, const v1::SymExpr& e) { *out += Text(e); });
}

std::string DescribeTensor(const v1::TensorMeta& meta) {
  std::optional<DType> dtype = DTypeFromWireId(meta.dtype());
  std::string out = dtype.has_value() ? std::string(DTypeText(*dtype)) : absl::StrCat("dtype ", meta.dtype());
  absl::StrAppend(&out, "[", Join(meta.sizes()), "]");
  absl::StrAppend(&out, " strides=[", Join(meta.strides()), "]");
  if (meta.has_storage_offset() && Text(meta.storage_offset()) != "0") {
    absl::StrAppend(&out, " offset=", Text(meta.storage_offset()));
  }
  if (!meta.device().type().empty() && meta.device().type() != "cpu") absl::StrAppend(&out, " ", meta.device().type());
  return out;
}

// "too few rows would be left for threads"; the proto's enum is the table's, after "unspecified".
std::string Text(v1::ApartReason reason) {
  const int row = static_cast<int>(reason) - 1;
  const bool is_known = row >= 0 && row < static_cast<int>(ApartReasons().size());
  return is_known ? std::string(ApartReasonText(ApartReasons()[row])) : absl::StrCat("reason ", reason);
}

// Of an overload that an artifact calls; the reasons are those of all overloads.
std::string WhyExternOp(absl::string_view op) {
  const size_t dot = op.rfind('.');
  if (dot == absl::string_view::npos) return "";
  for (const ExternReason& row : ExternReasons()) {
    if (row.packet == op.substr(0, dot)) return std::string(row.why);
  }
  // Out variants write their argument, which is no reason: the call was to be like that.
  const OpRow* row = FindOp(op);
  return row == nullptr || row->schema.is_mutating() ? "" : std::string(WhyExtern(*row));
}

void AppendProvenance(std::string& out, const v1::VariantRecord& record) {
  absl::StrAppend(&out, "made      ",
                  absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(record.created_unix_seconds()),
                                   absl::UTCTimeZone()),
                  " UTC in ", absl::StrFormat("%.3f", record.compile_seconds()), " s");
  if (!record.requester().empty()) absl::StrAppend(&out, " for ", record.requester());
  out += "\n";
  for (const v1::StageTime& stage : record.stage_times()) {
    absl::StrAppendFormat(&out, "  %-12s %10.3f ms\n", stage.stage(), stage.milliseconds());
  }
}

}  // namespace

std::string DescribeBytes(int64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  if (bytes < 1024 * 1024) return absl::StrFormat("%.1f KiB", static_cast<double>(bytes) / 1024);
  return absl::StrFormat("%.1f MiB", static_cast<double>(bytes) / (1024 * 1024));
}

std::string DescribeGuard(const v1::Guard& guard, const std::string& location) {
  std::string out =
      absl::StrCat(guard.condition(), "  [", Word(v1::Guard::Kind_Name(guard.kind()), sizeof("KIND_") - 1), "]");
  const v1::GuardReason& reason = guard.reason();
  if (reason.node() >= 0) absl::StrAppend(&out, " node ", reason.node());
  if (!reason.op().empty()) absl::StrAppend(&out, " (", reason.op(), ")");
  if (!reason.what().empty()) absl::StrAppend(&out, reason.node() >= 0 ? ": " : " ", reason.what());
  const std::string& where = reason.location().empty() ? location : reason.location();
  if (!where.empty()) absl::StrAppend(&out, ", ", where);
  return out;
}

std::string DescribeInput(const v1::ManifestInput& input) {
  std::string out = input.has_tensor() ? DescribeTensor(input.tensor()) : absl::StrCat("int = ", Text(input.sym_int()));
  absl::StrAppend(&out, "  ", Word(v1::InputKind_Name(input.kind()), sizeof("INPUT_KIND_") - 1));
  if (input.donated()) out += ", donated";
  if (!input.used()) out += ", not read";
  return out;
}

std::string DescribeOutput(const v1::ManifestOutput& output) {
  std::string out = output.has_tensor()      ? DescribeTensor(output.tensor())
                    : output.has_sym_value() ? Text(output.sym_value())
                                             : "none";
  switch (output.kind()) {
    case v1::ManifestOutput::KIND_INPUT: return absl::StrCat(out, "  is input ", output.alias_of());
    case v1::ManifestOutput::KIND_VIEW: return absl::StrCat(out, "  a view of input ", output.alias_of());
    case v1::ManifestOutput::KIND_OUTPUT_VIEW: return absl::StrCat(out, "  a view of output ", output.alias_of());
    default: return out;
  }
}

std::string DescribeExternOp(const v1::ExternOp& op) {
  std::string out = absl::StrCat(op.name(), op.into() ? " into given memory" : " with a result of the host's", ", ",
                                 op.call_sites(), op.call_sites() == 1 ? " call" : " calls");
  const std::string why = WhyExternOp(op.name());
  if (!why.empty()) absl::StrAppend(&out, ": ", why);
  // Nothing is one with a product for another reason.
  for (const v1::ExternEpilogue& epilogue : op.epilogues()) {
    absl::StrAppend(&out, "\n    ", epilogue.calls(), " with ", epilogue.what(),
                    ": the library has it, and nothing else reads what it is computed from");
  }
  return out;
}

std::string LocationOf(const v1::VariantRecord* record, int node) {
  if (record == nullptr || node < 0 || node >= record->locations_size()) return "";
  return record->locations(node);
}

std::string FusedOps(const v1::KernelInfo& kernel, const v1::VariantRecord* record) {
  std::vector<std::string> parts;
  const int count = std::max(kernel.nodes_size(), kernel.ops_size());
  for (int i = 0; i < count; ++i) {
    std::string part = i < kernel.ops_size() ? kernel.ops(i) : "?";
    if (i < kernel.nodes_size()) {
      absl::StrAppend(&part, " #", kernel.nodes(i));
      const std::string location = LocationOf(record, kernel.nodes(i));
      if (!location.empty()) absl::StrAppend(&part, " (", location, ")");
    }
    parts.push_back(std::move(part));
  }
  return absl::StrJoin(parts, ", ");
}

std::vector<std::string> ReasonsOfKernel(const v1::Manifest& manifest, int kernel) {
  std::vector<std::string> lines;
  const v1::KernelInfo& info = manifest.kernels(kernel);
  if (!info.why().empty()) lines.push_back(absl::StrCat("one kernel: ", info.why()));
  for (const v1::ApartKernel& apart : info.apart()) {
    // What an artifact says of itself is not to be trusted.
    if (apart.kernel() < 0 || apart.kernel() >= manifest.kernels_size()) continue;
    lines.push_back(absl::StrCat("apart from ", manifest.kernels(apart.kernel()).symbol(), ": ", Text(apart.reason())));
  }
  return lines;
}

std::string DescribeWork(const v1::StepInfo& step) {
  std::string out = absl::StrCat("moves ", Text(step.bytes()), " bytes");
  return step.has_operations() ? absl::StrCat(out, ", ", Text(step.operations()), " operations") : out;
}

std::vector<std::string> WorkOfKernel(const v1::Manifest& manifest, int kernel) {
  std::vector<std::string> lines;
  for (const v1::StepInfo& step : manifest.steps()) {
    if (step.what_case() != v1::StepInfo::kKernel || step.kernel() != kernel) continue;
    std::string line = DescribeWork(step);
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(std::move(line));
  }
  return lines;
}

std::string DescribeKernel(const v1::Manifest& manifest, int kernel, const v1::VariantRecord* record) {
  const v1::KernelInfo& info = manifest.kernels(kernel);
  std::string out = absl::StrCat("  ", info.symbol(), " x", info.launches(), ": ", FusedOps(info, record), "\n");
  if (record != nullptr && kernel < record->kernel_milliseconds_size()) {
    absl::StrAppendFormat(&out, "    made in %.3f ms\n", record->kernel_milliseconds(kernel));
  }
  for (const std::string& reason : ReasonsOfKernel(manifest, kernel)) absl::StrAppend(&out, "    ", reason, "\n");
  for (const std::string& work : WorkOfKernel(manifest, kernel)) absl::StrAppend(&out, "    ", work, "\n");
  return out;
}

std::vector<std::pair<std::string, std::string>> AboutArtifact(const v1::Manifest& manifest) {
  return {{"for", absl::StrCat(manifest.arch(), ", ABI ", manifest.abi_version())},
          {"compiler", manifest.compiler_build()},
          {"needs", JoinOr(manifest.isa_features(), " ", "baseline")},
          {"symbols", JoinOr(manifest.symbols(), ", ", "none")},
          {"arena", absl::StrCat(manifest.arena_bytes().empty() ? "0" : manifest.arena_bytes(), " bytes")}};
}

std::string DescribeArtifact(const v1::Manifest& manifest, int64_t size_bytes, const v1::VariantRecord* record) {
  std::string out = absl::StrCat("artifact  ", DescribeBytes(size_bytes), ", ABI ", manifest.abi_version(), ", ",
                                 manifest.arch(), ", compiler ", manifest.compiler_build(), "\n");
  const v1::KeyComponents& key = manifest.key();
  absl::StrAppend(&out, "key       graph ", Hex12(key.graph()), ", signature ", Hex12(key.signature()), ", options ",
                  Hex12(key.options()), ", ", key.target_family(),
                  key.domain().empty() ? "" : absl::StrCat(", domain ", key.domain()), "\n");
  absl::StrAppend(&out, "needs     ", JoinOr(manifest.isa_features(), " ", "baseline"), "\n");
  if (record != nullptr) AppendProvenance(out, *record);
  absl::StrAppend(&out, "symbols   ", JoinOr(manifest.symbols(), ", ", "none"), "\n");
  absl::StrAppend(&out, "inputs    ", manifest.inputs_size(), "\n");
  for (int i = 0; i < manifest.inputs_size(); ++i) {
    absl::StrAppend(&out, "  ", i, ": ", DescribeInput(manifest.inputs(i)), "\n");
  }
  absl::StrAppend(&out, "outputs   ", manifest.outputs_size(), "\n");
  for (int i = 0; i < manifest.outputs_size(); ++i) {
    absl::StrAppend(&out, "  ", i, ": ", DescribeOutput(manifest.outputs(i)), "\n");
  }
  absl::StrAppend(&out, "guards    ", manifest.guards_size(), "\n");
  for (const v1::Guard& guard : manifest.guards()) {
    absl::StrAppend(&out, "  ", DescribeGuard(guard, LocationOf(record, guard.reason().node())), "\n");
  }
  absl::StrAppend(&out, "extern    ", manifest.extern_ops_size(), "\n");
  for (const v1::ExternOp& op : manifest.extern_ops()) {
    absl::StrAppend(&out, "  ", DescribeExternOp(op), "\n");
  }
  absl::StrAppend(&out, "kernels   ", manifest.kernels_size(), "\n");
  for (int i = 0; i < manifest.kernels_size(); ++i) out += DescribeKernel(manifest, i, record);
  absl::StrAppend(&out, "arena     ", manifest.arena_bytes().empty() ? "0" : manifest.arena_bytes(), " bytes\n");
  return out;
}

std::string DescribeServer(const v1::GetServerInfoResponse& info) {
  const v1::ServerCounters& c = info.counters();
  std::string out = absl::StrCat("kiln ", info.version(), ", compiler ", info.compiler_build(), ", ABI ",
                                 info.abi_min(), " to ", info.abi_max(), "\n");
  absl::StrAppend(&out, "since     ",
                  absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(info.started_unix_seconds()),
                                   absl::UTCTimeZone()),
                  " UTC\n");
  absl::StrAppend(&out, "compiles  ", c.compiles(), ", ", c.compile_failures(), " failed, ", c.worker_crashes(),
                  " workers crashed\n");
  const std::string from_shared =
      c.hits_shared() == 0 ? "" : absl::StrCat(", ", c.hits_shared(), " from the shared tier");
  absl::StrAppend(&out, "hits      ", c.hits_memory() + c.hits_disk() + c.hits_shared(), ": ", c.hits_memory(),
                  " from memory, ", c.hits_disk(), " from disk", from_shared, "; ", c.joined(),
                  " joined another's compile; ", c.misses(), " misses\n");
  if (c.shared_pulls() + c.shared_failures() > 0) {
    absl::StrAppend(&out, "shared    ", c.shared_rows(), " variants of others taken, ", c.shared_restored(),
                    " lost things restored, ", DescribeBytes(c.shared_bytes()), " moved; ", c.shared_failures(),
                    " calls failed, ", c.shared_put_failures(), " writes not taken, ", c.shared_untrusted(),
                    " things refused; down ", c.shared_times_down(), " times\n");
  }
  absl::StrAppendFormat(&out, "compiling %.1f s spent; %.1f s saved by hits\n", c.compile_seconds_spent(),
                        c.compile_seconds_saved());
  absl::StrAppend(&out, "holds     ", c.variants(), " variants of ", c.keys(), " keys, ",
                  DescribeBytes(c.artifact_bytes()), " of artifacts\n");
  absl::StrAppend(&out, "kept      ", DescribeBytes(c.pinned_bytes()), " pinned by jobs, ", c.pins_refused(),
                  " pins refused; ", DescribeBytes(c.scrubbed_bytes()), " scrubbed\n");
  absl::StrAppend(&out, "evicted   ", DescribeBytes(c.evicted_bytes()));
  absl::StrAppendFormat(&out, ", which %.1f s of compiling had made\n", c.evicted_compile_seconds());
  absl::StrAppend(&out, "guards    ", c.guards(), " in all compiles\n");
  const v1::FailureCounters& f = c.remembered();
  absl::StrAppend(&out, "failures  ", f.failures(), " remembered, ", f.quarantined(), " graphs quarantined; ",
                  f.answered(), " requests answered by them\n");
  const v1::LeaseCounters& l = c.leases();
  absl::StrAppend(&out, "leases    ", l.taken(), " taken, ", l.waited(), " waited for, ", l.taken_over(),
                  " taken over, ", l.hedged(), " hedged, ", l.lost(), " lost, ", l.unavailable(),
                  " not answered; ", l.duplicates(), " duplicate compiles\n");
  if (c.stage_totals_size() > 0) out += "stages    of all compiles\n";
  for (const v1::StageTime& stage : c.stage_totals()) {
    absl::StrAppendFormat(&out, "  %-12s %10.1f ms\n", stage.stage(), stage.milliseconds());
  }
  return out;
}

std::string DescribeError(const absl::Status& status) {
  std::optional<ErrorReason> reason = GetErrorReason(status);
  if (!reason.has_value()) {
    return absl::StrCat("error: ", absl::StatusCodeToString(status.code()), ": ", status.message(), "\n");
  }
  const ErrorReasonRow& row = GetErrorReasonRow(*reason);
  return absl::StrCat("error: ", row.name, ": ", status.message(), "\n  next: ", row.next_step, "\n");
}

}  // namespace kiln
