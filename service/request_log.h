// One line for each request that ends, and its count. Client text is escaped and
// cut, so that nobody forges a line.
#ifndef KILN_SERVICE_REQUEST_LOG_H_
#define KILN_SERVICE_REQUEST_LOG_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/activity.h"
#include "service/front.h"
#include "service/rpc_name.h"

namespace kiln {

// From a request's arrival to its end. Not thread-safe.
class RequestLog {
 public:
  RequestLog(Front& front, Rpc rpc);

  void SetHeader(const v1::RequestHeader& header);
  // What was found where, in a few words of ours: "tier=MEMORY".
  void SetOutcome(std::string outcome) { outcome_ = std::move(outcome); }
  // Call once.
  void Finish(const absl::Status& status);

 private:
  Front& front_;
  const Rpc rpc_;
  const absl::Duration begin_;
  const Activity::Request request_;
  std::string caller_;
  std::string outcome_;
};

// "tier=MEMORY" of a variant.
std::string DescribeTier(v1::Tier tier);

}  // namespace kiln

#endif  // KILN_SERVICE_REQUEST_LOG_H_
