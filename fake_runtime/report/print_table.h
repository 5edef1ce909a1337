// The table that `kiln propagate` prints: a row a value, under each node the
// guards that it made; then the minimal guards, runtime asserts and symbols.
#ifndef KILN_FAKE_RUNTIME_REPORT_PRINT_TABLE_H_
#define KILN_FAKE_RUNTIME_REPORT_PRINT_TABLE_H_

#include <string>

#include "fake_runtime/report/propagation_report.h"

namespace kiln {

enum class TableColor {
  kNone,
  kAnsi,  // a terminal's escape sequences
};

std::string PrintTable(const PropagationReport& report, TableColor color = TableColor::kNone);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_REPORT_PRINT_TABLE_H_
