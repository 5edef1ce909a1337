// Runs aarch64 artifacts on this machine, under qemu-user: as TestHost does for
// this machine's own, without extern operators.
//
//   KILN_ASSIGN_OR_RETURN(auto outputs, RunEmulated(elf, TestSignature::Of(program), {{inputs, symbols}}, "max"));
#ifndef KILN_COMPILER_CODEGEN_TESTING_EMULATED_HOST_H_
#define KILN_COMPILER_CODEGEN_TESTING_EMULATED_HOST_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/codegen/testing/test_host.h"

namespace kiln {

struct EmulatedCall {
  std::vector<PlainTensor> inputs;
  std::map<std::string, int64_t> symbols;
};

// The outputs of each call. `processor` is qemu's: "cortex-a72" faults on what is
// not in ARMv8.0, "max,sve-max-vq=2" has SVE registers of 2 * 128 bits. One process
// makes all calls. A call that fails is an Internal status, as of TestHost.
absl::StatusOr<std::vector<std::vector<PlainTensor>>> RunEmulated(absl::string_view elf,
                                                                  const TestSignature& signature,
                                                                  const std::vector<EmulatedCall>& calls,
                                                                  const std::string& processor);

// What DetectIsa prints on such a processor: "aarch64 128 neon ...".
absl::StatusOr<std::string> DetectEmulated(const std::string& processor);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_EMULATED_HOST_H_
