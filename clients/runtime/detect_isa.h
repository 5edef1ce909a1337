// The architecture and ISA features of this machine's processor. One .cc a
// processor, of which the build takes its own; plain C++, so that one for another
// processor is compiled and run by tests that have nothing else for it.
#ifndef KILN_CLIENTS_RUNTIME_DETECT_ISA_H_
#define KILN_CLIENTS_RUNTIME_DETECT_ISA_H_

#include <string>
#include <vector>

namespace kiln {

// As kiln.v1.Target says them.
struct DetectedIsa {
  std::string arch;
  // Sorted; only those that both the processor and the operating system support.
  std::vector<std::string> features;
  int vector_bits = 128;
};

// No subprocess, microseconds. Thread-safe.
DetectedIsa DetectIsa();

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_DETECT_ISA_H_
