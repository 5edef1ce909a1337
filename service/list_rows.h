// The ListRows RPC: see its comment in peer_service.proto.
#ifndef KILN_SERVICE_LIST_ROWS_H_
#define KILN_SERVICE_LIST_ROWS_H_

#include "absl/status/status.h"
#include "kiln/v1/peer_service.pb.h"
#include "service/front.h"

namespace kiln {

// Thread-safe. May read the key's rows from disk.
absl::Status ListRows(Front& front, const v1::ListRowsRequest& request, v1::ListRowsResponse& response);

}  // namespace kiln

#endif  // KILN_SERVICE_LIST_ROWS_H_
