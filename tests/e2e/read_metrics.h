// The text of a server's /metrics.
#ifndef KILN_TESTS_E2E_READ_METRICS_H_
#define KILN_TESTS_E2E_READ_METRICS_H_

#include <string>

namespace kiln {

// "" if nobody answers at `url`, which is on this machine.
std::string ReadMetrics(const std::string& url);

}  // namespace kiln

#endif  // KILN_TESTS_E2E_READ_METRICS_H_
