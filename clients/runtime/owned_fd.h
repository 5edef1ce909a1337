// A descriptor that is closed with its owner.
#ifndef KILN_CLIENTS_RUNTIME_OWNED_FD_H_
#define KILN_CLIENTS_RUNTIME_OWNED_FD_H_

#include <unistd.h>

#include <utility>

namespace kiln {

// Thread-compatible.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_OWNED_FD_H_
