// What the values of command line options must be.
#ifndef KILN_CLIENTS_CLI_OPTION_CHECKS_H_
#define KILN_CLIENTS_CLI_OPTION_CHECKS_H_

#include <CLI/Error.hpp>
#include <CLI/Validators.hpp>

namespace kiln {

// The longest time that an option takes, 30 years, and the shortest that is one.
inline constexpr double kMaxSeconds = 1e9;
inline constexpr double kMinSeconds = 1e-3;

// A number from `least` to `most`, both included. Not a number and the infinities are
// refused, which CLI::Range lets through.
CLI::Validator NumberWithin(double least, double most);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_OPTION_CHECKS_H_
