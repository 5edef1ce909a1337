// Where the shape profile lives between processes: values by key, both opaque bytes. A
// write need not be synced: what is lost is observed again.
//
// Implementations are thread-safe. STORAGE: a fault.
#ifndef KILN_CACHE_PROFILE_STORE_H_
#define KILN_CACHE_PROFILE_STORE_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace kiln {

class ProfileStore {
 public:
  virtual ~ProfileStore() = default;
  virtual absl::Status PutProfile(absl::string_view key, absl::string_view value) = 0;
  virtual absl::Status RemoveProfile(absl::string_view key) = 0;
  // In the order of the keys. `visit` must not call the store.
  virtual absl::Status VisitProfiles(
      const std::function<void(absl::string_view key, absl::string_view value)>& visit) = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_PROFILE_STORE_H_
