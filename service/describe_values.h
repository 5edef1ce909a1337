// What a propagation found, as Propagate answers with it.
#ifndef KILN_SERVICE_DESCRIBE_VALUES_H_
#define KILN_SERVICE_DESCRIBE_VALUES_H_

#include "fake_runtime/fake_tensor_mode.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

v1::PropagateResponse DescribeValues(const FakeGraph& fake);

}  // namespace kiln

#endif  // KILN_SERVICE_DESCRIBE_VALUES_H_
