// The shape profile for people.
#ifndef KILN_CLIENTS_CLI_DESCRIBE_SHAPES_H_
#define KILN_CLIENTS_CLI_DESCRIBE_SHAPES_H_

#include <string>

#include "kiln/v1/compile_service.pb.h"

namespace kiln {

// The subject's name and the first digits of its digest, then a line for each dimension:
//   forward at model.py:41  (3f2a81c09b4e)
//     L['x']:0  varies  2 to 512, 1000 times, divided at 17
//     L['x']:1          16, 1000 times
std::string DescribeShapes(const v1::ProfileShapesResponse::Subject& subject);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_DESCRIBE_SHAPES_H_
