// The parts of the entry's routines (entry_routines.h), a file each. Types are
// those of entry_routines.cc; every part may call every other.
#ifndef KILN_COMPILER_CODEGEN_ENTRY_ROUTINE_TEXTS_H_
#define KILN_COMPILER_CODEGEN_ENTRY_ROUTINE_TEXTS_H_

namespace kiln {

extern const char kTemplateRoutines[];  // fill a step's template in
extern const char kErrorRoutines[];     // tell the host what went wrong
extern const char kLaunchRoutines[];    // run kernels and extern ops
extern const char kBufferRoutines[];    // buffers' records: made, kept, released
extern const char kOutputRoutines[];    // outputs for the host
extern const char kCallRoutines[];      // what a call begins and ends with
extern const char kRunRoutine[];        // the interpreter of entry programs

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_ENTRY_ROUTINE_TEXTS_H_
