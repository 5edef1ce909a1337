#include "cache/redis/redis_url.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

constexpr int kRedisPort = 6379;
constexpr int kSentinelPort = 26379;
constexpr size_t kMaxUrlBytes = 4096;
constexpr size_t kMaxAddresses = 64;
constexpr size_t kMaxPrefixBytes = 64;
// As many databases as a server may be told to have.
constexpr int kMaxDb = 65535;

struct SchemeRow {
  absl::string_view name;
  RedisTopology topology;
  bool tls;
  bool is_unix;
};

constexpr SchemeRow kSchemes[] = {
    {"redis", RedisTopology::kSingle, false, false},
    {"rediss", RedisTopology::kSingle, true, false},
    {"redis+unix", RedisTopology::kSingle, false, true},
    {"redis+sentinel", RedisTopology::kSentinel, false, false},
    {"rediss+sentinel", RedisTopology::kSentinel, true, false},
    {"redis+cluster", RedisTopology::kCluster, false, false},
    {"rediss+cluster", RedisTopology::kCluster, true, false},
};

// Says what is wrong in words of its own: a piece of the URL may be a piece of a
// password that should have been percent-encoded.
absl::Status Bad(absl::string_view what) {
  return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("the Redis URL ", what));
}

absl::StatusOr<std::string> PercentDecoded(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size() || !absl::ascii_isxdigit(text[i + 1]) || !absl::ascii_isxdigit(text[i + 2])) {
      return Bad("has a '%' that two hex digits do not follow");
    }
    int value = 0;
    for (char digit : text.substr(i + 1, 2)) {
      value = value * 16 + (absl::ascii_isdigit(digit) ? digit - '0' : absl::ascii_tolower(digit) - 'a' + 10);
    }
    out.push_back(static_cast<char>(value));
    i += 2;
  }
  return out;
}

absl::Status ParseLogin(absl::string_view text, RedisUrl& url) {
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos) return Bad("names a user without a password: USER:PASSWORD@");
  KILN_ASSIGN_OR_RETURN(url.user, PercentDecoded(text.substr(0, colon)));
  KILN_ASSIGN_OR_RETURN(url.password, PercentDecoded(text.substr(colon + 1)));
  if (url.password.empty()) return Bad("has an empty password");
  return absl::OkStatus();
}

absl::StatusOr<RedisAddress> ParseAddress(absl::string_view text, int default_port) {
  RedisAddress address;
  address.port = default_port;
  absl::string_view port;
  if (absl::ConsumePrefix(&text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) return Bad("has a '[' without its ']'");
    address.host = std::string(text.substr(0, end));
    port = text.substr(end + 1);
  } else {
    const size_t colon = text.find(':');
    address.host = std::string(text.substr(0, colon));
    port = colon == absl::string_view::npos ? "" : text.substr(colon);
  }
  const bool bad_host = std::any_of(address.host.begin(), address.host.end(), [](unsigned char c) {
    return !absl::ascii_isalnum(c) && c != '.' && c != '-' && c != '_' && c != ':' && c != '%';
  });
  if (address.host.empty() || bad_host) return Bad("has no host name where one should be");
  if (port.empty()) return address;
  if (!absl::ConsumePrefix(&port, ":") || !absl::SimpleAtoi(port, &address.port) || address.port < 1 ||
      address.port > 65535) {
    return Bad("has a port that is no number from 1 to 65535");
  }
  return address;
}

absl::Status ParseAddresses(absl::string_view text, RedisUrl& url) {
  const int port = url.topology == RedisTopology::kSentinel ? kSentinelPort : kRedisPort;
  for (absl::string_view one : absl::StrSplit(text, ',')) {
    KILN_ASSIGN_OR_RETURN(RedisAddress address, ParseAddress(one, port));
    url.addresses.push_back(std::move(address));
  }
  if (url.addresses.size() > kMaxAddresses) return Bad(absl::StrCat("has more than ", kMaxAddresses, " addresses"));
  if (url.topology == RedisTopology::kSingle && url.addresses.size() > 1) {
    return Bad("has several addresses; redis+sentinel:// and redis+cluster:// take these");
  }
  return absl::OkStatus();
}

absl::Status ParseDb(absl::string_view text, RedisUrl& url) {
  if (!absl::SimpleAtoi(text, &url.db) || url.db < 0 || url.db > kMaxDb) {
    return Bad("has a database that is no number from 0");
  }
  if (url.topology == RedisTopology::kCluster && url.db != 0) return Bad("has a database; a cluster has only 0");
  return absl::OkStatus();
}

absl::Status ParsePath(absl::string_view path, RedisUrl& url) {
  std::vector<absl::string_view> parts = absl::StrSplit(path, '/', absl::SkipEmpty());
  if (url.topology == RedisTopology::kSentinel) {
    if (parts.empty()) return Bad("lacks the master's name: redis+sentinel://HOST/MASTER");
    KILN_ASSIGN_OR_RETURN(url.master, PercentDecoded(parts.front()));
    parts.erase(parts.begin());
  }
  if (parts.size() > 1) return Bad("has a path that is more than a database");
  return parts.empty() ? absl::OkStatus() : ParseDb(parts.front(), url);
}

