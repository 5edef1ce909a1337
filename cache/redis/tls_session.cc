#include "cache/redis/tls_session.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {
namespace {

std::string LastError() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

absl::Status BadFile(absl::string_view what, const std::string& file) {
  return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("the ", what, " for Redis in ", file,
                                                                " cannot be used: ", LastError()));
}

bool IsIpAddress(const std::string& name) {
  in6_addr ignored;
  return inet_pton(AF_INET, name.c_str(), &ignored) == 1 || inet_pton(AF_INET6, name.c_str(), &ignored) == 1;
}

}  // namespace

absl::StatusOr<std::shared_ptr<TlsContext>> TlsContext::Create(const RedisTlsOptions& options) {
  ERR_clear_error();
  auto context = std::make_shared<TlsContext>();
  context->server_name_ = options.server_name;
  context->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* raw = context->get();
  if (raw == nullptr) return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("no TLS here: ", LastError()));
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  if (options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(raw);
  } else if (SSL_CTX_load_verify_file(raw, options.ca_file.c_str()) != 1) {
    return BadFile("certificate authority", options.ca_file);
  }
  if (options.cert_file.empty() != options.key_file.empty()) {
    return MakeError(ErrorReason::kBadArgumentValue, "a client certificate for Redis needs its key, and the key it");
  }
  if (options.cert_file.empty()) return context;
  if (SSL_CTX_use_certificate_chain_file(raw, options.cert_file.c_str()) != 1) {
    return BadFile("client certificate", options.cert_file);
  }
  if (SSL_CTX_use_PrivateKey_file(raw, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(raw) != 1) {
    return BadFile("client certificate's key", options.key_file);
  }
  return context;
}

absl::StatusOr<std::unique_ptr<TlsSession>> TlsSession::Create(const TlsContext& context, const std::string& host) {
  ERR_clear_error();
  auto self = std::make_unique<TlsSession>();
  self->session_.reset(SSL_new(context.get()));
  SSL* raw = self->session_.get();
  self->in_ = BIO_new(BIO_s_mem());
  self->out_ = BIO_new(BIO_s_mem());
  const std::string& name = context.NameOf(host);
  if (raw == nullptr || self->in_ == nullptr || self->out_ == nullptr) {
    BIO_free(self->in_);
    BIO_free(self->out_);
    return MakeError(ErrorReason::kStorage, "no memory for TLS");
  }
  SSL_set_bio(raw, self->in_, self->out_);
  SSL_set_connect_state(raw);
  // An IP address stands in a certificate as one, and is never a server name.
  const int named = IsIpAddress(name) ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(raw), name.c_str())
                                      : SSL_set_tlsext_host_name(raw, name.c_str()) & SSL_set1_host(raw, name.c_str());
  if (named != 1) return MakeError(ErrorReason::kStorage, absl::StrCat(name, " is no name for a TLS server"));
  return self;
}

absl::Status TlsSession::Failure(absl::string_view what, int result) const {
  const int error = SSL_get_error(session_.get(), result);
  if (error == SSL_ERROR_ZERO_RETURN) return MakeError(ErrorReason::kStorage, "Redis closed the connection");
  const long verified = SSL_get_verify_result(session_.get());
  const std::string reason = verified == X509_V_OK ? LastError() : X509_verify_cert_error_string(verified);
  return MakeError(ErrorReason::kStorage, absl::StrCat("TLS ", what, ": ", reason));
}

absl::StatusOr<bool> TlsSession::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  if (result == 1) return true;
  if (SSL_get_error(session_.get(), result) == SSL_ERROR_WANT_READ) return false;
  return Failure("handshake", result);
}

absl::Status TlsSession::Encrypt(absl::string_view plain) {
  ERR_clear_error();
  size_t written = 0;
  while (!plain.empty()) {
    // The memory behind it takes all.
    const int result = SSL_write_ex(session_.get(), plain.data(), plain.size(), &written);
    if (result != 1) return Failure("write", result);
    plain.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> TlsSession::Decrypt(char* plain, size_t size) {
  ERR_clear_error();
  size_t read = 0;
  const int result = SSL_read_ex(session_.get(), plain, size, &read);
  if (result == 1) return read;
  if (SSL_get_error(session_.get(), result) == SSL_ERROR_WANT_READ) return 0;
  return Failure("read", result);
}

void TlsSession::Feed(absl::string_view wire) {
  BIO_write(in_, wire.data(), static_cast<int>(wire.size()));
}

std::string TlsSession::TakeOutput() {
  char* data = nullptr;
  const long size = BIO_get_mem_data(out_, &data);
  std::string out(data, static_cast<size_t>(std::max(size, 0L)));
  BIO_reset(out_);
  return out;
}

}  // namespace kiln
