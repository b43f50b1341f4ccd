import assert from "node:assert/strict";
import { test } from "node:test";
import { branchOf, pathOf } from "./tree";
import type { Turn } from "./types";

const turn = (id: string, parent: string | null): Turn => ({ id, parent_id: parent, role: /^u/.test(id) ? "user" : "assistant", text: id, at: "" });

// u1 - a1 - u2 - a2
//    \ a3 - u3
// u4
const kTurns = [turn("u1", null), turn("a1", "u1"), turn("u2", "a1"), turn("a2", "u2"), turn("a3", "u1"), turn("u3", "a3"), turn("u4", null)];
const ids = (turns: Turn[]): string => turns.map(({ id }) => id).join(" ");

test("without a choice the path leads to the newest turn", () => {
  assert.equal(ids(pathOf(kTurns, {})), "u4");
  assert.equal(ids(pathOf(kTurns.slice(0, 6), {})), "u1 a3 u3");
  assert.equal(ids(pathOf(kTurns.slice(0, 5), {})), "u1 a3");
});

test("a choice is kept, and below it the newest", () => {
  assert.equal(ids(pathOf(kTurns, { "": "u1", u1: "a1" })), "u1 a1 u2 a2");
  assert.equal(ids(pathOf(kTurns, { "": "u1" })), "u1 a3 u3");
});

test("a choice that is not there any more counts for nothing", () => {
  assert.equal(ids(pathOf(kTurns, { "": "gone" })), "u4");
});

test("a turn knows which of its siblings it is", () => {
  const { index, siblings } = branchOf(kTurns, kTurns[4]!);
  assert.equal(index, 1);
  assert.equal(ids(siblings), "a1 a3");
});

test("a circle of parents ends", () => {
  assert.equal(ids(pathOf([turn("u1", "a1"), turn("a1", "u1"), turn("u2", null)], {})), "u2");
});

test("nothing has no path", () => {
  assert.deepEqual(pathOf([], {}), []);
});
