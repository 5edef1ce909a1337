// What replicas tell one another, and what the disk tier keeps of it. The first byte says
// which: the bytes of a lease; entries of a log of sizes, each behind two bytes that say
// how long it is; or a stored profile. Nobody signs any of it, so none may do more harm
// than cost a wait or a symbolic compile.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cache/lease_judge.h"
#include "cache/shared_shapes.h"
#include "cache/testing/make_variant.h"
#include "tests/fuzz/require.h"

namespace kiln {
namespace {

constexpr char kDomain[] = "d";
constexpr int kThreshold = 2;

const Digest& Subject() {
  static const Digest subject = Sha256("subject");
  return subject;
}

void JudgeLease(const std::string& bytes) {
  const HeldLease held = DecodeLease(Sha256("another"), bytes);
  Require(held.token.empty() || held.token.size() == kLeaseTokenBytes, "a token is whole or not there");
  const FlightRequest request = {.key = MakeKey("g"),
                                 .symbols = SymbolNames(2),
                                 .symbol_values = {8, 16},
                                 .host = std::make_shared<const HostClass>(MakeHost()),
                                 .deadline = absl::Hours(2000)};
  const LeasePatience patience;
  LeaseJudge judge(patience, request);
  const absl::Duration now = absl::Hours(1000);
  const LeaseVerdict first = judge.Judge({held}, now);
  Require(first.step != LeaseStep::kWait || first.holder != nullptr, "who waits, waits for somebody");
  // For other sizes a lease that is late is as good as not there, whatever it says.
  const LeaseVerdict last = judge.Judge({held}, now + absl::Hours(999));
  Require(last.step == LeaseStep::kTake, "no lease is waited for without end");
}

// A log that has these entries, and remembers what is appended.
class GivenLog final : public ShapeLog {
 public:
  explicit GivenLog(std::vector<std::string>* entries) : entries_(entries) {}
  absl::Status Append(absl::string_view, const Digest&, absl::string_view entry) override {
    entries_->emplace_back(entry);
    return absl::OkStatus();
  }
  absl::StatusOr<ShapeLogPage> Read(absl::string_view, const Digest&, absl::string_view after) override {
    // The cursor is as many letters as entries were read.
    ShapeLogPage page{.entries = {entries_->begin() + static_cast<std::ptrdiff_t>(after.size()), entries_->end()}};
    page.end = std::string(entries_->size(), 'e');
    return page;
  }

 private:
  std::vector<std::string>* const entries_;
};

void RequireBounded(const SubjectShapes& shapes) {
  Require(shapes.subject() == Subject().bytes(), "a profile is of the subject that it is kept under");
  for (const v1::ProfileShapesResponse::Dim& dim : shapes.dims()) {
    Require(dim.sizes_size() <= ShapeProfile::kMaxThreshold && dim.divisions_size() <= ShapeProfile::kMaxDivisions,
            "more than is kept");
    Require(dim.varies() == (dim.sizes_size() >= kThreshold), "a dimension varies by the threshold");
    for (const auto* values : {&dim.sizes(), &dim.divisions()}) {
      Require(std::is_sorted(values->begin(), values->end()), "numbers in order");
      Require(std::adjacent_find(values->begin(), values->end()) == values->end(), "a number once");
    }
  }
}

void ReadSizes(const std::string& bytes) {
  std::vector<std::string> entries;
  for (size_t at = 0; at + 2 <= bytes.size();) {
    const size_t size = static_cast<uint8_t>(bytes[at]) * 256 + static_cast<uint8_t>(bytes[at + 1]);
    entries.push_back(bytes.substr(at + 2, size));
    at += 2 + entries.back().size();
  }
  const size_t given = entries.size();
  const std::unique_ptr<ShapeProfile> profile = *ShapeProfile::Open(nullptr, kThreshold);
  SharedShapes shared(std::make_unique<GivenLog>(&entries), profile.get());
  ShapeObservations own;
  own.Add()->set_source("x");
  own.Mutable(0)->add_sizes(8);
  profile->Observe(kDomain, Subject(), "own", own);
  for (int i = 0; i < 3; ++i) Require(shared.Exchange(kDomain, Subject()).ok(), "entries fail no exchange");
  Require(entries.size() <= given + 1, "what was said is not said again");
  const SharedShapesCounters counters = shared.Counters();
  Require(counters.taken + counters.refused == static_cast<int64_t>(entries.size()), "each entry is taken or refused");
  RequireBounded(*profile->Find(kDomain, Subject()));
  // What this replica says, another believes.
  const std::unique_ptr<ShapeProfile> others = *ShapeProfile::Open(nullptr, kThreshold);
  std::vector<std::string> told(entries.begin() + static_cast<std::ptrdiff_t>(given), entries.end());
  SharedShapes reader(std::make_unique<GivenLog>(&told), others.get());
  Require(reader.Exchange(kDomain, Subject()).ok() && reader.Counters().refused == 0, "its own words are refused");
}

class GivenProfile final : public ProfileStore {
 public:
  explicit GivenProfile(std::string value) : value_(std::move(value)) {}
  absl::Status PutProfile(absl::string_view, absl::string_view) override { return absl::OkStatus(); }
  absl::Status RemoveProfile(absl::string_view) override { return absl::OkStatus(); }
  absl::Status VisitProfiles(const std::function<void(absl::string_view, absl::string_view)>& visit) override {
    visit(std::string(Subject().bytes()) + kDomain, value_);
    return absl::OkStatus();
  }

 private:
  const std::string value_;
};

void LoadProfile(const std::string& bytes) {
  const std::unique_ptr<ShapeProfile> profile =
      *ShapeProfile::Open(std::make_shared<GivenProfile>(bytes), kThreshold);
  ShapeObservations own;
  own.Add()->set_source("x");
  own.Mutable(0)->add_sizes(8);
  profile->Observe(kDomain, Subject(), "", own);
  RequireBounded(*profile->Find(kDomain, Subject()));
  Require(profile->Flush().ok(), "it is written again");
}

}  // namespace
}  // namespace kiln

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string rest(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] == 'l') {
    kiln::JudgeLease(rest);
  } else if (data[0] == 's') {
    kiln::ReadSizes(rest);
  } else {
    kiln::LoadProfile(rest);
  }
  return 0;
}
