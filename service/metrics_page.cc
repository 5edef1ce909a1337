#include "service/metrics_page.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <prometheus/exposer.h>
#include <sys/socket.h>

#include <atomic>
#include <exception>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/error.h"
#include "service/unique_fd.h"

namespace kiln {
namespace {

// A connection that says nothing.
void Knock(const std::string& host, int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return;
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  [[maybe_unused]] int connected = connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
}

}  // namespace

MetricsPage::MetricsPage() = default;

absl::StatusOr<std::unique_ptr<MetricsPage>> MetricsPage::Start(const std::string& address,
                                                                const ServiceMetrics& metrics) {
  std::unique_ptr<MetricsPage> page(new MetricsPage);
  // civetweb throws.
  try {
    page->exposer_ = std::make_unique<prometheus::Exposer>(address, /*num_threads=*/1);
    page->port_ = page->exposer_->GetListeningPorts().at(0);
  } catch (const std::exception& error) {
    return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("cannot serve metrics on ", address, ": ",
                                                                  error.what()));
  }
  const size_t colon = address.rfind(':');
  page->host_ = colon == std::string::npos ? "0.0.0.0" : address.substr(0, colon);
  page->url_ = absl::StrCat("http://", page->host_, ":", page->port_, "/metrics");
  for (const auto& collectable : metrics.Collectables()) page->exposer_->RegisterCollectable(collectable);
  return page;
}

MetricsPage::~MetricsPage() {
  if (exposer_ == nullptr) return;
  // civetweb looks whether it has been stopped only every two seconds, or when
  // somebody comes.
  std::atomic<bool> stopped{false};
  std::thread stopper([&] {
    exposer_.reset();
    stopped = true;
  });
  while (!stopped) {
    Knock(host_, port_);
    absl::SleepFor(absl::Milliseconds(10));
  }
  stopper.join();
}

}  // namespace kiln
