// Looks after what nobody asks for: reads rows and artifacts again, one after the
// other in the order of their names, and drops what is not what it was. Artifacts rot
// on disks that nobody reads, and a job that finds out at its start finds out late.
//
// It verifies nothing itself: the store that it is given does, whenever it is read
// (verified_store.h), and counts what it drops. A row whose artifact is gone is dropped
// here. Reading is spread over time, so many bytes a second; a pass over everything is
// followed by a rest.
//
//   absl::Duration rest = scrubber.Step();   // until the next step is due
//
// Steps are for one thread; counters for any.
#ifndef KILN_CACHE_SCRUBBER_H_
#define KILN_CACHE_SCRUBBER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "cache/artifact_store.h"

namespace kiln {

struct ScrubCounters {
  int64_t rows = 0;
  int64_t bytes = 0;
  int64_t dropped = 0;  // rows, with what they name
  int64_t passes = 0;   // over everything
};

class Scrubber {
 public:
  struct Options {
    int64_t bytes_per_second = int64_t{4} << 20;
    absl::Duration rest_after_pass = absl::Hours(1);
    // When the store fails; what cannot be read now is not gone.
    absl::Duration rest_after_fault = absl::Minutes(1);
  };

  // `store` verifies what it returns.
  Scrubber(std::shared_ptr<ArtifactStore> store, Options options);

  // Reads the next row and its artifact. How long to rest: as long as so many bytes
  // may take.
  absl::Duration Step();

  ScrubCounters Counters() const;

 private:
  // Constant after construction.
  const std::shared_ptr<ArtifactStore> store_;
  const Options options_;

  // The row that was read last.
  std::optional<RowName> last_;
  std::atomic<int64_t> rows_{0};
  std::atomic<int64_t> bytes_{0};
  std::atomic<int64_t> dropped_{0};
  std::atomic<int64_t> passes_{0};
};

}  // namespace kiln

#endif  // KILN_CACHE_SCRUBBER_H_
