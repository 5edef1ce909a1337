#include "base/server_address.h"

#include <sys/un.h>

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"

namespace kiln {
namespace {

constexpr int kMaxPort = 65535;
// With the byte that ends it.
constexpr size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path);

bool IsPort(absl::string_view text, AddressUse use) {
  int port = 0;
  const bool has_digits_only = std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  return has_digits_only && absl::SimpleAtoi(text, &port) && port <= kMaxPort &&
         port >= (use == AddressUse::kListen ? 0 : 1);
}

// What is wrong; "" if nothing is.
std::string WhatIsWrong(absl::string_view address, AddressUse use) {
  if (address.empty()) return "is empty";
  if (std::any_of(address.begin(), address.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; })) {
    return "has a space or a control character in it";
  }
  absl::string_view rest = address;
  if (absl::ConsumePrefix(&rest, "unix:")) {
    if (rest.empty()) return "names no socket";
    if (rest.size() < kMaxSocketPath) return "";
    return absl::StrCat("has a path of ", rest.size(), " bytes, and a socket's has fewer than ", kMaxSocketPath);
  }
  const size_t colon = address.rfind(':');
  const bool is_bracketed = address.front() == '[';
  if (colon == absl::string_view::npos || (is_bracketed && colon < address.find(']'))) {
    return "has no port: HOST:PORT is wanted";
  }
  const absl::string_view host = address.substr(0, colon);
  if (host.empty()) return "has no host: HOST:PORT is wanted, 0.0.0.0:PORT for all interfaces";
  if (is_bracketed ? host.back() != ']' || host.size() < 3 : absl::StrContains(host, ':')) {
    return "has a host with colons: an IPv6 address is written [ADDRESS]:PORT";
  }
  if (absl::StrContains(host, '/')) return "is a URL or a path: HOST:PORT or unix:/PATH is wanted";
  if (IsPort(address.substr(colon + 1), use)) return "";
  return absl::StrCat("has a port that is no number from ", use == AddressUse::kListen ? 0 : 1, " to ", kMaxPort);
}

}  // namespace

absl::Status CheckServerAddress(absl::string_view address, AddressUse use) {
  const std::string wrong = WhatIsWrong(address, use);
  if (wrong.empty()) return absl::OkStatus();
  return MakeError(ErrorReason::kBadArgumentValue,
                   absl::StrCat("address '", absl::CHexEscape(address.substr(0, 200)), "' ", wrong));
}

}  // namespace kiln
