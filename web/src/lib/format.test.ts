import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, figure, fixed } from "./format";

const now = Date.parse("2026-11-25T12:00:00Z");

test("times are said as people say them", () => {
  assert.equal(ago("2026-11-25T11:59:40Z", now), "just now");
  assert.equal(ago("2026-11-25T11:58:00Z", now), "2 minutes ago");
  assert.equal(ago("2026-11-25T09:00:00Z", now), "3 hours ago");
  assert.equal(ago("2026-11-24T11:00:00Z", now), "yesterday");
  assert.equal(ago("2026-11-01T12:00:00Z", now), "Nov 1, 2026");
  assert.equal(ago("whenever", now), "");
});

test("what is not known is a dash", () => {
  assert.deepEqual([figure(null), figure(undefined), figure(NaN), fixed(null)], ["–", "–", "–", "–"]);
  assert.deepEqual([figure(1234), figure(0.12345), fixed(0.6), fixed(-0.2)], ["1,234", "0.123", "0.60", "−0.20"]);
});
