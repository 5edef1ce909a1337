#include "cache/shared_index.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "cache/open_row.h"

namespace kiln {
namespace {

// Keys whose cursors are kept, in each shard: about 2 MB in all. A key whose cursor
// is forgotten is read from the start once more.
constexpr size_t kMaxKeysPerShard = 1024;
constexpr size_t kMaxRestored = 64;
// Rows read by one pull, at 0.1 ms each; the next goes on from there.
constexpr size_t kMaxRowsPerPull = 8192;

using Held = absl::flat_hash_map<Digest, IndexedVariantPtr>;

// True, and noted as seen, for a row that the caller has byte for byte: it has been
// verified, and a signature costs more than the rest of the reading.
bool IsHeld(const SharedRow& row, const Held& held, absl::flat_hash_set<Digest>& seen) {
  if (held.empty() || !row.signed_variant.has_value()) return false;
  const auto at = held.find(Sha256(row.signed_variant->record()));
  if (at == held.end()) return false;
  seen.insert(at->second->artifact);
  return true;
}

}  // namespace

SharedIndex::SharedIndex(std::shared_ptr<SharedTier> tier, std::shared_ptr<const Trust> trusted,
                         SharedIndexOptions options, const Clock* clock)
    : tier_(std::move(tier)), trusted_(std::move(trusted)), options_(std::move(options)), clock_(clock) {}

SharedIndex::Shard& SharedIndex::ShardOf(const VariantKey& key) const {
  return shards_[static_cast<unsigned char>(key.digest.bytes().back()) % kShards];
}

bool SharedIndex::Ask(const VariantKey& key, absl::FunctionRef<bool(const KeyState&)> read) const {
  const Shard& shard = ShardOf(key);
  absl::ReaderMutexLock lock(&shard.mutex);
  const auto at = shard.keys.find(key);
  static const KeyState& kNone = *new KeyState;
  return read(at == shard.keys.end() ? kNone : at->second);
}

SharedIndex::KeyState SharedIndex::StateOf(const VariantKey& key) const {
  KeyState state;
  Ask(key, [&state](const KeyState& found) {
    state = found;
    return true;
  });
  return state;
}

void SharedIndex::SetState(const VariantKey& key, KeyState state) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  if (shard.keys.size() >= kMaxKeysPerShard && !shard.keys.contains(key)) shard.keys.clear();
  shard.keys[key] = std::move(state);
}

bool SharedIndex::NeedsFromStart(const KeyState& state) const {
  const absl::Duration age = clock_->Monotonic() - state.read_from_start_at;
  if (age >= options_.refresh_interval) return true;
  return state.epoch != epoch_.load(std::memory_order_relaxed) && age >= options_.min_refresh_interval;
}

bool SharedIndex::IsQuiet() const {
  return absl::ToInt64Nanoseconds(clock_->Monotonic()) < quiet_until_.load(std::memory_order_relaxed);
}

bool SharedIndex::IsDue(const VariantKey& key) const {
  if (IsQuiet()) return false;
  return Ask(key, [this](const KeyState& state) {
    return clock_->Monotonic() - state.read_at >= options_.min_pull_interval || NeedsFromStart(state);
  });
}

bool SharedIndex::IsStale(const VariantKey& key) const {
  return Ask(key, [this](const KeyState& state) { return NeedsFromStart(state); }) && !IsQuiet();
}

void SharedIndex::NoteFailure() {
  if (tier_->State().up) return;
  quiet_until_.store(absl::ToInt64Nanoseconds(clock_->Monotonic() + options_.down_interval),
                     std::memory_order_relaxed);
}

void SharedIndex::NoteComeback() {
  const int64_t times_down = tier_->State().times_down;
  if (times_down_seen_.exchange(times_down, std::memory_order_relaxed) != times_down) {
    epoch_.fetch_add(1, std::memory_order_relaxed);
  }
}

