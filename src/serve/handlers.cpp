#include "serve/handlers.h"

namespace serve {

ApiError overloaded() {
  return ApiError::busy(503, "overloaded", "too many requests are waiting; try again soon", 2);
}

ApiError store_failed(bool disk_full, const std::string& message) {
  return ApiError(disk_full ? 507 : 503, "store_failed", message);
}

feedback::StoredConversation own_conversation(const Context& context, const Caller& caller,
                                              const std::string& id, const std::string& param) {
  auto conversation = context.store.conversation(id);
  if (!conversation || conversation->subject != caller.subject)
    throw ApiError(404, "unknown_conversation", "there is no such conversation", param);
  return std::move(*conversation);
}

}  // namespace serve
