#include "service/profile_shapes.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "service/request_header.h"

namespace kiln {
namespace {

constexpr int kMaxObservations = 4096;
constexpr int kMaxListed = 1000;

absl::Status CheckObservation(const v1::ShapeObservation& observation) {
  const std::string& source = observation.source();
  if (source.empty()) return MakeError(ErrorReason::kMalformedMessage, "an observation without a source");
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kStringBytes, static_cast<int64_t>(source.size()), "source"));
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kRank, observation.sizes_size(), source));
  if (observation.is_scalar() && observation.sizes_size() != 1) {
    return MakeError(ErrorReason::kMalformedMessage,
                     absl::StrCat(source, ": an integer has one size, not ", observation.sizes_size()));
  }
  if (observation.valid_size() > observation.sizes_size()) {
    return MakeError(ErrorReason::kMalformedMessage,
                     absl::StrCat(source, ": ", observation.valid_size(), " ranges for ", observation.sizes_size(),
                                  " sizes"));
  }
  return absl::OkStatus();
}

absl::Status CheckObservations(const ShapeObservations& observations) {
  if (observations.size() > kMaxObservations) {
    return MakeError(ErrorReason::kLimitExceeded, absl::StrCat(observations.size(), " observations, and ",
                                                               kMaxObservations, " are allowed"));
  }
  for (const v1::ShapeObservation& observation : observations) {
    KILN_RETURN_IF_ERROR(CheckObservation(observation));
  }
  return absl::OkStatus();
}

absl::Status Answer(Front& front, SharedShapes* shared, const v1::ProfileShapesRequest& request,
                    v1::ProfileShapesResponse& response) {
  KILN_RETURN_IF_ERROR(front.CheckServing());
  KILN_RETURN_IF_ERROR(CheckHeader(request.header()));
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kStringBytes, static_cast<int64_t>(request.subject_name().size()),
                                  "subject_name"));
  KILN_RETURN_IF_ERROR(CheckObservations(request.observations()));
  const std::string& domain = request.header().domain();
  response.set_threshold(front.shapes->threshold());
  if (request.subject().empty() && request.observations().empty()) {
    for (SubjectShapes& subject : front.shapes->List(domain, request.after(), kMaxListed)) {
      *response.add_subjects() = std::move(subject);
    }
    return absl::OkStatus();
  }
  KILN_ASSIGN_OR_RETURN(const Digest subject, ParseDigest("subject", request.subject()));
  front.shapes->Observe(domain, subject, request.subject_name(), request.observations());
  // It is counted there, and the profile is as good as it was.
  if (shared != nullptr) shared->Exchange(domain, subject).IgnoreError();
  std::optional<SubjectShapes> found = front.shapes->Find(domain, subject);
  if (found.has_value()) *response.add_subjects() = *std::move(found);
  return absl::OkStatus();
}

}  // namespace

absl::Status ProfileShapes(Front& front, const v1::ProfileShapesRequest& request,
                           v1::ProfileShapesResponse& response) {
  return Answer(front, nullptr, request, response);
}

absl::Status ProfileSharedShapes(Front& front, const v1::ProfileShapesRequest& request,
                                 v1::ProfileShapesResponse& response) {
  return Answer(front, front.shared_shapes.get(), request, response);
}

}  // namespace kiln
