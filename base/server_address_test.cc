#include "base/server_address.h"

#include <string>

#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

std::string Why(absl::string_view address, AddressUse use = AddressUse::kDial) {
  const absl::Status status = CheckServerAddress(address, use);
  if (!status.ok()) {
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadArgumentValue);
  }
  return std::string(status.message());
}

TEST(ServerAddressTest, WhatIsAnAddress) {
  for (const char* address : {"127.0.0.1:7077", "localhost:1", "kiln.example.com:65535", "[::1]:7077", "[fe80::1%eth0]:80",
                              "unix:/run/kiln.sock", "unix:kiln.sock", "kiln_0:443"}) {
    EXPECT_EQ(Why(address), "") << address;
    EXPECT_EQ(Why(address, AddressUse::kListen), "") << address;
  }
}

TEST(ServerAddressTest, PortZeroIsForListening) {
  EXPECT_EQ(Why("127.0.0.1:0", AddressUse::kListen), "");
  EXPECT_THAT(Why("127.0.0.1:0"), HasSubstr("from 1 to 65535"));
}

TEST(ServerAddressTest, PortsThatAreNone) {
  for (const char* address : {"h:99999", "h:65536", "h:-1", "h:+1", "h:", "h:7077x", "h:0x10", "h:4294967297", "[::1]:99999"}) {
    EXPECT_THAT(Why(address, AddressUse::kListen), HasSubstr("has a port that is no number")) << address;
  }
}

TEST(ServerAddressTest, WhatIsMissing) {
  EXPECT_THAT(Why(""), HasSubstr("is empty"));
  EXPECT_THAT(Why("localhost"), HasSubstr("has no port"));
  EXPECT_THAT(Why("[::1]"), HasSubstr("has no port"));
  EXPECT_THAT(Why(":7077"), HasSubstr("has no host"));
  EXPECT_THAT(Why("unix:"), HasSubstr("names no socket"));
}

TEST(ServerAddressTest, OtherForms) {
  EXPECT_THAT(Why("::1:7077"), HasSubstr("[ADDRESS]:PORT"));
  EXPECT_THAT(Why("[]:7077"), HasSubstr("[ADDRESS]:PORT"));
  EXPECT_THAT(Why("http://localhost:80"), HasSubstr("colons"));
  EXPECT_THAT(Why("/run/kiln:80"), HasSubstr("unix:/PATH"));
  EXPECT_THAT(Why("a b:80"), HasSubstr("space"));
  EXPECT_THAT(Why(absl::string_view("a\0b:80", 6)), HasSubstr("control"));
  EXPECT_THAT(Why("a\nb:80"), ::testing::Not(HasSubstr("\n")));
  EXPECT_THAT(Why("unix:/" + std::string(200, 'x')), HasSubstr("fewer than 108"));
}

}  // namespace
}  // namespace kiln