absl::StatusOr<SharedIndex::Pulled> SharedIndex::Pull(absl::string_view domain, const VariantKey& key,
                                                      const std::function<Variants()>& known, When when) {
  if (when == When::kIfDue && !IsDue(key)) {
    pulls_saved_.fetch_add(1, std::memory_order_relaxed);
    return Pulled();
  }
  pulls_.fetch_add(1, std::memory_order_relaxed);
  KeyState state = StateOf(key);
  Pulled pulled;
  pulled.from_start = NeedsFromStart(state);
  if (pulled.from_start) state.cursor.clear();
  const absl::Duration now = clock_->Monotonic();
  // Before the reading: what is lost meanwhile is found by the next.
  int64_t epoch = epoch_.load(std::memory_order_relaxed);
  absl::Status status = ReadOn(domain, key, pulled.from_start ? known() : Variants(), state, pulled);
  if (GetErrorReason(status) == ErrorReason::kArtifactNotFound) {
    // The log was begun anew, and who knows what else the tier has lost.
    epoch = epoch_.fetch_add(1, std::memory_order_relaxed) + 1;
    state.cursor.clear();
    pulled = Pulled();
    pulled.from_start = true;
    status = ReadOn(domain, key, known(), state, pulled);
  }
  state.read_at = now;
  if (!status.ok()) {
    NoteFailure();
    SetState(key, std::move(state));
    return status;
  }
  if (pulled.from_start) {
    state.read_from_start_at = now;
    state.epoch = epoch;
  }
  SetState(key, std::move(state));
  NoteComeback();
  return pulled;
}

absl::Status SharedIndex::ReadOn(absl::string_view domain, const VariantKey& key, const Variants& known,
                                 KeyState& state, Pulled& pulled) {
  Held held;
  for (const IndexedVariantPtr& variant : known) held[Sha256(variant->signed_variant.record())] = variant;
  absl::flat_hash_set<Digest> known_artifacts;
  for (const IndexedVariantPtr& variant : known) known_artifacts.insert(variant->artifact);
  absl::flat_hash_set<Digest> seen;
  size_t num_read = 0;
  bool more = true;
  while (more && num_read < kMaxRowsPerPull) {
    KILN_ASSIGN_OR_RETURN(LogPage page, tier_->ReadLog(domain, key, state.cursor));
    if (page.lost) return MakeError(ErrorReason::kArtifactNotFound, "the log was begun anew");
    num_read += page.rows.size();
    for (const SharedRow& row : page.rows) {
      if (IsHeld(row, held, seen)) continue;
      absl::StatusOr<IndexedVariantPtr> variant = Verify(key, row);
      if (!variant.ok()) {
        // A row of a key that is not trusted here may be somebody else's. The last one
        // is where the next reading goes on.
        const bool is_nobodys = GetErrorReason(variant.status()) == ErrorReason::kArtifactCorrupt;
        if (is_nobodys && row.at != page.end) tier_->RemoveRow(domain, key, row.at).IgnoreError();
        continue;
      }
      if (!seen.insert((*variant)->artifact).second || known_artifacts.contains((*variant)->artifact)) continue;
      rows_.fetch_add(1, std::memory_order_relaxed);
      pulled.rows.push_back(*std::move(variant));
    }
    // A tier that gives the same page for ever is not followed for ever.
    more = page.more && page.end != state.cursor;
    state.cursor = page.end;
  }
  // What stands behind the part that was read is not known to be lacking.
  if (!pulled.from_start || more) return absl::OkStatus();
  for (const IndexedVariantPtr& variant : known) {
    (seen.contains(variant->artifact) ? pulled.present : pulled.lacking).push_back(variant);
  }
  return absl::OkStatus();
}

void SharedIndex::ComplainOnce(std::atomic<bool>& told, absl::string_view what) {
  if (!told.exchange(true) && options_.complain != nullptr) options_.complain(what);
}

