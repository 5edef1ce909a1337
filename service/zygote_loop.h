// What runs inside the nanny and the zygote. See zygote.h.
#ifndef KILN_SERVICE_ZYGOTE_LOOP_H_
#define KILN_SERVICE_ZYGOTE_LOOP_H_

#include "service/zygote.h"

namespace kiln {

// The nanny's whole life: keeps one zygote alive until `control` closes. Returns
// the process's exit code.
int RunNanny(UniqueFd control, const Zygote::Functions& functions);

// The zygote's whole life. Returns when `control` closes, and, with the worker's
// exit code, in each worker.
int RunZygote(UniqueFd control, const Zygote::Functions& functions);

// Ends this process when its parent does. False if the parent is dead already.
bool DieWithParent(pid_t parent);

}  // namespace kiln

#endif  // KILN_SERVICE_ZYGOTE_LOOP_H_
