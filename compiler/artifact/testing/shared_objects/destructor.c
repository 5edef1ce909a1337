#include "compiler/artifact/kiln_abi.h"

__attribute__((destructor)) static void RunAtUnload(void) { __builtin_trap(); }

int32_t kiln_entry(const KilnHost* host, KilnContext* context, const KilnCall* call) { return KILN_OK; }
