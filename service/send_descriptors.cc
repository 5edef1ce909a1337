#include "service/send_descriptors.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace kiln {
namespace {

constexpr size_t kDescriptorBytes = 2 * sizeof(int);

// A message of one byte (an empty one would look like the end) with room for
// two descriptors beside it.
struct Packet {
  char byte = 0;
  iovec data = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(kDescriptorBytes)] = {};
  msghdr header = {nullptr, 0, &data, 1, control, sizeof(control), 0};

  Packet() = default;
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
};

}  // namespace

bool SendDescriptors(int socket, const DescriptorPair& descriptors) {
  Packet packet;
  cmsghdr* control = CMSG_FIRSTHDR(&packet.header);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(kDescriptorBytes);
  const int fds[2] = {descriptors[0].get(), descriptors[1].get()};
  std::memcpy(CMSG_DATA(control), fds, kDescriptorBytes);
  while (true) {
    if (sendmsg(socket, &packet.header, MSG_NOSIGNAL) >= 0) return true;
    if (errno != EINTR) return false;
  }
}

std::optional<DescriptorPair> ReceiveDescriptors(int socket) {
  while (true) {
    Packet packet;
    const ssize_t got = recvmsg(socket, &packet.header, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    const cmsghdr* control = CMSG_FIRSTHDR(&packet.header);
    // Without descriptors to spare the kernel drops what was sent; the sender
    // sees its own ends close.
    if (control == nullptr || control->cmsg_len != CMSG_LEN(kDescriptorBytes)) continue;
    int fds[2];
    std::memcpy(fds, CMSG_DATA(control), kDescriptorBytes);
    return DescriptorPair{UniqueFd(fds[0]), UniqueFd(fds[1])};
  }
}

}  // namespace kiln
