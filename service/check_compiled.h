// The front does not trust its workers: a graph may have taken one over. This is
// what it checks before it signs what a worker made, and what it then writes down.
#ifndef KILN_SERVICE_CHECK_COMPILED_H_
#define KILN_SERVICE_CHECK_COMPILED_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "kiln/v1/artifact.pb.h"
#include "kiln/v1/worker.pb.h"
#include "service/prepared_compile.h"

namespace kiln {

// The ELF's manifest, if it is what was asked for: its key, build, ABI, target,
// symbols and inputs are the request's, its guards those that the worker told and
// true of the request's sizes, the host can run it, and the object has nothing in
// it but what CheckSharedObject() lets pass. WORKER_PROTOCOL, naming the field and
// both values, otherwise; LIMIT_EXCEEDED for an artifact too large.
absl::StatusOr<v1::Manifest> CheckCompiled(const v1::WorkerToFront::Compiled& compiled,
                                           const PreparedCompile& request, absl::string_view compiler_build);

struct CompileFacts {
  absl::Duration compile_time;
  absl::Time created;
};

// The record to sign, for a compile that CheckCompiled() let pass.
absl::StatusOr<v1::VariantRecord> MakeVariantRecord(const v1::WorkerToFront::Compiled& compiled,
                                                    const v1::Manifest& manifest, const PreparedCompile& request,
                                                    const CompileFacts& facts);

// Puts the requester's source lines into the guards' reasons.
void AddLocations(const std::vector<std::string>& locations, google::protobuf::RepeatedPtrField<v1::Guard>& guards);

}  // namespace kiln

#endif  // KILN_SERVICE_CHECK_COMPILED_H_
