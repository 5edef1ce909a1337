#include "service/message_bytes.h"

#include <memory>
#include <string>

#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {
namespace {

constexpr int kPathToArtifact[] = {v1::CompileResponse::kResultFieldNumber, v1::CompileResult::kVariantFieldNumber,
                                   v1::Variant::kArtifactFieldNumber};

v1::CompileResponse Reply() {
  v1::CompileResponse reply;
  reply.mutable_result()->set_graph_digest("digest");
  reply.mutable_result()->mutable_variant()->set_tier(v1::TIER_JOINED);
  reply.mutable_result()->mutable_variant()->mutable_signed_()->set_record("record");
  return reply;
}

grpc::ByteBuffer WithArtifact(const v1::CompileResponse& reply, std::shared_ptr<const std::string> owner,
                              absl::string_view bytes) {
  return SerializeWithBytes(reply, {kPathToArtifact[0], kPathToArtifact[1], kPathToArtifact[2]}, std::move(owner),
                            bytes);
}

// What a client parses: the bytes of the wire in one piece.
v1::CompileResponse Parse(const grpc::ByteBuffer& buffer) {
  v1::CompileResponse parsed;
  EXPECT_TRUE(ParseRequest(buffer, parsed).ok());
  return parsed;
}

TEST(SerializeWithBytesTest, ParsesAsTheMessageWithItsFieldSet) {
  // Around the lengths at which a varint grows by a byte.
  for (size_t size : {0, 1, 100, 127, 128, 16000, 16383, 16384, 1 << 20}) {
    const auto artifact = std::make_shared<const std::string>(size, 'x');
    v1::CompileResponse want = Reply();
    want.mutable_result()->mutable_variant()->set_artifact(*artifact);
    EXPECT_EQ(Parse(WithArtifact(Reply(), artifact, *artifact)).SerializeAsString(), want.SerializeAsString()) << size;
  }
}

TEST(SerializeWithBytesTest, APartOfTheOwnersBytes) {
  const auto artifact = std::make_shared<const std::string>("abcdef");
  const v1::CompileResponse parsed = Parse(WithArtifact(Reply(), artifact, absl::string_view(*artifact).substr(2, 3)));
  EXPECT_EQ(parsed.result().variant().artifact(), "cde");
}

TEST(SerializeWithBytesTest, AMessageWithNothingElse) {
  const auto artifact = std::make_shared<const std::string>("abc");
  const v1::CompileResponse parsed = Parse(WithArtifact(v1::CompileResponse(), artifact, *artifact));
  EXPECT_EQ(parsed.result().variant().artifact(), "abc");
}

TEST(SerializeWithBytesTest, HoldsTheOwnerWhileTheBufferLivesAndNoLonger) {
  auto artifact = std::make_shared<const std::string>(1 << 20, 'x');
  const std::weak_ptr<const std::string> watched = artifact;
  {
    const grpc::ByteBuffer buffer = WithArtifact(Reply(), artifact, *artifact);
    artifact.reset();
    EXPECT_FALSE(watched.expired());
    const grpc::ByteBuffer copy = buffer;
    EXPECT_EQ(Parse(copy).result().variant().artifact().size(), 1 << 20);
  }
  EXPECT_TRUE(watched.expired());
}

TEST(ParseRequestTest, BytesThatAreNoMessage) {
  const grpc::Slice slice("\xff\xff\xff", 3);
  v1::CompileRequest request;
  EXPECT_EQ(GetErrorReason(ParseRequest(grpc::ByteBuffer(&slice, 1), request)), ErrorReason::kMalformedMessage);
}

}  // namespace
}  // namespace kiln
