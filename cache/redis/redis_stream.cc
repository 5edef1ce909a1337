#include "cache/redis/redis_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

// An entry is its id and a list of fields and values.
std::optional<StreamEntry> ReadEntry(const RedisReply& reply, absl::string_view field) {
  if (!reply.is_array() || reply.elements.size() != 2) return std::nullopt;
  StreamEntry entry{.id = reply.elements[0].text};
  const std::vector<RedisReply>& fields = reply.elements[1].elements;
  for (size_t i = 0; i + 1 < fields.size(); i += 2) {
    if (fields[i].text == field) entry.value = fields[i + 1].text;
  }
  return entry;
}

}  // namespace

absl::StatusOr<StreamPage> ReadStream(RedisClient& client, absl::string_view key, absl::string_view field,
                                      absl::string_view after, size_t count) {
  // From the cursor itself on: if its entry is no longer there, the log has lost
  // entries, or is another.
  const bool is_first = after.empty();
  const std::string most = absl::StrCat(is_first ? count : count + 1);
  const absl::string_view from = is_first ? "-" : after;
  KILN_ASSIGN_OR_RETURN(const RedisReply reply, client.Call(key, {"XRANGE", key, from, "+", "COUNT", most}));
  StreamPage page;
  page.end = std::string(after);
  for (const RedisReply& element : reply.elements) {
    std::optional<StreamEntry> entry = ReadEntry(element, field);
    if (!entry.has_value()) return MakeError(ErrorReason::kStorage, "a log in Redis has an entry that is none");
    page.entries.push_back(*std::move(entry));
  }
  if (!is_first) {
    if (page.entries.empty() || page.entries.front().id != after) return StreamPage{.end = page.end, .lost = true};
    page.entries.erase(page.entries.begin());
  }
  if (!page.entries.empty()) page.end = page.entries.back().id;
  page.more = page.entries.size() >= count;
  return page;
}

std::string DomainTag(absl::string_view domain) {
  return DigestBuilder("kiln.shared_domain.v1").AddBytes(domain).Finish().ToHex().substr(0, 16);
}

}  // namespace kiln
