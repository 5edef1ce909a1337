// The RPCs by number, for tables.
#ifndef KILN_SERVICE_RPC_NAME_H_
#define KILN_SERVICE_RPC_NAME_H_

#include "absl/strings/string_view.h"

namespace kiln {

enum class Rpc { kLookup, kCompile, kGetArtifact, kPropagate, kExplain, kGetServerInfo, kProfileShapes, kListRows, kFetchArtifact };
inline constexpr absl::string_view kRpcNames[] = {"Lookup",  "Compile",       "GetArtifact",  "Propagate",
                                                  "Explain", "GetServerInfo", "ProfileShapes", "ListRows",
                                                  "FetchArtifact"};
inline constexpr int kNumRpcs = 9;

constexpr absl::string_view RpcName(Rpc rpc) { return kRpcNames[static_cast<int>(rpc)]; }

}  // namespace kiln

#endif  // KILN_SERVICE_RPC_NAME_H_
