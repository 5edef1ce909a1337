// Listens on channels of Redis (PUBLISH, SUBSCRIBE), over a connection and a thread
// of its own.
//
//   RedisSubscriber subscriber(client, {.message = ..., .connected = ...});
//   subscriber.Subscribe("kiln:1:landed");
//
// Redis forgets a message that nobody hears, so messages are hints: what was
// published while there was no connection is lost, and `connected` says that it is
// time to look again. A lost connection is made anew after a while (0.1 s, doubling
// to 5 s, with jitter); one that has gone silent is found by PING within a few seconds.
#ifndef KILN_CACHE_REDIS_REDIS_SUBSCRIBER_H_
#define KILN_CACHE_REDIS_REDIS_SUBSCRIBER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "cache/redis/redis_client.h"

namespace kiln {

struct RedisSubscriberCallbacks {
  // Run on the subscriber's thread, one at a time; must be brief and must not
  // destroy the subscriber.
  std::function<void(absl::string_view channel, absl::string_view payload)> message;
  // Optional. Every channel asked for so far is subscribed, after a (new) connect.
  std::function<void()> connected;
  // Optional. The connection was lost, or could not be made; once for each loss.
  std::function<void()> lost;
};

// Thread-safe.
class RedisSubscriber {
 public:
  // Uses the client's addresses, credentials and TLS, not its connections. `client`
  // must outlive it. Returns at once.
  RedisSubscriber(const RedisClient* client, RedisSubscriberCallbacks callbacks);
  // Ends the thread; no callback runs afterwards.
  ~RedisSubscriber();

  // At most 1024 channels; more are ignored and false is returned. Returns at once; a
  // message that is published right after may be missed.
  bool Subscribe(std::string channel);
  void Unsubscribe(absl::string_view channel);

  // True while every channel asked for is subscribed.
  bool connected() const;

 private:
  class Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_SUBSCRIBER_H_
