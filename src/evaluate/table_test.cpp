#include "evaluate/table.h"

#include <gtest/gtest.h>

namespace evaluate {
namespace {

const Table kTable = {{"model", "HR@5"}, {{"a, \"b\"", "+0.5 [0, 1]"}, {"=1+1", "–"}}};

TEST(Tables, CsvIsQuotedWhereItMust) {
  EXPECT_EQ(csv(kTable), "model,HR@5\r\n\"a, \"\"b\"\"\",\"+0.5 [0, 1]\"\r\n'=1+1,–\r\n");
  EXPECT_EQ(csv({{"x"}, {{"-2"}, {"-cmd"}, {"two\nlines"}}}),
            "x\r\n-2\r\n'-cmd\r\n\"two\nlines\"\r\n");
}

TEST(Tables, MarkdownHasNoMarkupOfTheCells) {
  EXPECT_EQ(markdown(kTable),
            "| model | HR@5 |\n| --- | ---: |\n| a, \"b\" | +0.5 [0, 1] |\n| =1+1 | – |\n");
  EXPECT_EQ(markdown({{"x"}, {{"a|b *c* <b> [d](e)\n\\"}}}),
            "| x |\n| --- |\n| a\\|b \\*c\\* &lt;b&gt; [d]\\(e) \\\\ |\n");
}

TEST(Tables, LatexCompilesWhateverStandsThere) {
  EXPECT_EQ(latex(kTable),
            "\\begin{tabular}{lr}\n\\hline\nmodel & HR@5 \\\\\n\\hline\n"
            "a, \"b\" & +0.5 {[}0, 1] \\\\\n=1+1 & -- \\\\\n\\hline\n\\end{tabular}\n");
  EXPECT_EQ(latex({{"x"}, {{"5% & $_#{}~^\\<★"}}}),
            "\\begin{tabular}{l}\n\\hline\nx \\\\\n\\hline\n"
            "5\\% \\& \\$\\_\\#\\{\\}\\~{}\\^{}\\textbackslash{}$<$$\\star$ \\\\\n"
            "\\hline\n\\end{tabular}\n");
}

}  // namespace
}  // namespace evaluate
