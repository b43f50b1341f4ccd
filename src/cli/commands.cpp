#include "cli/commands.h"

namespace cli {

std::vector<Command> all_commands() {
  std::vector<Command> commands = {run_command()};
  for (Command& stage : stage_commands()) commands.push_back(std::move(stage));
  const std::vector<Command> others = {
      chat_command(),
      serve_command(),
      recommend_command(),
      extend_command(),
      compare_command(),
      experiment_command(),
      preferences_command(),
      // models
      inspect_command(),
      export_merge_command(),
      export_gguf_command(),
      // data
      data_check_command(),
      data_published_command(),
      simulate_command(),
      simulate_users_command(),
      // text
      tokenizer_train_command(),
      tokenizer_encode_command(),
      tokenizer_decode_command(),
      // feedback
      signals_sentiment_command(),
      feedback_stats_command(),
      feedback_export_command(),
      feedback_import_command(),
      feedback_erase_command(),
      feedback_expire_command(),
      feedback_backup_command(),
      // the machine
      doctor_command(),
  };
  commands.insert(commands.end(), others.begin(), others.end());
  return commands;
}

}  // namespace cli
