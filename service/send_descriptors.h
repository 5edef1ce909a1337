// Passes descriptors over a SOCK_SEQPACKET socket (SCM_RIGHTS), two at a time:
// the worker's frame socket and the zygote's end of its lifeline.
#ifndef KILN_SERVICE_SEND_DESCRIPTORS_H_
#define KILN_SERVICE_SEND_DESCRIPTORS_H_

#include <array>
#include <optional>

#include "service/unique_fd.h"

namespace kiln {

using DescriptorPair = std::array<UniqueFd, 2>;

// False, with errno, if the other end is gone.
bool SendDescriptors(int socket, const DescriptorPair& descriptors);

// Waits for a pair. nullopt when the other end is closed for good.
std::optional<DescriptorPair> ReceiveDescriptors(int socket);

}  // namespace kiln

#endif  // KILN_SERVICE_SEND_DESCRIPTORS_H_
