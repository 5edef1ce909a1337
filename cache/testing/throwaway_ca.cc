#include "cache/testing/throwaway_ca.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace kiln {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

void Require(bool ok) {
  if (!ok) std::abort();
}

void AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  Require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

// Signed by `issuer`; by itself if that is null.
Certificate Issue(const char* name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, long serial) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * 3600);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), issuer == nullptr ? subject : X509_get_subject_name(issuer));
  X509_set_pubkey(certificate.get(), key);
  X509* signer = issuer == nullptr ? certificate.get() : issuer;
  AddExtension(certificate.get(), signer, NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
  if (issuer != nullptr) {
    AddExtension(certificate.get(), signer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  }
  Require(X509_sign(certificate.get(), issuer_key, EVP_sha256()) > 0);
  return certificate;
}

std::string WriteCertificate(const std::string& path, X509* certificate) {
  FILE* file = std::fopen(path.c_str(), "w");
  Require(file != nullptr && PEM_write_X509(file, certificate) == 1);
  std::fclose(file);
  return path;
}

std::string WriteKey(const std::string& path, EVP_PKEY* key) {
  FILE* file = std::fopen(path.c_str(), "w");
  Require(file != nullptr && PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  std::fclose(file);
  return path;
}

}  // namespace

ThrowawayCa MakeThrowawayCa(const std::string& folder) {
  const Key ca_key(EVP_EC_gen("P-256"));
  const Key server_key(EVP_EC_gen("P-256"));
  const Key client_key(EVP_EC_gen("P-256"));
  const Certificate ca = Issue("throwaway authority", ca_key.get(), nullptr, ca_key.get(), 1);
  const Certificate server = Issue("redis", server_key.get(), ca.get(), ca_key.get(), 2);
  const Certificate client = Issue("kiln", client_key.get(), ca.get(), ca_key.get(), 3);
  return {.ca = WriteCertificate(folder + "/ca.pem", ca.get()),
          .server_cert = WriteCertificate(folder + "/server.pem", server.get()),
          .server_key = WriteKey(folder + "/server.key", server_key.get()),
          .client_cert = WriteCertificate(folder + "/client.pem", client.get()),
          .client_key = WriteKey(folder + "/client.key", client_key.get())};
}

}  // namespace kiln
