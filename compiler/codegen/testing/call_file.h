// How a test and a host in an emulator tell each other of calls: numbers of 64
// bits and blobs (a number of bytes, then the bytes), one after the other. Both are
// little-endian machines. Plain C++, since the host has nothing of the house.
//
//   calls   = #dtypes { wire id, bytes of an element } #calls { call }
//   call    = #symbols { value } #outputs #storages { blob } #inputs { input }
//   input   = 0 value | 1 wire id, #dims { size } { stride } offset storage
//   results = #calls { status node message-blob #outputs { output } #storages { blob } }
//   output  = 0 (not made) | 1 wire id, #dims { size } { stride } blob | 2 type value
//
// The blob of an output starts at its first element. The storages of a result are
// the call's as the call left them.
#ifndef KILN_COMPILER_CODEGEN_TESTING_CALL_FILE_H_
#define KILN_COMPILER_CODEGEN_TESTING_CALL_FILE_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

// What an input or output is.
enum CallFileKind : int64_t { kCallFileInt = 0, kCallFileTensor = 1, kCallFileNotMade = 0, kCallFileScalar = 2 };

class CallFileWriter {
 public:
  void Put(int64_t value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value)); }
  void Put(std::string_view blob) {
    Put(static_cast<int64_t>(blob.size()));
    bytes_ += blob;
  }
  // Without their number.
  void PutAll(const std::vector<int64_t>& values) {
    for (int64_t value : values) Put(value);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Of a file that was cut short, numbers are 0 and `ok` is false.
class CallFileReader {
 public:
  explicit CallFileReader(std::string_view bytes) : rest_(bytes) {}

  int64_t Int() {
    int64_t value = 0;
    const std::string_view bytes = Take(sizeof(value));
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }
  std::string_view Blob() { return Take(Int()); }
  std::vector<int64_t> Ints(int64_t count) {
    std::vector<int64_t> values;
    for (int64_t i = 0; i < count && ok_; ++i) values.push_back(Int());
    return values;
  }
  bool ok() const { return ok_; }

 private:
  std::string_view Take(int64_t size) {
    if (size < 0 || static_cast<uint64_t>(size) > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, static_cast<size_t>(size));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_CALL_FILE_H_
