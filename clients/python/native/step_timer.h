// Between one artifact and the Profiler: which step runs now. An artifact's steps
// run in one order, that of its manifest, so counting them says which one it is;
// a kernel's number says which versions of it were left out.
#ifndef KILN_CLIENTS_PYTHON_NATIVE_STEP_TIMER_H_
#define KILN_CLIENTS_PYTHON_NATIVE_STEP_TIMER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/python/native/profiler.h"
#include "clients/runtime/expr_program.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// The steps of one artifact. Immutable, thread-safe.
class ProfiledSteps {
 public:
  // `nodes` describe the canonical nodes of the graph. BAD_EXPRESSION.
  static absl::StatusOr<ProfiledSteps> Create(const v1::Manifest& manifest, const std::string& graph,
                                              const std::vector<std::string>& nodes);

 private:
  friend class StepTimer;
  struct Step {
    int row = 0;
    int kernel = -1;  // -1: an extern operator
    std::string label;  // as PyTorch's profiler shows it
    std::optional<ExprProgram> bytes, operations;
  };
  std::vector<Step> steps_;
};

// One call of the artifact. Not thread-safe: begin and end come from the thread
// that called it.
class StepTimer {
 public:
  // `symbols` are those of the call; both outlive the timer.
  StepTimer(const ProfiledSteps& steps, const int64_t* symbols) : steps_(steps), symbols_(symbols) {}

  void BeginKernel(int kernel) { Begin(kernel); }
  void BeginExternOp() { Begin(-1); }
  // Of whichever began last.
  void End();

 private:
  void Begin(int kernel);

  const ProfiledSteps& steps_;
  const int64_t* const symbols_;
  size_t next_ = 0;
  const ProfiledSteps::Step* running_ = nullptr;
  int64_t start_nanoseconds_ = 0;
  void* record_ = nullptr;  // PyTorch's
};

}  // namespace kiln

#endif  // KILN_CLIENTS_PYTHON_NATIVE_STEP_TIMER_H_
