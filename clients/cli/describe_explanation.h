// What `kiln explain` prints: an answer of the Explain RPC, for people.
#ifndef KILN_CLIENTS_CLI_DESCRIBE_EXPLANATION_H_
#define KILN_CLIENTS_CLI_DESCRIBE_EXPLANATION_H_

#include <string>

#include "kiln/v1/compile_service.pb.h"

namespace kiln {

std::string DescribeExplanation(const v1::ExplainResponse& explanation);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_DESCRIBE_EXPLANATION_H_
