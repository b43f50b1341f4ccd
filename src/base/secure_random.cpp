#include "base/secure_random.h"

#include <openssl/rand.h>

#include "base/error.h"

namespace base {

std::string secure_random(std::size_t bytes) {
  std::string out(bytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(bytes)) != 1)
    throw ResourceError("the system gives no random bytes");
  return out;
}

}  // namespace base
