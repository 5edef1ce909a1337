#include "compiler/artifact/kiln_abi.h"

__attribute__((constructor)) static void RunAtLoad(void) { __builtin_trap(); }

int32_t kiln_entry(const KilnHost* host, KilnContext* context, const KilnCall* call) { return KILN_OK; }
