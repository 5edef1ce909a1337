// How far compiles of this machine are from what the compiler estimates: it knows the
// graph, and neither the processor nor who else is at work. The geometric mean of
// their ratio, recent ones first.
#ifndef KILN_SERVICE_ESTIMATE_CORRECTION_H_
#define KILN_SERVICE_ESTIMATE_CORRECTION_H_

#include <algorithm>
#include <atomic>
#include <cmath>

#include "absl/time/time.h"

namespace kiln {

// Thread-safe; of notes at the same moment one may be lost.
class EstimateCorrection {
 public:
  double Correct(double estimated_seconds) const { return estimated_seconds * std::exp(log_ratio_.load()); }

  // Estimates come from workers: what is no positive number says nothing.
  void Note(double estimated_seconds, absl::Duration actual) {
    const double actual_seconds = absl::ToDoubleSeconds(actual);
    if (!(estimated_seconds > 0) || !(actual_seconds > 0)) return;
    const double log_ratio = std::clamp(std::log(actual_seconds / estimated_seconds), -kMostLog, kMostLog);
    log_ratio_ = log_ratio_ + kWeight * (log_ratio - log_ratio_);
  }

 private:
  // Eight compiles decide.
  static constexpr double kWeight = 0.125;
  // One to a thousand.
  static constexpr double kMostLog = 6.9;

  std::atomic<double> log_ratio_{0};
};

}  // namespace kiln

#endif  // KILN_SERVICE_ESTIMATE_CORRECTION_H_
