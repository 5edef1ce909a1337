#include "compiler/artifact/options_digest.h"

namespace kiln {

Digest OptionsDigest(const std::map<std::string, std::string>& given) {
  DigestBuilder builder("kiln.options.v1");
  builder.AddInt(static_cast<int64_t>(given.size()));
  for (const auto& [name, value] : given) builder.AddBytes(name).AddBytes(value);
  return builder.Finish();
}

}  // namespace kiln
