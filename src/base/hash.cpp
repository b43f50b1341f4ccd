#include "base/hash.h"

#include <fstream>
#include <memory>
#include <vector>

#include <openssl/evp.h>

#include "base/error.h"

namespace base {
namespace {

struct Digest {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};

  Digest() {
    check(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1, "SHA-256 is not available");
  }
  void add(std::string_view bytes) { EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()); }
  std::string hexadecimal() {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context.get(), sum, &size);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
      text += "0123456789abcdef"[sum[i] >> 4];
      text += "0123456789abcdef"[sum[i] & 15];
    }
    return text;
  }
};

}  // namespace

std::string sha256(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.hexadecimal();
}

std::string sha256_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw DataError(path, ": cannot be read");
  Digest digest;
  std::vector<char> buffer(1 << 20);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.add({buffer.data(), static_cast<std::size_t>(file.gcount())});
  }
  return digest.hexadecimal();
}

}  // namespace base
