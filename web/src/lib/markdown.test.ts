import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInline, parseMarkdown, type Inline } from "./markdown";

const said = (pieces: Inline[]): string =>
  pieces.map((piece) => (piece.kind === "text" || piece.kind === "code" ? piece.text : said(piece.of))).join("");

test("bold, italic and code are marked, one within another", () => {
  assert.deepEqual(parseInline("a **b *c*** `d*e*`"), [
    { kind: "text", text: "a " },
    { kind: "strong", of: [{ kind: "text", text: "b " }, { kind: "em", of: [{ kind: "text", text: "c" }] }] },
    { kind: "text", text: " " },
    { kind: "code", text: "d*e*" },
  ]);
});

test("a mark without its partner is text", () => {
  for (const text of ["2 * 3 * 4", "**open", "a*b", "** x **", "`", "*"]) {
    assert.deepEqual(parseInline(text), [{ kind: "text", text }]);
  }
});

test("HTML stays the text that it is", () => {
  const text = "<img src=x onerror=alert(1)> &lt; [a](javascript:b)";
  assert.deepEqual(parseMarkdown(text), [{ kind: "paragraph", lines: [[{ kind: "text", text }]] }]);
});

test("paragraphs, lines and lists", () => {
  const blocks = parseMarkdown("one\ntwo\n\nthree\n- a\n- b\n1. c\n2. d\n\nlast");
  assert.deepEqual(blocks.map((block) => block.kind), ["paragraph", "paragraph", "list", "list", "paragraph"]);
  assert.deepEqual(blocks.map((block) => (block.kind === "list" ? block.items.map(said) : block.lines.map(said))),
    [["one", "two"], ["three"], ["a", "b"], ["c", "d"], ["last"]]);
});

test("long runs of marks take no long time", () => {
  const begin = process.hrtime.bigint();
  parseMarkdown("*".repeat(4000) + " " + "**a ".repeat(1000) + "`".repeat(3000));
  assert.ok(process.hrtime.bigint() - begin < 2_000_000_000n);
});
