import assert from "node:assert/strict";
import { test } from "node:test";
import { DwellMeter, largest, type DwellProps } from "./dwell";

const there = { visible: true, focused: true };
const whole = { ratio: 1, filled: 0.3, depth: 1 };
const out = { ratio: 0, filled: 0, depth: 0 };
const ms = (meter: DwellMeter, turn = "t") => meter.snapshot(turn, "so far");

test("time counts while at least half of the message is in sight", () => {
  const meter = new DwellMeter(0, there);
  meter.sight(1000, "t", whole);
  meter.sight(4000, "t", { ...whole, ratio: 0.49 }); // 3 s
  meter.sight(6000, "t", { ...whole, ratio: 0.5 });
  meter.settle(7500); // 1.5 s
  assert.equal(ms(meter).visible_ms, 4500);
  assert.equal(ms(meter).activations, 2);
});

test("a message longer than the window counts where it fills half of it", () => {
  const meter = new DwellMeter(0, there);
  meter.sight(0, "t", { ratio: 0.2, filled: 0.5, depth: 0.2 });
  meter.sight(2000, "t", { ratio: 0.1, filled: 0.49, depth: 0.9 });
  meter.settle(9000);
  assert.deepEqual(ms(meter), { visible_ms: 2000, streaming_ms: 0, after_ms: 2000, max_ratio: 0.2, scroll_depth: 0.9, activations: 1, final: false });
});

test("a hidden or unfocused page counts nothing", () => {
  const meter = new DwellMeter(0, { visible: true, focused: false });
  meter.sight(0, "t", whole);
  meter.page(1000, there);
  meter.page(3000, { visible: false, focused: true }); // 2 s
  meter.page(9000, there);
  meter.settle(9500); // 0.5 s
  assert.equal(ms(meter).visible_ms, 2500);
});

test("thirty seconds after the last activity nobody is there", () => {
  const meter = new DwellMeter(0, there);
  meter.sight(0, "t", whole);
  meter.settle(100_000); // 30 s
  meter.activity(200_000);
  meter.activity(210_000); // 10 s
  meter.settle(500_000); // 30 s
  assert.equal(ms(meter).visible_ms, 70_000);
  assert.equal(ms(meter).activations, 2);
});

test("time while the reply is written is apart", () => {
  const meter = new DwellMeter(0, there);
  meter.sight(0, "t", whole);
  meter.streaming(0, "t", true);
  meter.streaming(1200, "t", false);
  meter.settle(5000);
  assert.deepEqual([ms(meter).streaming_ms, ms(meter).after_ms, ms(meter).visible_ms], [1200, 3800, 5000]);
});

test("how often it is settled changes nothing", () => {
  const run = (step: number) => {
    const meter = new DwellMeter(0, there);
    meter.sight(0, "t", whole);
    for (let now = 0; now <= 60_000; now += step) meter.settle(now);
    meter.settle(60_000);
    return ms(meter);
  };
  assert.deepEqual(run(100), run(60_000));
});

test("a clock that stands still or goes back takes nothing away", () => {
  const meter = new DwellMeter(0, there);
  meter.sight(0, "t", whole);
  meter.settle(3000);
  meter.settle(2000);
  meter.settle(4000);
  assert.equal(ms(meter).visible_ms, 4000);
});

test("snapshots are due at 1 s, 3 s and then at twice the time, at most a minute apart", () => {
  const meter = new DwellMeter(0, there);
  meter.sight(0, "t", whole);
  const due: number[] = [];
  for (let s = 1; s <= 200; ++s) {
    meter.activity(s * 1000);
    if (meter.due().length > 0) due.push((meter.snapshot("t", "so far"), s));
  }
  assert.deepEqual(due, [1, 3, 6, 12, 24, 48, 96, 156]);
});

test("viewable is a second without a break", () => {
  const meter = new DwellMeter(0, there);
  meter.sight(0, "t", whole);
  meter.sight(900, "t", out);
  meter.sight(1000, "t", whole);
  meter.settle(1900);
  assert.equal(meter.viewable("t"), false);
  meter.settle(2000);
  assert.equal(meter.viewable("t"), true);
});

// A small generator with a seed: the same losses in every run.
function random(seed: number): () => number {
  return () => (seed = (seed * 48271) % 2147483647) / 2147483647;
}

test("lost, doubled and reordered snapshots come to the same as none lost, where the last arrives", () => {
  for (let seed = 1; seed <= 200; ++seed) {
    const next = random(seed);
    const meter = new DwellMeter(0, there);
    const sent: DwellProps[] = [];
    let now = 0;
    for (let step = 0; step < 60; ++step) {
      now += Math.round(5000 * next());
      if (next() < 0.4) meter.sight(now, "t", next() < 0.5 ? whole : out);
      else if (next() < 0.3) meter.page(now, { visible: next() < 0.8, focused: next() < 0.8 });
      else meter.activity(now);
      if (meter.due().length > 0) sent.push(meter.snapshot("t", "so far"));
    }
    const last = meter.snapshot("t", "final");
    const arrived = sent.flatMap((one) => (next() < 0.2 ? [] : next() < 0.2 ? [one, one] : [one]));
    arrived.push(last);
    arrived.sort(() => next() - 0.5);
    assert.deepEqual(largest(arrived), last, `seed ${seed}`);
  }
});
