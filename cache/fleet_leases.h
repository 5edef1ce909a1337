// Who of a fleet compiles what: one lease for each compile that several replicas
// might make at once, with what its holder says of it. A lease saves work, and
// nothing else: whoever cannot get one, or loses it, compiles all the same, and
// what is served is never taken from here.
//
//   leases.Take({.name = name, .token = NewLeaseToken(), .says = says, .lifetime = absl::Seconds(6)});
//   ... compile, Renew() every third of the lifetime, publish ...
//   leases.Release(name, token);
//
// A lease is named by the identity of a flight (FlightIdentity). Leases of one key
// know of each other: a compile for other sizes may turn out to serve these too,
// once its guards are known, so Take() is refused as well while another's lease of
// the key is there that the caller has not looked at yet and passed over. All of it
// is one atomic step, so that of many who come at once one is first.
//
// Implementations are thread-safe. Calls may block on the network, for a bounded
// time. STORAGE: no answer, or none that makes sense; the lease may have been
// taken or released all the same.
#ifndef KILN_CACHE_FLEET_LEASES_H_
#define KILN_CACHE_FLEET_LEASES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/digest.h"
#include "cache/variant_key.h"
#include "kiln/v1/compile_lease.pb.h"

namespace kiln {

struct LeaseName {
  VariantKey key;
  Digest identity;

  friend auto operator<=>(const LeaseName&, const LeaseName&) = default;
};

struct HeldLease {
  Digest identity;
  std::string token;
  // Empty if what is there cannot be read.
  v1::CompileLease says;
};

struct LeaseAnswer {
  bool taken = false;
  // If it was not: those that are in the way, at most kMaxLeasesShown.
  std::vector<HeldLease> others;
};

class FleetLeases {
 public:
  struct Wish {
    LeaseName name;
    std::string token;
    v1::CompileLease says;
    absl::Duration lifetime;
    // Leases of the key that are not in the way. The name's own always is.
    std::vector<Digest> passed_over;
  };
  // A lease of this key has ended, or its holder says something new. Called on any
  // thread, must be brief; may be called for nothing, and may not be called.
  using Listener = std::function<void(const VariantKey&)>;

  virtual ~FleetLeases() = default;

  // A lease with the wish's own token is no obstacle: whoever did not hear the
  // answer may ask again.
  virtual absl::StatusOr<LeaseAnswer> Take(const Wish& wish) = 0;
  // Gives it its lifetime anew, and what it says from now on; `is_news` tells the
  // listeners. False: it has expired, or is another's by now.
  virtual absl::StatusOr<bool> Renew(const Wish& held, bool is_news) = 0;
  // Tells the listeners. No harm if it is another's by now.
  virtual absl::Status Release(const LeaseName& name, const std::string& token) = 0;

  // One listener, before anything else is called. None is called after it has been
  // replaced by nullptr.
  virtual void Listen(Listener listener) = 0;
};

inline constexpr size_t kLeaseTokenBytes = 32;
inline constexpr size_t kMaxLeasesShown = 64;
// A lease with all it says. A holder with more to say keeps its guards for itself.
inline constexpr size_t kMaxLeaseBytes = 64 << 10;

// Random, so that nobody renews or releases what is not its own: 32 hex digits.
std::string NewLeaseToken();

// The bytes of a lease in a store: its token, then the serialized message. Bytes
// that are no lease give one with an empty token or nothing said.
std::string EncodeLease(absl::string_view token, const v1::CompileLease& says);
HeldLease DecodeLease(const Digest& identity, absl::string_view bytes);

}  // namespace kiln

#endif  // KILN_CACHE_FLEET_LEASES_H_
