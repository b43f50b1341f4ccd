import assert from "node:assert/strict";
import { test } from "node:test";
import { SseParser } from "./sse";

// Fed in pieces of n characters.
function parse(text: string, n: number): string[] {
  const parser = new SseParser();
  const events: string[] = [];
  for (let i = 0; i < text.length; i += n) events.push(...parser.push(text.slice(i, i + n)));
  return events;
}

const kText = 'data: {"a":1}\n\n: ping\n\ndata:two\r\ndata: lines\r\n\r\nevent: x\nid: 7\nretry: 9\ndata\n\ndata: é“”😀\r\rdata: [DONE]\n\ndata: cut off\n';
const kEvents = ['{"a":1}', "two\nlines", "", "é“”😀", "[DONE]"];

test("events are the same in whatever pieces they come", () => {
  for (let n = 1; n <= kText.length; ++n) assert.deepEqual(parse(kText, n), kEvents, `pieces of ${n}`);
});

test("an event without its empty line never counts", () => {
  assert.deepEqual(parse("data: half", 3), []);
  assert.deepEqual(parse("data: half\n", 3), []);
});

test("a comment alone makes no event", () => {
  assert.deepEqual(parse(": ping\n\n: ping\n\n", 4), []);
});

test("only one blank after the colon goes", () => {
  assert.deepEqual(parse("data:  two\n\n", 5), [" two"]);
});

test("a byte order mark at the beginning is no part of a field", () => {
  assert.deepEqual(parse("\ufeffdata: x\n\n", 1), ["x"]);
});