absl::Status ParsePrefix(absl::string_view text, RedisUrl& url) {
  const bool bad = std::any_of(text.begin(), text.end(), [](unsigned char c) {
    return !absl::ascii_isalnum(c) && c != '.' && c != '-' && c != '_';
  });
  if (text.empty() || text.size() > kMaxPrefixBytes || bad) {
    return Bad(absl::StrCat("has a prefix that is not 1 to ", kMaxPrefixBytes, " of A-Z, a-z, 0-9, '.', '-' and '_'"));
  }
  url.prefix = std::string(text);
  return absl::OkStatus();
}

absl::Status ParseQuery(absl::string_view query, RedisUrl& url) {
  for (absl::string_view pair : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    if (absl::ConsumePrefix(&pair, "prefix=")) {
      KILN_RETURN_IF_ERROR(ParsePrefix(pair, url));
    } else if (absl::ConsumePrefix(&pair, "db=")) {
      KILN_RETURN_IF_ERROR(ParseDb(pair, url));
    } else {
      return Bad("has something behind '?' that is neither prefix=NAME nor db=N");
    }
  }
  return absl::OkStatus();
}

const SchemeRow* FindScheme(absl::string_view name) {
  const auto* row = std::find_if(std::begin(kSchemes), std::end(kSchemes),
                                 [&](const SchemeRow& scheme) { return scheme.name == name; });
  return row == std::end(kSchemes) ? nullptr : row;
}

const SchemeRow& SchemeOf(const RedisUrl& url) {
  const bool is_unix = !url.addresses.empty() && url.addresses.front().is_unix();
  return *std::find_if(std::begin(kSchemes), std::end(kSchemes), [&](const SchemeRow& scheme) {
    return scheme.topology == url.topology && scheme.tls == url.tls && scheme.is_unix == is_unix;
  });
}

}  // namespace

std::string RedisAddress::ToString() const {
  if (is_unix()) return host;
  if (absl::StrContains(host, ':')) return absl::StrCat("[", host, "]:", port);
  return absl::StrCat(host, ":", port);
}

std::string RedisUrl::Redacted() const {
  std::string out = absl::StrCat(SchemeOf(*this).name, "://");
  if (!password.empty()) absl::StrAppend(&out, user, ":***@");
  absl::StrAppend(&out, absl::StrJoin(addresses, ",", [](std::string* text, const RedisAddress& address) {
    text->append(address.ToString());
  }));
  if (!master.empty()) absl::StrAppend(&out, "/", master);
  if (db != 0) absl::StrAppend(&out, addresses.front().is_unix() ? "?db=" : "/", db);
  return out;
}

absl::StatusOr<RedisUrl> ParseRedisUrl(absl::string_view text) {
  if (text.size() > kMaxUrlBytes) return Bad(absl::StrCat("has more than ", kMaxUrlBytes, " bytes"));
  const size_t colon = text.find("://");
  const SchemeRow* scheme = colon == absl::string_view::npos ? nullptr : FindScheme(text.substr(0, colon));
  if (scheme == nullptr) {
    return Bad(absl::StrCat("begins with none of ",
                            absl::StrJoin(kSchemes, ", ", [](std::string* out, const SchemeRow& row) {
                              absl::StrAppend(out, row.name, "://");
                            })));
  }
  RedisUrl url;
  url.topology = scheme->topology;
  url.tls = scheme->tls;
  absl::string_view rest = text.substr(colon + 3);
  const size_t question = rest.find('?');
  const absl::string_view query = question == absl::string_view::npos ? "" : rest.substr(question + 1);
  rest = rest.substr(0, question);
  const size_t slash = std::min(rest.find('/'), rest.size());
  absl::string_view authority = rest.substr(0, slash);
  const absl::string_view path = rest.substr(slash);
  if (const size_t at = authority.rfind('@'); at != absl::string_view::npos) {
    KILN_RETURN_IF_ERROR(ParseLogin(authority.substr(0, at), url));
    authority.remove_prefix(at + 1);
  }
  // A '/' in a password would end up here.
  if (absl::StrContains(path, '@') || absl::StrContains(query, '@')) {
    return Bad("has an '@' behind the address; write '/' as %2F, '?' as %3F and '@' as %40 in a password");
  }
  if (scheme->is_unix) {
    if (!authority.empty() || path.size() < 2) return Bad("names no socket: redis+unix:///PATH");
    KILN_ASSIGN_OR_RETURN(std::string socket, PercentDecoded(path));
    url.addresses.push_back({std::move(socket), 0});
  } else {
    KILN_RETURN_IF_ERROR(ParseAddresses(authority, url));
    KILN_RETURN_IF_ERROR(ParsePath(path, url));
  }
  KILN_RETURN_IF_ERROR(ParseQuery(query, url));
  return url;
}

}  // namespace kiln