absl::StatusOr<IndexedVariantPtr> SharedIndex::Verify(const VariantKey& key, const SharedRow& row) {
  absl::StatusOr<IndexedVariantPtr> variant = MakeError(ErrorReason::kArtifactCorrupt, "an entry is no signed row");
  if (row.signed_variant.has_value()) variant = OpenRow(*trusted_, key, *row.signed_variant);
  if (variant.ok()) {
    dropped_.Forget(key);
    return variant;
  }
  if (GetErrorReason(variant.status()) == ErrorReason::kArtifactRevoked) {
    dropped_.NoteRevoked(key);
    return variant;
  }
  dropped_.NoteRow(key);
  ComplainOnce(told_row_, absl::StrCat("the shared tier holds rows that are not to be trusted; the first, of key ",
                                       key.digest.ToShortHex(), ": ", variant.status().message()));
  return variant;
}

absl::StatusOr<ArtifactBytes> SharedIndex::Fetch(absl::string_view domain, const Digest& sha256) {
  absl::StatusOr<ArtifactBytes> elf = tier_->GetArtifact(domain, sha256);
  if (elf.ok()) {
    const Digest actual = Sha256(**elf);
    if (actual == sha256) return elf;
    elf = MakeError(ErrorReason::kArtifactCorrupt, absl::StrCat("artifact ", sha256.ToShortHex(),
                                                                " has bytes of digest ", actual.ToShortHex()));
  }
  if (GetErrorReason(elf.status()) != ErrorReason::kArtifactCorrupt) return elf;
  dropped_.NoteArtifact();
  ComplainOnce(told_artifact_, absl::StrCat("the shared tier holds corrupt artifacts; the first: ",
                                            elf.status().message()));
  tier_->RemoveArtifact(domain, sha256).IgnoreError();
  return elf;
}

absl::Status SharedIndex::Publish(const IndexedVariant& variant, const ArtifactBytes& elf) {
  if (!tier_->takes_writes()) return absl::OkStatus();
  const std::string& domain = variant.record.key().domain();
  KILN_RETURN_IF_ERROR(tier_->PutArtifact(domain, variant.artifact, elf));
  return tier_->AppendRow(domain, variant.key, variant.signed_variant);
}

void SharedIndex::RestoreOne(const IndexedVariant& variant, bool with_row,
                             const std::function<ArtifactBytes(const Digest&)>& local) {
  const ArtifactBytes elf = local(variant.artifact);
  if (elf == nullptr) return;
  const absl::Status status = with_row ? Publish(variant, elf)
                                       : tier_->PutArtifact(variant.record.key().domain(), variant.artifact, elf);
  if (status.ok()) restored_.fetch_add(1, std::memory_order_relaxed);
}

void SharedIndex::Restore(const Pulled& pulled, const std::function<ArtifactBytes(const Digest&)>& local) {
  if (!tier_->takes_writes()) return;
  for (size_t i = 0; i < std::min(kMaxRestored, pulled.lacking.size()); ++i) {
    RestoreOne(*pulled.lacking[i], /*with_row=*/true, local);
  }
  const size_t count = std::min(kMaxRestored, pulled.present.size());
  if (count == 0) return;
  std::vector<Digest> digests;
  for (size_t i = 0; i < count; ++i) digests.push_back(pulled.present[i]->artifact);
  const std::string& domain = pulled.present.front()->record.key().domain();
  absl::StatusOr<std::vector<bool>> has = tier_->HasArtifacts(domain, digests);
  if (!has.ok()) return;
  for (size_t i = 0; i < count; ++i) {
    if (!(*has)[i]) RestoreOne(*pulled.present[i], /*with_row=*/false, local);
  }
}

SharedCounters SharedIndex::Counters() const {
  return {.tier = tier_->State(),
          .pulls = pulls_.load(std::memory_order_relaxed),
          .pulls_saved = pulls_saved_.load(std::memory_order_relaxed),
          .rows = rows_.load(std::memory_order_relaxed),
          .restored = restored_.load(std::memory_order_relaxed),
          .untrusted_rows = dropped_.num_rows(),
          .corrupt_artifacts = dropped_.num_artifacts()};
}

}  // namespace kiln
