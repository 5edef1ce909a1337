#include "compiler/artifact/kiln_abi.h"

int32_t another(void) { return 1; }

int32_t kiln_entry(const KilnHost* host, KilnContext* context, const KilnCall* call) { return KILN_OK; }
