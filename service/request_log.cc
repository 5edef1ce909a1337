#include "service/request_log.h"

#include <spdlog/spdlog.h>

#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {
namespace {

constexpr size_t kMaxLoggedBytes = 256;

std::string Escaped(absl::string_view text) { return absl::CHexEscape(text.substr(0, kMaxLoggedBytes)); }

void AppendField(absl::string_view name, absl::string_view value, std::string& out) {
  if (!value.empty()) absl::StrAppend(&out, " ", name, "=\"", Escaped(value), "\"");
}

}  // namespace

RequestLog::RequestLog(Front& front, Rpc rpc)
    : front_(front), rpc_(rpc), begin_(front.clock->Monotonic()), request_(front.activity) {}

void RequestLog::SetHeader(const v1::RequestHeader& header) {
  AppendField("id", header.request_id(), caller_);
  AppendField("traceparent", header.traceparent(), caller_);
  AppendField("domain", header.domain(), caller_);
  AppendField("requester", header.requester(), caller_);
}

void RequestLog::Finish(const absl::Status& status) {
  const absl::Duration elapsed = front_.clock->Monotonic() - begin_;
  front_.metrics->CountRequest(rpc_, status.code(), elapsed);
  const std::string name(RpcName(rpc_));
  const double millis = absl::ToDoubleMilliseconds(elapsed);
  if (status.ok()) {
    spdlog::info("rpc={} code=OK ms={:.2f}{}{}", name, millis, outcome_, caller_);
    return;
  }
  const std::optional<ErrorReason> reason = GetErrorReason(status);
  spdlog::info("rpc={} code={} reason={} ms={:.2f}{} message=\"{}\"", name, absl::StatusCodeToString(status.code()),
               reason.has_value() ? std::string(GetErrorReasonRow(*reason).name) : "-", millis, caller_,
               Escaped(status.message()));
}

std::string DescribeTier(v1::Tier tier) {
  constexpr absl::string_view kPrefix = "TIER_";
  return absl::StrCat(" tier=", v1::Tier_Name(tier).substr(kPrefix.size()));
}

}  // namespace kiln
