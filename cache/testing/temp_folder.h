// A folder that is gone with the object.
#ifndef KILN_CACHE_TESTING_TEMP_FOLDER_H_
#define KILN_CACHE_TESTING_TEMP_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <string>

namespace kiln {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kiln_cache_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace kiln

#endif  // KILN_CACHE_TESTING_TEMP_FOLDER_H_
