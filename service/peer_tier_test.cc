// Peers that are programs of the test's.
#include "service/peer_tier.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/temp_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kiln/v1/peer_service.grpc.pb.h"

namespace kiln {
namespace {

class FakePeer final : public v1::PeerService::Service {
 public:
  explicit FakePeer(const std::string& path) : address_(absl::StrCat("unix:", path)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakePeer() override { server_->Shutdown(); }

  grpc::Status ListRows(grpc::ServerContext*, const v1::ListRowsRequest*, v1::ListRowsResponse* response) override {
    for (const v1::SignedVariant& row : rows) *response->add_rows() = row;
    return grpc::Status::OK;
  }
  grpc::Status FetchArtifact(grpc::ServerContext*, const v1::GetArtifactRequest*,
                             grpc::ServerWriter<v1::GetArtifactResponse>* writer) override {
    ++fetches;
    if (elf.empty()) return grpc::Status(grpc::StatusCode::NOT_FOUND, "none");
    // In two chunks.
    v1::GetArtifactResponse chunk;
    chunk.set_data(elf.substr(0, elf.size() / 2));
    writer->Write(chunk);
    chunk.set_data(elf.substr(elf.size() / 2));
    writer->Write(chunk);
    return grpc::Status::OK;
  }
  const std::string& address() const { return address_; }

  // Set before anybody asks.
  std::vector<v1::SignedVariant> rows;
  std::string elf;
  std::atomic<int> fetches = 0;

 private:
  const std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

class PeerTierTest : public testing::Test {
 protected:
  TempFolder folder_;
  FakeClock clock_;
  FakePeer first_{folder_.path() + "/1"};
  FakePeer second_{folder_.path() + "/2"};
  PeerTier tier_{{first_.address(), second_.address()}, &clock_};
};

TEST_F(PeerTierTest, WrongBytesAreNotTakenWhileAnotherHasTheRightOnes) {
  first_.elf = "something else";
  second_.elf = "the artifact";
  const absl::StatusOr<ArtifactBytes> elf = tier_.GetArtifact("", Sha256("the artifact"));
  ASSERT_TRUE(elf.ok()) << elf.status();
  EXPECT_EQ(**elf, "the artifact");
}

TEST_F(PeerTierTest, WhoGivesWrongBytesIsLeftAlone) {
  first_.elf = "something else";
  second_.elf = "the artifact";
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(tier_.GetArtifact("", Sha256("the artifact")).ok());
  EXPECT_EQ(first_.fetches, 3);
  EXPECT_EQ(second_.fetches, 10);
  EXPECT_EQ(tier_.State().failures, 3);
  EXPECT_EQ(tier_.State().times_down, 1);
  EXPECT_TRUE(tier_.State().up);
  // And tried again when its time is up.
  clock_.Advance(absl::Seconds(60));
  EXPECT_TRUE(tier_.GetArtifact("", Sha256("the artifact")).ok());
  EXPECT_EQ(first_.fetches, 4);
}

TEST_F(PeerTierTest, WhatNobodyHasIsNoFault) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(GetErrorReason(tier_.GetArtifact("", Sha256("none")).status()), ErrorReason::kArtifactNotFound);
  }
  EXPECT_EQ(first_.fetches, 10);
  EXPECT_EQ(tier_.State().failures, 0);
}

TEST_F(PeerTierTest, ARowIsGivenOnceHoweverManyHaveIt) {
  const SigningKey key = SigningKey::Generate();
  const VariantKey log = MakeKey("g");
  first_.rows = {SignVariant(key, {.elf = "one"})};
  second_.rows = {first_.rows[0], SignVariant(key, {.elf = "two"})};
  // Past the first connection, whose time is not the test's.
  absl::StatusOr<LogPage> page = tier_.ReadLog("", log, "");
  for (int i = 0; i < 100 && (!page.ok() || page->rows.size() < 2); ++i) page = tier_.ReadLog("", log, "");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->rows.size(), 2u);
  const absl::StatusOr<LogPage> again = tier_.ReadLog("", log, page->end);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->rows.size(), 0u);
  EXPECT_FALSE(again->lost);
}

}  // namespace
}  // namespace kiln
