#include "tests/e2e/read_metrics.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace kiln {

std::string ReadMetrics(const std::string& url) {
  int port = 0;
  if (sscanf(url.c_str(), "http://127.0.0.1:%d/metrics", &port) != 1) return "";
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  std::string page;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
    if (write(fd, request.data(), request.size()) > 0) {
      char buffer[4096];
      for (ssize_t got; (got = read(fd, buffer, sizeof(buffer))) > 0;) page.append(buffer, static_cast<size_t>(got));
    }
  }
  close(fd);
  return page;
}

int64_t ReadMetric(const std::string& url, const std::string& name) {
  const std::string page = ReadMetrics(url);
  const size_t at = page.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::atoll(page.c_str() + at + name.size() + 2);
}

}  // namespace kiln
