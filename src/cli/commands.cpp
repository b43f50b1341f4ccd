#include "cli/commands.h"

namespace cli {

std::vector<Command> all_commands() {
  return {
      // data
      data_check_command(),
      simulate_command(),
      // text
      tokenizer_train_command(),
      tokenizer_encode_command(),
      tokenizer_decode_command(),
      // feedback
      signals_sentiment_command(),
      // the machine
      doctor_command(),
  };
}

}  // namespace cli
