#include "service/prepared_compile.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "compiler/artifact/options_digest.h"
#include "service/request_header.h"
#include "service/server_limits.h"

namespace kiln {
namespace {

absl::StatusOr<std::shared_ptr<const PreparedGraph>> FindOrPrepare(const v1::CompileRequest& request,
                                                                   GraphStore& graphs, RecentGraphs& recent) {
  const Digest name = RecentGraphs::NameOf(request);
  if (std::shared_ptr<const PreparedGraph> found = recent.Find(name); found != nullptr) return found;
  KILN_ASSIGN_OR_RETURN(PreparedGraph prepared, PrepareGraph(request, graphs));
  auto shared = std::make_shared<const PreparedGraph>(std::move(prepared));
  recent.Add(name, shared);
  return shared;
}

absl::Status FillKey(const CompilerEntry& compiler, PreparedCompile& prepared) {
  prepared.components = ComposeKey({.graph = prepared.graph->digest,
                                    .signature = prepared.graph->signature_digest,
                                    .options = OptionsDigest(prepared.options),
                                    .compiler_build = compiler.build,
                                    .target = prepared.host.target(),
                                    .domain = prepared.domain});
  KILN_ASSIGN_OR_RETURN(prepared.key, KeyOf(prepared.components));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<absl::flat_hash_set<Digest>> ParseHave(const google::protobuf::RepeatedPtrField<std::string>& have) {
  if (static_cast<size_t>(have.size()) > kMaxHave) {
    return MakeError(ErrorReason::kLimitExceeded,
                     absl::StrCat("`have` names ", have.size(), " artifacts, and ", kMaxHave, " are allowed"));
  }
  absl::flat_hash_set<Digest> digests;
  for (const std::string& bytes : have) {
    KILN_ASSIGN_OR_RETURN(Digest digest, ParseDigest("have", bytes));
    digests.insert(digest);
  }
  return digests;
}

absl::StatusOr<PreparedCompile> PrepareCompile(const v1::CompileRequest& request, const CompilerEntry& compiler,
                                               GraphStore& graphs, RecentGraphs& recent) {
  KILN_RETURN_IF_ERROR(CheckHeader(request.header()));
  KILN_RETURN_IF_ERROR(CheckAbi(request.host()));
  KILN_RETURN_IF_ERROR(CheckTarget(request.host().target()));
  PreparedCompile prepared;
  prepared.options = {request.options().values().begin(), request.options().values().end()};
  KILN_RETURN_IF_ERROR(compiler.parse_options(prepared.options).status());
  KILN_ASSIGN_OR_RETURN(prepared.have, ParseHave(request.have()));
  prepared.host = request.host();
  prepared.host_class = std::make_shared<const HostClass>(request.host());
  prepared.domain = request.header().domain();
  prepared.requester = request.header().requester();
  prepared.job = request.header().job();
  prepared.no_remembered_failures = request.header().no_remembered_failures();
  KILN_ASSIGN_OR_RETURN(prepared.graph, FindOrPrepare(request, graphs, recent));
  KILN_RETURN_IF_ERROR(FillKey(compiler, prepared));
  return prepared;
}

}  // namespace kiln
