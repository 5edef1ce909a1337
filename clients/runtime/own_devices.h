// A graph's key knows its devices by the order of their first use, so that all ranks of
// a job share one; this gives a host its own back. In an artifact's manifest "cuda:0" is
// the first cuda device of the graph, which on rank 3 may be cuda:3.
#ifndef KILN_CLIENTS_RUNTIME_OWN_DEVICES_H_
#define KILN_CLIENTS_RUNTIME_OWN_DEVICES_H_

#include <vector>

#include "kiln/v1/artifact.pb.h"

namespace kiln {

// In every input and output. `own`: the host's indexed devices in the order of their
// first use in its graph (CanonicalGraph.original_devices). A device that is not among
// them, or has no index, stays as it is.
void GiveOwnDevices(const std::vector<v1::Device>& own, v1::Manifest& manifest);

}  // namespace kiln

#endif  // KILN_CLIENTS_RUNTIME_OWN_DEVICES_H_
