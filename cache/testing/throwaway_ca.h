// Certificates for one test: an authority, a server and a client, in a folder.
#ifndef KILN_CACHE_TESTING_THROWAWAY_CA_H_
#define KILN_CACHE_TESTING_THROWAWAY_CA_H_

#include <string>

namespace kiln {

struct ThrowawayCa {
  std::string ca;
  std::string server_cert;  // for localhost and 127.0.0.1
  std::string server_key;
  std::string client_cert;
  std::string client_key;
};

// Writes them; aborts if it cannot. Two calls make two authorities that know nothing
// of each other.
ThrowawayCa MakeThrowawayCa(const std::string& folder);

}  // namespace kiln

#endif  // KILN_CACHE_TESTING_THROWAWAY_CA_H_
