// A compiler for tests of the service: instant unless told otherwise, and as badly
// behaved as the test asks. It makes artifacts that the front accepts (a manifest
// in an ELF whose entry does nothing). Options it takes:
//   estimate_ms  what it says that it will take, instead of the truth
//   guards       conditions over canonical symbols, ';' between them
//   late_guards  more of them, that propagation does not tell
//   performance_guard  one that is left out when they are forbidden
//   ms           how long it takes after propagation
//   pin          symbols, ';' between them, each with a guard that it is what it is
//   bytes        how large the artifact is, at least
//   needs, calls a processor feature and an operator that the artifact needs
//   behave       "abort", "hang", "eat_memory" (after propagation), "stop" (until SIGCONT), "refuse" (a
//                typed error), "early_abort" (before propagation), "other_key",
//                "other_build", "other_guards", "false_guard", "other_symbols",
//                "needs_avx9", "junk", "constructor": what a worker that was taken
//                over may return; "uses_all": code for each feature of the target
#ifndef KILN_SERVICE_TESTING_FAKE_COMPILER_H_
#define KILN_SERVICE_TESTING_FAKE_COMPILER_H_

#include "service/compiler_entry.h"

namespace kiln {

CompilerEntry FakeCompiler();

}  // namespace kiln

#endif  // KILN_SERVICE_TESTING_FAKE_COMPILER_H_
