// Mutations of serialized messages that keep their structure: bytes that a message
// parses from are changed field by field as well as byte by byte. Without it most
// mutations end at a wrong length and nothing behind the parser is ever tried.
//
//   extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
//     v1::GraphModule message;
//     return MutateMessage(message, data, size, max_size, seed);
//   }
#ifndef KILN_TESTS_FUZZ_MUTATE_MESSAGE_H_
#define KILN_TESTS_FUZZ_MUTATE_MESSAGE_H_

#include <cstddef>
#include <cstdint>

#include "google/protobuf/message.h"

namespace kiln {

// `message` is empty and says the type. The new size.
size_t MutateMessage(google::protobuf::Message& message, uint8_t* data, size_t size, size_t max_size, unsigned seed);

}  // namespace kiln

#endif  // KILN_TESTS_FUZZ_MUTATE_MESSAGE_H_
