# ccache and a fast linker where they are installed, sanitizers on request.
find_program(KILN_CCACHE ccache)
if(KILN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${KILN_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${KILN_CCACHE})
endif()

find_program(KILN_MOLD mold)
if(KILN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(KILN_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
if(KILN_SANITIZE)
  add_compile_options(-fsanitize=${KILN_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${KILN_SANITIZE})
endif()

# Coverage for libFuzzer in every object, AddressSanitizer, UndefinedBehaviorSanitizer
# that ends the run, and our own asserts; tests/fuzz links the fuzzers. Clang only.
# Without vptr and function: they want the type information of libraries that were
# built without them.
option(KILN_FUZZ "Build the fuzzers of tests/fuzz" OFF)
if(KILN_FUZZ)
  set(_sanitizers address,undefined,float-cast-overflow)
  add_compile_options(-fsanitize=fuzzer-no-link,${_sanitizers} -fno-sanitize=vptr,function
                      -fno-sanitize-recover=undefined,float-cast-overflow
                      -fno-omit-frame-pointer -O1 -gline-tables-only -UNDEBUG -Wno-unknown-warning-option)
  add_link_options(-fsanitize=${_sanitizers})
endif()
