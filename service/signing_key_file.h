// The server's signing key on disk: `signing_key` holds the secret seed in hex,
// mode 0600; `signing_key.pub` the public key, for hosts to trust.
#ifndef KILN_SERVICE_SIGNING_KEY_FILE_H_
#define KILN_SERVICE_SIGNING_KEY_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "compiler/artifact/signed_variant.h"

namespace kiln {

// NOT_FOUND (the plain code) where there is no file. STORAGE, in one line that names the
// file, for one that cannot be read, holds no key, or can be read by others.
absl::StatusOr<SigningKey> LoadSigningKey(const std::string& path);

// Loads the key, or makes one where there is no file. Writes the public file in
// both cases. STORAGE, in one line that names the file, for one that cannot be
// read or written, holds no key, or can be read by others.
absl::StatusOr<SigningKey> LoadOrCreateSigningKey(const std::string& path);

}  // namespace kiln

#endif  // KILN_SERVICE_SIGNING_KEY_FILE_H_
