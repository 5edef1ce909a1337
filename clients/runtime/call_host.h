// What an embedder gives to one call of an artifact: memory, outputs, threads.
// MakeHostTable turns it into the C table of kiln_abi.h.
//
//   class MyCall : public CallHost { ... };
//   KilnHost table = MakeHostTable(extern_functions);   // once per artifact
//   MyCall call(...);
//   KILN_RETURN_IF_ERROR(CallArtifact(*artifact, table, inputs, symbols, call));
#ifndef KILN_CLIENTS_RUNTIME_CALL_HOST_H_
#define KILN_CLIENTS_RUNTIME_CALL_HOST_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "clients/runtime/loaded_artifact.h"
#include "compiler/artifact/kiln_abi.h"

namespace kiln {

// One call's business; its meanings are those of KilnHost. All of it is called
// from the thread that called the artifact, but for the ranges of ParallelFor.
class CallHost {
 public:
  virtual ~CallHost() = default;
  virtual void* Allocate(int32_t device, uint64_t bytes) = 0;
  virtual void Free(int32_t device, void* memory) = 0;
  virtual int32_t NewOutput(int32_t index, int32_t dtype, absl::Span<const int64_t> sizes, const int64_t* strides,
                            KilnTensor* out) = 0;
  virtual int32_t ViewOutput(int32_t index, const KilnTensor& base, absl::Span<const int64_t> sizes,
                             const int64_t* strides, int64_t storage_offset) = 0;
  virtual int32_t ScalarOutput(int32_t index, const KilnValue& value) = 0;
  virtual void ReleaseInput(int32_t index) = 0;
  virtual void ReleaseResult(void* handle) = 0;
  virtual void ParallelFor(int64_t begin, int64_t end, int64_t grain, KilnRangeFn fn, void* closure) = 0;
  virtual uint64_t RandomSeed() = 0;

  // The first one said stands: what follows is its consequence.
  void SetError(int32_t node, std::string message);
  int32_t error_node() const { return error_node_; }
  const std::string& error_message() const { return error_message_; }

  // For extern ops, which get a context.
  static CallHost& Of(KilnContext* context) { return *reinterpret_cast<CallHost*>(context); }
  KilnContext* context() { return reinterpret_cast<KilnContext*>(this); }

 private:
  int32_t error_node_ = -1;
  std::string error_message_;
};

// `extern_ops`, in the manifest's order, must outlive the table.
KilnHost MakeHostTable(absl::Span<const KilnExternFn> extern_ops);

// `symbols` as InputBinder solved them, the artifact's guards hold.
//   ARTIFACT_REVOKED, ARTIFACT_UNTRUSTED: it was loaded before its host was told.
//   ASSERT_FAILED and INDEX_OUT_OF_RANGE have no reason of their own: they are
//   the program's errors and come as kFailedPrecondition and kOutOfRange; memory
//   as kResourceExhausted, a failed callback as kInternal. Messages start with
//   "node N: " where the code said which.
absl::Status CallArtifact(const LoadedArtifact& artifact, const KilnHost& table,
                          absl::Span<const KilnValue> inputs, const int64_t* symbols, CallHost& host);

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_CALL_HOST_H_
