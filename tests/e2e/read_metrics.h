// The text of a server's /metrics.
#ifndef KILN_TESTS_E2E_READ_METRICS_H_
#define KILN_TESTS_E2E_READ_METRICS_H_

#include <cstdint>
#include <string>

namespace kiln {

// "" if nobody answers at `url`, which is on this machine.
std::string ReadMetrics(const std::string& url);

// The value of `name`, with its labels as the page has them; -1 if it is not there.
int64_t ReadMetric(const std::string& url, const std::string& name);

}  // namespace kiln

#endif  // KILN_TESTS_E2E_READ_METRICS_H_
