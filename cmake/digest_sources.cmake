# Writes a header with one digest over the sources that decide what code a graph
# becomes. Run as a script: cmake -DROOT=... -DOUT=... -P digest_sources.cmake.
# The header is touched only when the digest changes.
set(listing "")
foreach(room base fake_runtime compiler proto)
  file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/${room}/*.cc ${ROOT}/${room}/*.h ${ROOT}/${room}/*.def
       ${ROOT}/${room}/*.proto)
  list(FILTER files EXCLUDE REGEX "_test\\.cc$|/testing/")
  foreach(name ${files})
    file(SHA256 ${ROOT}/${name} digest)
    string(APPEND listing "${name} ${digest}\n")
  endforeach()
endforeach()
string(SHA256 digest "${listing}")
set(text "#define KILN_SOURCES_DIGEST \"${digest}\"\n")
set(old "")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUT} "${text}")
endif()
