#include "serve/pages.h"

namespace serve {

const std::vector<Page>& built_in_pages() {
  static const std::vector<Page> none;
  return none;
}

}  // namespace serve
