// The GetServerInfo RPC: see its comment in compile_service.proto.
#ifndef KILN_SERVICE_GET_SERVER_INFO_H_
#define KILN_SERVICE_GET_SERVER_INFO_H_

#include "absl/status/status.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/front.h"

namespace kiln {

absl::Status GetServerInfo(Front& front, const v1::GetServerInfoRequest& request,
                           v1::GetServerInfoResponse& response);

}  // namespace kiln

#endif  // KILN_SERVICE_GET_SERVER_INFO_H_
