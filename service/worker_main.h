// A compile worker's life: one request in, one answer out, then the end. Runs in
// a process of its own, forked from the zygote; see worker.proto for what is said.
#ifndef KILN_SERVICE_WORKER_MAIN_H_
#define KILN_SERVICE_WORKER_MAIN_H_

#include "service/compiler_entry.h"
#include "service/unique_fd.h"

namespace kiln {

// The exit code: 0 when the front got an answer, even a refusal.
int RunWorker(UniqueFd socket, const CompilerEntry& compiler);

}  // namespace kiln

#endif  // KILN_SERVICE_WORKER_MAIN_H_
