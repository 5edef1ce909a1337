// TLS as a codec: bytes of the wire in, bytes of the wire out; the socket is
// somebody else's. So that every send can say MSG_NOSIGNAL and every wait has a
// deadline.
#ifndef KILN_CACHE_REDIS_TLS_SESSION_H_
#define KILN_CACHE_REDIS_TLS_SESSION_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cache/redis/redis_client.h"

namespace kiln {

// What all sessions share: whom to trust and who we are. Thread-safe.
class TlsContext {
 public:
  // BAD_ARGUMENT_VALUE, naming the file, if one cannot be used.
  static absl::StatusOr<std::shared_ptr<TlsContext>> Create(const RedisTlsOptions& options);
  SSL_CTX* get() const { return context_.get(); }
  // What a server's certificate must be for, when it was dialled as `host`.
  const std::string& NameOf(const std::string& host) const { return server_name_.empty() ? host : server_name_; }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
  std::string server_name_;
};

// Not thread-safe.
class TlsSession {
 public:
  // `host` as it was dialled.
  static absl::StatusOr<std::unique_ptr<TlsSession>> Create(const TlsContext& context, const std::string& host);

  // Goes on with the handshake; true when it is done. STORAGE, saying why the
  // server is not trusted.
  absl::StatusOr<bool> Handshake();
  // Makes `plain` bytes to send.
  absl::Status Encrypt(absl::string_view plain);
  // What has been decrypted, at most `size` bytes; 0 if there is nothing yet. STORAGE
  // when the server has said goodbye.
  absl::StatusOr<size_t> Decrypt(char* plain, size_t size);
  // Bytes that came.
  void Feed(absl::string_view wire);
  // Takes bytes that are to be sent.
  std::string TakeOutput();

 private:
  struct Free {
    void operator()(SSL* session) const { SSL_free(session); }
  };
  absl::Status Failure(absl::string_view what, int result) const;

  std::unique_ptr<SSL, Free> session_;
  // Owned by the session.
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_TLS_SESSION_H_
