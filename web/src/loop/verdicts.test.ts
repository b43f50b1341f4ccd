import assert from "node:assert/strict";
import { test } from "node:test";
import type { Signal } from "./types";
import { drift, validity } from "./verdicts";

const signal = (part: Partial<Signal>): Signal =>
  ({ name: "dwell", n: 1, rate: 1, mean: 0, mean_before: 0, drift: null, auc: null, low: null, high: null, labelled: 0, ...part });

test("a signal is valid where its whole interval lies above a half", () => {
  assert.equal(validity(signal({ auc: 0.6, low: 0.51, high: 0.7 })).text, "valid");
  assert.equal(validity(signal({ auc: 0.6, low: 0.49, high: 0.7 })).text, "not shown");
  assert.equal(validity(signal({ auc: 0.3, low: 0.2, high: 0.4 })).text, "reversed");
  assert.equal(validity(signal({})).text, "too few thumbs");
});

test("a mean has drifted from three standard errors on", () => {
  assert.deepEqual([null, 0.5, -2.4, -3].map((z) => drift(signal({ drift: z })).text), ["too few", "steady", "watch", "drifted"]);
});
