#include "cache/redis/redis_shape_log.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cache/redis/redis_stream.h"

namespace kiln {
namespace {

// An entry has 50 bytes a dimension, and a job tells of all its inputs at first.
constexpr size_t kPageEntries = 32;
constexpr absl::string_view kMaxEntries = "1024";
constexpr absl::string_view kField = "s";

}  // namespace

std::string RedisShapeLog::LogKey(absl::string_view domain, const Digest& subject) const {
  return absl::StrCat(client_->KeyPrefix("s"), DomainTag(domain), ":", subject.ToHex());
}

absl::Status RedisShapeLog::Append(absl::string_view domain, const Digest& subject, absl::string_view entry) {
  const std::string key = LogKey(domain, subject);
  const bool lasts = time_to_live_ == absl::InfiniteDuration();
  const std::string millis = lasts ? "" : absl::StrCat(absl::ToInt64Milliseconds(time_to_live_));
  std::vector<RedisWords> commands = {{"XADD", key, "MAXLEN", "~", kMaxEntries, "*", kField, entry}};
  if (!lasts) commands.push_back({"PEXPIRE", key, millis});
  KILN_ASSIGN_OR_RETURN(const std::vector<RedisReply> replies, client_->Pipeline(key, commands));
  return ErrorOf(replies.front());
}

absl::StatusOr<ShapeLogPage> RedisShapeLog::Read(absl::string_view domain, const Digest& subject,
                                                 absl::string_view after) {
  KILN_ASSIGN_OR_RETURN(StreamPage read, ReadStream(*client_, LogKey(domain, subject), kField, after, kPageEntries));
  ShapeLogPage page{.end = std::move(read.end), .more = read.more, .lost = read.lost};
  for (StreamEntry& entry : read.entries) {
    // One without the field says nothing.
    if (entry.value.has_value()) page.entries.push_back(*std::move(entry.value));
  }
  return page;
}

}  // namespace kiln
