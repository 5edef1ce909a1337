// The HTTP page that Prometheus scrapes.
#ifndef KILN_SERVICE_METRICS_PAGE_H_
#define KILN_SERVICE_METRICS_PAGE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/metrics.h"

namespace prometheus {
class Exposer;
}

namespace kiln {

// Thread-compatible.
class MetricsPage {
 public:
  // "127.0.0.1:0": a free port. BAD_ARGUMENT_VALUE when it cannot listen there.
  static absl::StatusOr<std::unique_ptr<MetricsPage>> Start(const std::string& address,
                                                            const ServiceMetrics& metrics);
  ~MetricsPage();

  // "http://127.0.0.1:34567/metrics"
  const std::string& url() const { return url_; }

 private:
  MetricsPage();

  std::unique_ptr<prometheus::Exposer> exposer_;
  std::string host_;
  int port_ = 0;
  std::string url_;
};

}  // namespace kiln

#endif  // KILN_SERVICE_METRICS_PAGE_H_
