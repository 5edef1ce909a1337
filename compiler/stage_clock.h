// Measures stages, one after the other.
#ifndef KILN_COMPILER_STAGE_CLOCK_H_
#define KILN_COMPILER_STAGE_CLOCK_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// Not thread-safe.
class StageClock {
 public:
  StageClock();
  // What ran since the last call, or since construction, was `stage`.
  void Finish(absl::string_view stage);
  // What ran since the last call was nobody's: somebody else was waited for.
  void Skip();
  std::vector<v1::StageTime> Take() && { return std::move(times_); }

 private:
  absl::Time last_;
  std::vector<v1::StageTime> times_;
};

}  // namespace kiln

#endif  // KILN_COMPILER_STAGE_CLOCK_H_
