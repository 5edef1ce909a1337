// Requests that are wrong, mutated or no requests at all.
#include <random>
#include <string>

#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/service_fixture.h"

namespace kiln {
namespace {

using MalformedRequestTest = ServiceTest;

TEST_F(MalformedRequestTest, RandomBytesAreTypedErrorsAndTheServerGoesOn) {
  std::mt19937 random(7);
  for (const char* method : {"Lookup", "Compile", "GetArtifact", "Propagate", "GetServerInfo"}) {
    for (int i = 0; i < 40; ++i) {
      std::string bytes(random() % 200 + 1, '\0');
      for (char& c : bytes) c = static_cast<char>(random());
      const absl::Status status = client_->CallRaw(method, bytes);
      if (status.ok()) continue;  // GetServerInfo may skip what it does not know
      EXPECT_THAT(ReasonOf(status), ::testing::AnyOf("MALFORMED_MESSAGE", "UNSUPPORTED_GRAPH", "UNSUPPORTED_TARGET"))
          << method << status;
    }
  }
  EXPECT_TRUE(Compile().ok());
}

TEST_F(MalformedRequestTest, MutatedRequestsAreTypedErrorsOrCompile) {
  const std::string good = RequestFor(kAdd, kSizes).SerializeAsString();
  std::mt19937 random(11);
  for (int i = 0; i < 150; ++i) {
    std::string bytes = good;
    for (unsigned k = 0; k <= random() % 3; ++k) bytes[random() % bytes.size()] = static_cast<char>(random());
    const absl::Status status = client_->CallRaw("Compile", bytes);
    EXPECT_TRUE(status.ok() || GetErrorReason(status).has_value()) << status;
  }
  EXPECT_TRUE(Compile().ok());
  EXPECT_EQ(client_->Counters().worker_crashes(), 0);
}

TEST_F(MalformedRequestTest, MalformedRequestsNameTheFault) {
  v1::CompileRequest request = RequestFor(kAdd, kSizes);
  request.mutable_host()->mutable_target()->set_arch("riscv64");
  EXPECT_EQ(client_->Compile(request).reason(), "UNSUPPORTED_TARGET");
  request = RequestFor(kAdd, kSizes);
  request.mutable_host()->mutable_target()->add_features("avx512_bf16");
  EXPECT_EQ(client_->Compile(request).reason(), "UNSUPPORTED_TARGET");
  request = RequestFor(kAdd, kSizes, {{"no_such_option", "1"}});
  EXPECT_EQ(client_->Compile(request).reason(), "OPTION_UNKNOWN");
  request = RequestFor(kAdd, kSizes);
  request.mutable_header()->set_request_id(std::string(65, 'x'));
  EXPECT_EQ(client_->Compile(request).reason(), "MALFORMED_MESSAGE");
  request = RequestFor(kAdd, kSizes);
  request.clear_graph();
  EXPECT_EQ(client_->Compile(request).reason(), "MALFORMED_MESSAGE");
  request = RequestFor(kAdd, kSizes);
  request.mutable_module()->mutable_graphs(0)->mutable_nodes(0)->set_target("aten.no_such.op");
  EXPECT_EQ(client_->Compile(request).reason(), "UNKNOWN_OP");
  request.add_have(std::string(GetLimit(Limit::kRequestBytes), 'x'));
  EXPECT_EQ(client_->Compile(request).reason(), "LIMIT_EXCEEDED");
}

}  // namespace
}  // namespace kiln
