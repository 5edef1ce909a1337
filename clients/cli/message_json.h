// A message as JSON for scripts: field names as in the .proto, integers as
// numbers (protobuf's own JSON writes 64-bit ones as strings), bytes in hex, every
// field there.
#ifndef KILN_CLIENTS_CLI_MESSAGE_JSON_H_
#define KILN_CLIENTS_CLI_MESSAGE_JSON_H_

#include <string>

#include "google/protobuf/message.h"

namespace kiln {

std::string MessageJson(const google::protobuf::Message& message);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_MESSAGE_JSON_H_
