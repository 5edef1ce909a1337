// The target of the machine that runs the tests.
#ifndef KILN_COMPILER_CODEGEN_TESTING_TEST_TARGET_H_
#define KILN_COMPILER_CODEGEN_TESTING_TEST_TARGET_H_

#include "kiln/v1/artifact.pb.h"

namespace kiln {

// With the features that this processor has of those that codegen knows.
// `max_vector_bits` bounds the width that is asked for.
v1::Target TestTarget(int max_vector_bits = 512);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_TEST_TARGET_H_
