#include "cache/redis/redis_reply.h"

#include <hiredis/read.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {
namespace {

// Of a status, an error, an integer or a length: what stands on one line. The
// reader looks for a line's end from its start each time that bytes come, so that
// an endless line would cost the square of its length.
constexpr size_t kMaxLineBytes = 64 << 10;
constexpr size_t kMaxQuotedBytes = 200;

RedisReply::Type TypeOf(int type) {
  switch (type) {
    case REDIS_REPLY_ERROR: return RedisReply::Type::kError;
    case REDIS_REPLY_STATUS: return RedisReply::Type::kStatus;
    default: return RedisReply::Type::kString;
  }
}

// What the reader's callbacks share.
struct Building {
  int64_t elements_left;
};

// Where a task's value goes: into its array, or alone. The reader frees a lone one
// by FreeReply() if it does not hand it out.
RedisReply* Place(const redisReadTask* task) {
  if (task->parent == nullptr) return new RedisReply;
  return &static_cast<RedisReply*>(task->parent->obj)->elements[static_cast<size_t>(task->idx)];
}

void* MakeText(const redisReadTask* task, char* text, size_t size) {
  RedisReply* reply = Place(task);
  reply->type = TypeOf(task->type);
  reply->text.assign(text, size);
  return reply;
}

void* MakeArray(const redisReadTask* task, int size) {
  auto* building = static_cast<Building*>(task->privdata);
  // Null is "out of memory" to the reader, which gives up then.
  if (size < 0 || size > building->elements_left) return nullptr;
  building->elements_left -= size;
  RedisReply* reply = Place(task);
  reply->type = RedisReply::Type::kArray;
  reply->elements.resize(static_cast<size_t>(size));
  return reply;
}

void* MakeInteger(const redisReadTask* task, long long value) {
  RedisReply* reply = Place(task);
  reply->type = RedisReply::Type::kInteger;
  reply->integer = value;
  return reply;
}

void* MakeNil(const redisReadTask* task) {
  RedisReply* reply = Place(task);
  reply->type = RedisReply::Type::kNil;
  return reply;
}

void FreeReply(void* reply) { delete static_cast<RedisReply*>(reply); }

redisReplyObjectFunctions kFunctions = {MakeText, MakeArray, MakeInteger, MakeNil, FreeReply};

}  // namespace

absl::string_view RedisReply::error_word() const {
  if (!is_error()) return {};
  return absl::string_view(text).substr(0, text.find(' '));
}

absl::Status ErrorOf(const RedisReply& reply) {
  if (!reply.is_error()) return absl::OkStatus();
  return MakeError(ErrorReason::kStorage,
                   absl::StrCat("Redis says: ", absl::CHexEscape(reply.text.substr(0, kMaxQuotedBytes))));
}

struct RedisReplyReader::Rep {
  RedisReplyLimits limits;
  Building building;
  redisReader* reader;
  // Since the last whole reply.
  int64_t bytes = 0;

  absl::string_view Pending() const { return {reader->buf + reader->pos, reader->len - reader->pos}; }
};

RedisReplyReader::RedisReplyReader(RedisReplyLimits limits) : rep_(std::make_unique<Rep>()) {
  rep_->limits = limits;
  rep_->building.elements_left = limits.max_elements;
  rep_->reader = redisReaderCreateWithFunctions(&kFunctions);
  if (rep_->reader != nullptr) rep_->reader->privdata = &rep_->building;
}

RedisReplyReader::~RedisReplyReader() {
  if (rep_->reader != nullptr) redisReaderFree(rep_->reader);
}

absl::Status RedisReplyReader::Feed(absl::string_view bytes) {
  if (rep_->reader == nullptr || redisReaderFeed(rep_->reader, bytes.data(), bytes.size()) != REDIS_OK) {
    return MakeError(ErrorReason::kStorage, "no memory for a reply of Redis");
  }
  rep_->bytes += static_cast<int64_t>(bytes.size());
  return absl::OkStatus();
}

absl::StatusOr<std::optional<RedisReply>> RedisReplyReader::Next() {
  void* made = nullptr;
  if (rep_->reader == nullptr || redisReaderGetReply(rep_->reader, &made) != REDIS_OK) {
    return MakeError(ErrorReason::kStorage,
                     absl::StrCat("an answer that is no answer of Redis: ",
                                  rep_->reader == nullptr ? "no memory" : absl::CHexEscape(rep_->reader->errstr)));
  }
  if (made != nullptr) {
    std::unique_ptr<RedisReply> reply(static_cast<RedisReply*>(made));
    rep_->bytes = static_cast<int64_t>(rep_->Pending().size());
    rep_->building.elements_left = rep_->limits.max_elements;
    return std::move(*reply);
  }
  if (rep_->bytes > rep_->limits.max_bytes) {
    return MakeError(ErrorReason::kStorage,
                     absl::StrCat("a reply of Redis has more than ", rep_->limits.max_bytes, " bytes"));
  }
  const absl::string_view pending = rep_->Pending();
  if (pending.size() > kMaxLineBytes && std::memchr(pending.data(), '\n', kMaxLineBytes) == nullptr) {
    return MakeError(ErrorReason::kStorage, "a reply of Redis has a line without an end");
  }
  return std::nullopt;
}

bool RedisReplyReader::empty() const { return rep_->bytes == 0; }

}  // namespace kiln
