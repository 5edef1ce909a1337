#include "service/message_bytes.h"

#include <grpcpp/support/slice.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace kiln {

absl::Status ParseRequest(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& request) {
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kRequestBytes, static_cast<int64_t>(bytes.Length()), request.GetTypeName()));
  grpc::Slice slice;
  bool parsed = bytes.TrySingleSlice(&slice).ok() || bytes.DumpToSingleSlice(&slice).ok();
  parsed = parsed && request.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
  if (parsed) return absl::OkStatus();
  return MakeError(ErrorReason::kMalformedMessage,
                   absl::StrCat("these ", bytes.Length(), " bytes are no ", request.GetTypeName()));
}

grpc::ByteBuffer SerializeMessage(const google::protobuf::MessageLite& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace kiln
