#include "clients/runtime/call_host.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

// From C to the embedder. No exception crosses: CallHost's methods throw none.

void* Allocate(KilnContext* c, int32_t device, uint64_t bytes) { return CallHost::Of(c).Allocate(device, bytes); }

void Free(KilnContext* c, int32_t device, void* memory) { CallHost::Of(c).Free(device, memory); }

int32_t NewOutput(KilnContext* c, int32_t index, int32_t dtype, int32_t rank, const int64_t* sizes,
                  const int64_t* strides, KilnTensor* out) {
  return CallHost::Of(c).NewOutput(index, dtype, {sizes, static_cast<size_t>(rank)}, strides, out);
}

int32_t ViewOutput(KilnContext* c, int32_t index, const KilnTensor* base, int32_t rank, const int64_t* sizes,
                   const int64_t* strides, int64_t storage_offset) {
  return CallHost::Of(c).ViewOutput(index, *base, {sizes, static_cast<size_t>(rank)}, strides, storage_offset);
}

int32_t ScalarOutput(KilnContext* c, int32_t index, const KilnValue* value) {
  return CallHost::Of(c).ScalarOutput(index, *value);
}

void ReleaseInput(KilnContext* c, int32_t index) { CallHost::Of(c).ReleaseInput(index); }

void ReleaseResult(KilnContext* c, void* handle) { CallHost::Of(c).ReleaseResult(handle); }

void ParallelFor(KilnContext* c, int64_t begin, int64_t end, int64_t grain, KilnRangeFn fn, void* closure) {
  CallHost::Of(c).ParallelFor(begin, end, grain, fn, closure);
}

uint64_t RandomSeed(KilnContext* c) { return CallHost::Of(c).RandomSeed(); }

void SetError(KilnContext* c, int32_t node, const char* message) {
  CallHost::Of(c).SetError(node, message == nullptr ? "" : message);
}

struct StatusRow {
  int32_t status;
  absl::StatusCode code;
  absl::string_view what;
};

constexpr StatusRow kStatuses[] = {
    {KILN_ERROR_HOST, absl::StatusCode::kInternal, "a callback of the host failed"},
    {KILN_ERROR_MEMORY, absl::StatusCode::kResourceExhausted, "out of memory"},
    {KILN_ERROR_ASSERT, absl::StatusCode::kFailedPrecondition, "a runtime assertion does not hold"},
    {KILN_ERROR_INDEX, absl::StatusCode::kOutOfRange, "index out of range"},
    {KILN_ERROR_OVERFLOW, absl::StatusCode::kOutOfRange, "a size does not fit 64 bits"},
};

absl::Status ToStatus(int32_t status, const CallHost& host) {
  const std::string where = host.error_node() < 0 ? "" : absl::StrCat("node ", host.error_node(), ": ");
  for (const StatusRow& row : kStatuses) {
    if (row.status != status) continue;
    return absl::Status(row.code,
                        absl::StrCat(where, host.error_message().empty() ? row.what : host.error_message()));
  }
  return absl::InternalError(absl::StrCat(where, "the artifact returned the unknown status ", status));
}

}  // namespace

void CallHost::SetError(int32_t node, std::string message) {
  if (error_node_ < 0) error_node_ = node;
  if (error_message_.empty()) error_message_ = std::move(message);
}

KilnHost MakeHostTable(absl::Span<const KilnExternFn> extern_ops) {
  KilnHost host = {};
  host.struct_bytes = sizeof(KilnHost);
  host.abi_version = KILN_ABI_VERSION;
  host.num_extern_ops = static_cast<uint32_t>(extern_ops.size());
  host.extern_ops = extern_ops.data();
  host.allocate = &Allocate;
  host.free = &Free;
  host.new_output = &NewOutput;
  host.view_output = &ViewOutput;
  host.scalar_output = &ScalarOutput;
  host.release_input = &ReleaseInput;
  host.release_result = &ReleaseResult;
  host.parallel_for = &ParallelFor;
  host.random_seed = &RandomSeed;
  host.set_error = &SetError;
  return host;
}

absl::Status CallArtifact(const LoadedArtifact& artifact, const KilnHost& table, absl::Span<const KilnValue> inputs,
                          const int64_t* symbols, CallHost& host) {
  KILN_RETURN_IF_ERROR(artifact.CheckTrust());
  KilnCall call = {};
  call.struct_bytes = sizeof(call);
  call.inputs = inputs.data();
  call.num_inputs = static_cast<int32_t>(inputs.size());
  call.num_outputs = artifact.manifest().outputs_size();
  call.symbols = symbols;
  const int32_t status = artifact.entry()(&table, host.context(), &call);
  if (status == KILN_OK) return absl::OkStatus();
  return ToStatus(status, host);
}

}  // namespace kiln
