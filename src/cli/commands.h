#pragma once

#include <vector>

#include "cli/command.h"

// One function a command; its file has the same name.
namespace cli {

Command doctor_command();               // doctor.cpp
Command data_check_command();           // data_check.cpp
Command data_published_command();       // data_published.cpp
Command simulate_command();             // simulate.cpp
Command simulate_users_command();       // simulate_users.cpp
Command tokenizer_train_command();      // tokenizer_train.cpp
Command tokenizer_encode_command();     // tokenizer_encode.cpp
Command tokenizer_decode_command();     // tokenizer_decode.cpp
Command signals_sentiment_command();    // signals_sentiment.cpp
Command feedback_stats_command();       // feedback_stats.cpp
Command feedback_export_command();      // feedback_export.cpp
Command feedback_import_command();      // feedback_import.cpp
Command feedback_erase_command();       // feedback_erase.cpp
Command feedback_expire_command();      // feedback_expire.cpp
Command feedback_backup_command();      // feedback_backup.cpp
Command run_command();                  // run_recipe.cpp
std::vector<Command> stage_commands();  // run_recipe.cpp: data, tokenizer, sft, …, one a stage
Command chat_command();                 // chat.cpp
Command serve_command();                // serve.cpp
Command recommend_command();            // recommend.cpp
Command extend_command();               // extend.cpp
Command compare_command();              // compare.cpp
Command experiment_command();           // experiment.cpp
Command preferences_command();          // preferences.cpp
Command inspect_command();              // inspect.cpp
Command export_merge_command();         // export.cpp
Command export_gguf_command();          // export.cpp

}  // namespace cli
