// Protos in gRPC's byte buffers. The service takes requests as bytes and parses
// them itself, so that a malformed one gets a typed error like any other.
#ifndef KILN_SERVICE_MESSAGE_BYTES_H_
#define KILN_SERVICE_MESSAGE_BYTES_H_

#include <grpcpp/support/byte_buffer.h>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"

namespace kiln {

// MALFORMED_MESSAGE, or LIMIT_EXCEEDED for a request that is too large.
absl::Status ParseRequest(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& request);

grpc::ByteBuffer SerializeMessage(const google::protobuf::MessageLite& message);

}  // namespace kiln

#endif  // KILN_SERVICE_MESSAGE_BYTES_H_
