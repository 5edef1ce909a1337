#include "service/message_bytes.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/slice.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

// Of varints of 32 and of 64 bits.
constexpr size_t kMaxTagBytes = 5;
constexpr size_t kMaxLengthBytes = 10;

// The tags and lengths of the fields of `path`, one in the other, the last of which
// holds `size` bytes.
std::string FieldHeaders(std::initializer_list<int> path, size_t size) {
  using google::protobuf::internal::WireFormatLite;
  using google::protobuf::io::CodedOutputStream;
  std::string headers;
  for (auto field = std::rbegin(path); field != std::rend(path); ++field) {
    uint8_t header[kMaxTagBytes + kMaxLengthBytes];
    uint8_t* end = CodedOutputStream::WriteTagToArray(
        WireFormatLite::MakeTag(*field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), header);
    end = CodedOutputStream::WriteVarint64ToArray(size + headers.size(), end);
    headers.insert(0, std::string(header, end));
  }
  return headers;
}

}  // namespace

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

grpc::ByteBuffer SerializeWithBytes(const google::protobuf::MessageLite& message, std::initializer_list<int> path,
                                    std::shared_ptr<const std::string> owner, absl::string_view bytes) {
  const std::string fields = FieldHeaders(path, bytes.size());
  const size_t size = message.ByteSizeLong();
  grpc::Slice head(size + fields.size());
  auto* out = const_cast<uint8_t*>(head.begin());
  message.SerializeWithCachedSizesToArray(out);
  std::copy(fields.begin(), fields.end(), out + size);
  auto* kept = new std::shared_ptr<const std::string>(std::move(owner));
  const grpc::Slice tail(
      const_cast<char*>(bytes.data()), bytes.size(),
      [](void* owner) { delete static_cast<std::shared_ptr<const std::string>*>(owner); }, kept);
  const std::array<grpc::Slice, 2> slices = {std::move(head), tail};
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace kiln
