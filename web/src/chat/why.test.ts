import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reason } from "../lib/types";
import { because, named, titleOf } from "./why";

const reason = (kind: Reason["kind"], what: string): Reason => ({ kind, what, weight: 1, text: what });

test("reasons become one sentence", () => {
  assert.equal(because([reason("item", "Heat (1995)"), reason("word", "scary"), reason("name", "Al Pacino")]),
    "Because you mentioned “Heat (1995)”, the word “scary” and “Al Pacino”.");
  assert.equal(because([reason("word", "scary"), reason("word", "dark")]), "Because you mentioned the words “scary” and “dark”.");
  assert.equal(because([reason("item", "Heat (1995)")]), "Because you mentioned “Heat (1995)”.");
  assert.equal(because([]), "");
});

test("the year stands once, wherever the title has it", () => {
  assert.equal(named({ title: "Heat", year: 1995 }), "Heat (1995)");
  assert.equal(named({ title: "Heat (1995)", year: 1995 }), "Heat (1995)");
  assert.equal(titleOf({ title: "Heat (1995)", year: 1995 }), "Heat");
  assert.equal(titleOf({ title: "1984 (1956)", year: 1984 }), "1984 (1956)");
  assert.equal(named({ title: "Alien", year: null }), "Alien");
});
