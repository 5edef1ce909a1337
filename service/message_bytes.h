// Protos in gRPC's byte buffers. The service takes requests as bytes and parses
// them itself, so that a malformed one gets a typed error like any other.
#ifndef KILN_SERVICE_MESSAGE_BYTES_H_
#define KILN_SERVICE_MESSAGE_BYTES_H_

#include <grpcpp/support/byte_buffer.h>

#include <initializer_list>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"

namespace kiln {

// MALFORMED_MESSAGE, or LIMIT_EXCEEDED for a request that is too large.
absl::Status ParseRequest(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& request);

grpc::ByteBuffer SerializeMessage(const google::protobuf::MessageLite& message);

// `message` with `bytes` as a field of it, which are not copied: `owner`, of whom they
// are a part, lives until they are sent. `path` has the numbers of the fields that lead
// from the message to the bytes field, which must not be set: {2, 1} is field 1 of the
// message in field 2. The bytes come after the message, as one more occurrence of those
// fields; a parser merges the occurrences of a field that holds a message
// (https://protobuf.dev/programming-guides/encoding/#last-one-wins).
grpc::ByteBuffer SerializeWithBytes(const google::protobuf::MessageLite& message, std::initializer_list<int> path,
                                    std::shared_ptr<const std::string> owner, absl::string_view bytes);

}  // namespace kiln

#endif  // KILN_SERVICE_MESSAGE_BYTES_H_
