#include "compiler/artifact/kiln_abi.h"

// A pointer in data: no procedure table, just a symbol that another library has.
int puts(const char* text);
static int (*const kPuts)(const char* text) = puts;

int32_t kiln_entry(const KilnHost* host, KilnContext* context, const KilnCall* call) {
  int (*const volatile* print)(const char* text) = &kPuts;
  return (*print)("hello");
}
