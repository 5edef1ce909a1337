# Every dependency, once. Versions are those of Debian 12.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(libzstd REQUIRED IMPORTED_TARGET libzstd)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Protobuf REQUIRED)

if(KILN_BUILD_TESTS)
  find_package(GTest REQUIRED)
  # Debian packs no CMake module for Z3.
  find_library(KILN_Z3_LIBRARY z3 REQUIRED)
  add_library(kiln_z3 INTERFACE)
  add_library(Z3::z3 ALIAS kiln_z3)
  target_link_libraries(kiln_z3 INTERFACE ${KILN_Z3_LIBRARY})
endif()

if(NOT KILN_CLIENT_ONLY)
  find_package(gRPC REQUIRED)
  find_package(prometheus-cpp REQUIRED)
  # Debian's RocksDBConfig.cmake asks for a zstd module that Debian does not pack,
  # so the library is found by name.
  find_library(KILN_ROCKSDB_LIBRARY rocksdb REQUIRED)
  find_path(KILN_ROCKSDB_INCLUDE rocksdb/db.h REQUIRED)
  add_library(kiln_rocksdb INTERFACE)
  add_library(rocksdb::rocksdb ALIAS kiln_rocksdb)
  target_include_directories(kiln_rocksdb SYSTEM INTERFACE ${KILN_ROCKSDB_INCLUDE})
  target_link_libraries(kiln_rocksdb INTERFACE ${KILN_ROCKSDB_LIBRARY})
  # Debian's hiredis is 0.14: its reader of replies and its writer of commands.
  pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)
  # What the server's processes allocate with: a herd costs it a quarter less than with
  # glibc's malloc. A sanitizer brings its own.
  add_library(kiln_jemalloc INTERFACE)
  add_library(jemalloc::jemalloc ALIAS kiln_jemalloc)
  if(NOT KILN_SANITIZE)
    pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)
    target_link_libraries(kiln_jemalloc INTERFACE PkgConfig::jemalloc)
  endif()
  find_package(CLI11 REQUIRED)
  find_package(spdlog REQUIRED)
  find_package(benchmark REQUIRED)
  # Debian packs 19.1.7; a plain `19` is refused by LLVM's version file.
  find_package(LLVM 19.1 REQUIRED CONFIG HINTS /usr/lib/llvm-19)
  add_library(kiln_llvm INTERFACE)
  add_library(llvm::llvm ALIAS kiln_llvm)
  target_include_directories(kiln_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
  target_link_libraries(kiln_llvm INTERFACE LLVM)
  target_link_directories(kiln_llvm INTERFACE ${LLVM_LIBRARY_DIRS})
  # lld's static libraries compress debug sections.
  find_package(ZLIB REQUIRED)
  add_library(kiln_lld INTERFACE)
  add_library(lld::elf ALIAS kiln_lld)
  target_link_libraries(kiln_lld INTERFACE ${LLVM_LIBRARY_DIRS}/liblldELF.a ${LLVM_LIBRARY_DIRS}/liblldCommon.a llvm::llvm
                        ZLIB::ZLIB PkgConfig::libzstd)
endif()
