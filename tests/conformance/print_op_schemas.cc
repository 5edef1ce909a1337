// Reads PyTorch schema strings, one a line, and prints what the parser made of
// each, or "refused: why". op_schema_round_trip.py compares this to the input.
#include <iostream>
#include <string>

#include "fake_runtime/graph/op_schema.h"

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    absl::StatusOr<kiln::OpSchema> schema = kiln::ParseOpSchema(line);
    if (schema.ok()) {
      std::cout << schema->ToString() << "\n";
    } else {
      std::cout << "refused: " << schema.status().message() << "\n";
    }
  }
}
