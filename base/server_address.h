// Where a server is, as people write it. gRPC takes a port modulo 65536, and 443 for
// one that is left out, without a word; we do not.
#ifndef KILN_BASE_SERVER_ADDRESS_H_
#define KILN_BASE_SERVER_ADDRESS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace kiln {

enum class AddressUse {
  kDial,    // ports from 1 to 65535
  kListen,  // 0 as well: a free one
};

// HOST:PORT, [IPV6]:PORT or unix:/PATH. Whether there is such a host is not looked at.
// BAD_ARGUMENT_VALUE, with the address and what is wrong with it.
absl::Status CheckServerAddress(absl::string_view address, AddressUse use);

}  // namespace kiln

#endif  // KILN_BASE_SERVER_ADDRESS_H_
