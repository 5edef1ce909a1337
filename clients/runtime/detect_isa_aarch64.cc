#include <sys/auxv.h>
#include <sys/prctl.h>

#include "clients/runtime/aarch64_hwcaps.h"

namespace kiln {
namespace {

// Where there is SVE, the answer is the length in bytes, with flags above.
int SveBits() {
  const int answer = prctl(PR_SVE_GET_VL);
  return answer < 0 ? 0 : (answer & PR_SVE_VL_LEN_MASK) * 8;
}

}  // namespace

DetectedIsa DetectIsa() { return DescribeAArch64(getauxval(AT_HWCAP), getauxval(AT_HWCAP2), SveBits()); }

}  // namespace kiln
