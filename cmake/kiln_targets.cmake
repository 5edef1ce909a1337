# kiln_library, kiln_test, kiln_binary: the only ways to make a target.
#
#   kiln_library(fake_runtime_graph SRCS graph.cc DEPS base PRIVATE_DEPS ...)
#
# A library of the house is named after its folder, '/' written as '_'
# (fake_runtime/graph -> fake_runtime_graph, alias kiln::fake_runtime_graph).
# Edges between folders are checked against cmake/kiln_layers.cmake.

function(_kiln_setup target)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wno-restrict)
endfunction()

function(kiln_library name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;PRIVATE_DEPS" ${ARGN})
  kiln_check_layers(${name} ${ARG_DEPS} ${ARG_PRIVATE_DEPS})
  if(NOT ARG_SRCS)
    # Headers only.
    add_library(kiln_${name} INTERFACE)
    add_library(kiln::${name} ALIAS kiln_${name})
    target_include_directories(kiln_${name} INTERFACE ${PROJECT_SOURCE_DIR})
    _kiln_link(kiln_${name} INTERFACE ${ARG_DEPS})
    return()
  endif()
  add_library(kiln_${name} STATIC ${ARG_SRCS})
  add_library(kiln::${name} ALIAS kiln_${name})
  _kiln_setup(kiln_${name})
  _kiln_link(kiln_${name} PUBLIC ${ARG_DEPS})
  _kiln_link(kiln_${name} PRIVATE ${ARG_PRIVATE_DEPS})
  set_target_properties(kiln_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()

# LABELS: ctest labels. ENV: NAME=value pairs. TIMEOUT: seconds, 120 unless told.
function(kiln_test name)
  if(NOT KILN_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "SRCS;DEPS;LABELS;ENV" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  _kiln_setup(${name})
  _kiln_link(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  if(ARG_ENV)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${ARG_ENV}")
  endif()
endfunction()

function(kiln_binary name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  _kiln_setup(${name})
  _kiln_link(${name} PRIVATE ${ARG_DEPS})
endfunction()

# Bare names are libraries of the house; names with '::' are other people's.
function(_kiln_link target scope)
  foreach(dep ${ARGN})
    if(dep MATCHES "::")
      target_link_libraries(${target} ${scope} ${dep})
    else()
      target_link_libraries(${target} ${scope} kiln::${dep})
    endif()
  endforeach()
endfunction()
