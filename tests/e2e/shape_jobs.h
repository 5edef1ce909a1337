// Jobs that write their sizes as numbers, and what a server has learnt from them.
#ifndef KILN_TESTS_E2E_SHAPE_JOBS_H_
#define KILN_TESTS_E2E_SHAPE_JOBS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace kiln {

// One job: a process's first connection, one graph of this length.
absl::Status RunShapeJob(const std::string& address, int64_t length, const std::string& domain = "");

// "input 0:0" for each dimension that varies, of the domain's only subject.
std::vector<std::string> VaryingSizes(const std::string& address, const std::string& domain = "");

}  // namespace kiln

#endif  // KILN_TESTS_E2E_SHAPE_JOBS_H_
