import assert from "node:assert/strict";
import { test } from "node:test";
import { uuid4, uuid7 } from "./ids";

const ones = (count: number) => new Uint8Array(count).fill(0xff);

test("version 7 begins with the time", () => {
  // 0x0123456789ab ms
  assert.equal(uuid7(0x0123456789ab, ones), "01234567-89ab-7fff-bfff-ffffffffffff");
});

test("version 4 is random but for its marks", () => {
  assert.equal(uuid4(ones), "ffffffff-ffff-4fff-bfff-ffffffffffff");
});

test("ids of later times sort after those of earlier ones", () => {
  const ids = [1, 255, 256, 65536, 1764000000000, 1764000000001].map((now) => uuid7(now, ones));
  assert.deepEqual([...ids].sort(), ids);
});
