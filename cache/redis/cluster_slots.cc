#include "cache/redis/cluster_slots.h"

#include <array>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/error.h"

namespace kiln {
namespace {

constexpr std::array<uint16_t, 256> MakeCrcTable() {
  std::array<uint16_t, 256> table = {};
  for (int byte = 0; byte < 256; ++byte) {
    auto crc = static_cast<uint16_t>(byte << 8);
    for (int bit = 0; bit < 8; ++bit) crc = static_cast<uint16_t>((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
    table[byte] = crc;
  }
  return table;
}

constexpr std::array<uint16_t, 256> kCrcTable = MakeCrcTable();

uint16_t Crc16(absl::string_view bytes) {
  uint16_t crc = 0;
  for (unsigned char byte : bytes) crc = static_cast<uint16_t>((crc << 8) ^ kCrcTable[((crc >> 8) ^ byte) & 0xff]);
  return crc;
}

absl::string_view HashTag(absl::string_view key) {
  const size_t open = key.find('{');
  if (open == absl::string_view::npos) return key;
  const size_t close = key.find('}', open + 1);
  if (close == absl::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

bool IsSlot(int64_t slot) { return slot >= 0 && slot < kClusterSlots; }
bool IsPort(int64_t port) { return port > 0 && port < 65536; }

absl::Status Malformed() {
  return MakeError(ErrorReason::kStorage, "CLUSTER SLOTS answered with something else than slots");
}

}  // namespace

int SlotOf(absl::string_view key) { return Crc16(HashTag(key)) % kClusterSlots; }

absl::StatusOr<std::vector<SlotRange>> ParseClusterSlots(const RedisReply& reply, const RedisAddress& asked) {
  if (!reply.is_array()) return Malformed();
  std::vector<SlotRange> ranges;
  for (const RedisReply& row : reply.elements) {
    // First slot, last slot, the master, its replicas; a server is host, port, more.
    if (!row.is_array() || row.elements.size() < 3 || !row.elements[0].is_integer() || !row.elements[1].is_integer()) {
      return Malformed();
    }
    const int64_t first = row.elements[0].integer;
    const int64_t last = row.elements[1].integer;
    const RedisReply& master = row.elements[2];
    if (!IsSlot(first) || !IsSlot(last) || !master.is_array() || master.elements.size() < 2 ||
        !master.elements[1].is_integer() || !IsPort(master.elements[1].integer)) {
      return Malformed();
    }
    const std::string& host = master.elements[0].text;
    // A path would be a socket of this machine, wherever the server is.
    if (!host.empty() && host.front() == '/') return Malformed();
    ranges.push_back({static_cast<int>(first), static_cast<int>(last),
                      {host.empty() || host == "?" ? asked.host : host, static_cast<int>(master.elements[1].integer)}});
  }
  return ranges;
}

std::optional<Redirect> ParseRedirect(const RedisReply& reply, const RedisAddress& asked) {
  const absl::string_view word = reply.error_word();
  if (word != "MOVED" && word != "ASK") return std::nullopt;
  const std::vector<absl::string_view> words = absl::StrSplit(reply.text, ' ');
  if (words.size() < 3) return std::nullopt;
  const size_t colon = words[2].rfind(':');
  if (colon == absl::string_view::npos) return std::nullopt;
  Redirect redirect = {.ask = word == "ASK", .to = {std::string(words[2].substr(0, colon)), 0}};
  if (redirect.to.host.empty()) redirect.to.host = asked.host;
  if (!absl::SimpleAtoi(words[1], &redirect.slot) || !IsSlot(redirect.slot) ||
      !absl::SimpleAtoi(words[2].substr(colon + 1), &redirect.to.port) || !IsPort(redirect.to.port)) {
    return std::nullopt;
  }
  if (redirect.to.is_unix()) return std::nullopt;
  return redirect;
}

}  // namespace kiln
