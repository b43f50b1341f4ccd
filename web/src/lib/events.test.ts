import assert from "node:assert/strict";
import { test } from "node:test";
import { EventQueue, EventRefused, type Surroundings } from "./events";
import { MemoryOutbox } from "./outbox";
import type { EventType, FeedbackEvent } from "./types";

let ids = 0;

function event(type: EventType, part: Partial<FeedbackEvent> = {}): FeedbackEvent {
  return { schema: "attune.event/1", event_id: `e${++ids}`, type, occurred_at: "2026-11-25T12:00:00.000Z", mono_ms: 0, page_id: "p", seq: ids,
    turn_id: "t", surface: "chat", props: {}, ...part };
}

// A clock that is turned by hand and a server that answers as it is told.
class Bench implements Surroundings {
  time = Date.parse("2026-11-25T12:00:00Z");
  timers: { at: number; run: () => void }[] = [];
  posts: FeedbackEvent[][] = [];
  beacons: FeedbackEvent[][] = [];
  answers: { status: number; retryAfterSeconds?: number; rejected?: { index: number; code: string }[] }[] = [];
  takesBeacons = true;

  async post(body: string) {
    const { events, sent_at } = JSON.parse(body);
    assert.equal(sent_at, new Date(this.time).toISOString());
    this.posts.push(events);
    const { status, retryAfterSeconds = null, rejected = [] } = this.answers.shift() ?? { status: 200 };
    if (status === 0) throw new TypeError("no network");
    return { status, retryAfterSeconds, json: async () => ({ accepted: events.length, duplicates: 0, rejected }) };
  }

  beacon(body: string): boolean {
    if (this.takesBeacons) this.beacons.push(JSON.parse(body).events);
    return this.takesBeacons;
  }

  now = () => this.time;
  random = () => 0.5; // a backoff of exactly its middle

  after(ms: number, run: () => void) {
    const timer = { at: this.time + ms, run };
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((other) => other !== timer));
  }

  async turn(ms: number) {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((other) => other !== next);
      this.time = Math.max(this.time, next.at);
      next.run();
    }
    this.time = end;
    await settle();
  }
}

async function settle() {
  for (let i = 0; i < 40; ++i) await null;
}

async function make(allowed = true) {
  const bench = new Bench();
  const outbox = new MemoryOutbox();
  const queue = new EventQueue(outbox, bench);
  await queue.allowMeasurement(allowed);
  return { bench, outbox, queue };
}

test("events go together three seconds after the first", async () => {
  const { bench, outbox, queue } = await make();
  void queue.add(event("copy"));
  await bench.turn(2000);
  void queue.add(event("viewable"));
  assert.equal((await outbox.all()).length, 2);
  await bench.turn(999);
  assert.equal(bench.posts.length, 0);
  await bench.turn(1);
  assert.deepEqual(bench.posts.map((post) => post.map(({ type }) => type)), [["copy", "viewable"]]);
  assert.equal((await outbox.all()).length, 0);
});

test("twenty events, or 48 KiB of them, wait for nothing", async () => {
  const { bench, queue } = await make();
  for (let i = 0; i < 20; ++i) void queue.add(event("copy"));
  await settle();
  assert.deepEqual(bench.posts.map((post) => post.length), [20]);
  for (let i = 0; i < 5; ++i) void queue.add(event("copy", { props: { pad: "x".repeat(10_000) } }));
  await bench.turn(0);
  assert.deepEqual(bench.posts.slice(1).map((post) => post.length), [4]); // 4 fit into 48 KiB
  await bench.turn(3000);
  assert.deepEqual(bench.posts.slice(2).map((post) => post.length), [1]);
});

test("what is said on purpose goes at once, and its promise is the server's word", async () => {
  const { bench, queue } = await make();
  bench.answers.push({ status: 200 }, { status: 200, rejected: [{ index: 0, code: "expired_rec_token" }] });
  await queue.add(event("rating"));
  assert.equal(bench.posts.length, 1);
  await settle();
  await assert.rejects(queue.add(event("rating")), (error) => error instanceof EventRefused && error.code === "expired_rec_token");
});

test("without consent only what is said on purpose is kept or sent", async () => {
  const { bench, outbox, queue } = await make(false);
  const kinds: EventType[] = ["impression", "viewable", "dwell", "item_click", "item_open", "copy", "reply", "regenerate", "stop", "edit", "session_start", "session_end"];
  for (const type of kinds) await queue.add(event(type));
  await queue.add(event("undo")); // of a branch
  for (const type of ["rating", "seen", "not_interested"] as const) void queue.add(event(type, { item_id: "m1" }));
  void queue.add(event("undo", { item_id: "m1" })); // of "not for me"
  await bench.turn(10_000);
  assert.deepEqual(bench.posts.flat().map(({ type }) => type), ["rating", "seen", "not_interested", "undo"]);
  assert.equal((await outbox.all()).length, 0);
});

test("taking consent back drops what waits, but not what was said on purpose", async () => {
  const { bench, outbox, queue } = await make();
  bench.answers.push({ status: 0 });
  queue.add(event("dwell")).catch(() => undefined);
  const said = queue.add(event("rating"));
  await settle();
  await queue.allowMeasurement(false);
  assert.deepEqual((await outbox.all()).map(({ type }) => type), ["rating"]);
  await bench.turn(60_000);
  await said;
  assert.deepEqual(bench.posts.at(-1)!.map(({ type }) => type), ["rating"]);
});

test("a failed batch is sent again with the same ids, ever more rarely", async () => {
  const { bench, queue } = await make();
  for (let i = 0; i < 4; ++i) bench.answers.push({ status: i % 2 ? 503 : 0 });
  const said = queue.add(event("rating"));
  const at: number[] = [];
  const begin = bench.time;
  for (let s = 0; s < 60; ++s) {
    await bench.turn(1000);
    while (at.length < bench.posts.length) at.push((bench.time - begin) / 1000);
  }
  await said;
  assert.deepEqual(at, [1, 3, 9, 21, 45]); // 3 s, 6 s, 12 s, 24 s apart
  assert.equal(new Set(bench.posts.map((post) => post[0]!.event_id)).size, 1);
});

test("the server's Retry-After is waited for", async () => {
  const { bench, queue } = await make();
  bench.answers.push({ status: 429, retryAfterSeconds: 30 });
  void queue.add(event("rating"));
  await bench.turn(29_999);
  assert.equal(bench.posts.length, 1);
  void queue.add(event("rating")); // a new event does not jump the queue
  await settle();
  assert.equal(bench.posts.length, 1);
  await bench.turn(1);
  assert.deepEqual(bench.posts.map((post) => post.length), [1, 2]);
});

test("an event that comes while the refused batch is on its way waits with it, whatever wakes the page", async () => {
  const { bench, queue } = await make();
  bench.answers.push({ status: 429, retryAfterSeconds: 30 });
  void queue.add(event("rating"));
  void queue.add(event("copy"));
  await bench.turn(29_999);
  queue.wake();
  await settle();
  assert.equal(bench.posts.length, 1);
  await bench.turn(1);
  assert.deepEqual(bench.posts.map((post) => post.length), [1, 2]);
});

test("what was refused as a whole is not tried again", async () => {
  for (const status of [400, 401, 403, 413]) {
    const { bench, outbox, queue } = await make();
    bench.answers.push({ status });
    await assert.rejects(queue.add(event("rating")), { code: `http_${status}` });
    await bench.turn(600_000);
    assert.equal(bench.posts.length, 1, `${status}`);
    assert.equal((await outbox.all()).length, 0);
  }
});

test("a refusal is an answer: the server is not out of reach any more", async () => {
  const { bench, queue } = await make();
  const trouble: boolean[] = [];
  queue.onTrouble = (now) => trouble.push(now);
  bench.answers.push({ status: 0 }, { status: 400 }, { status: 503 });
  queue.add(event("rating")).catch(() => undefined);
  await bench.turn(3000);
  assert.deepEqual(trouble, [true, false]);
  queue.add(event("rating")).catch(() => undefined);
  await bench.turn(3000); // the wait begins anew, too
  assert.deepEqual(trouble, [true, false, true, false]);
});

test("a later snapshot of a message takes the place of one that waits", async () => {
  const { bench, outbox, queue } = await make();
  for (const visible_ms of [1000, 3000, 6000]) void queue.add(event("dwell", { props: { visible_ms } }));
  void queue.add(event("dwell", { turn_id: "other", props: { visible_ms: 50 } }));
  await settle();
  assert.equal((await outbox.all()).length, 2);
  await bench.turn(3000);
  assert.deepEqual(bench.posts.flat().map(({ props }) => props.visible_ms), [6000, 50]);
});

test("a page that leaves sends all by beacon and keeps it until it is acknowledged", async () => {
  const { bench, outbox, queue } = await make();
  void queue.add(event("copy"));
  void queue.add(event("dwell"));
  queue.leave();
  assert.deepEqual(bench.beacons.map((beacon) => beacon.length), [2]);
  assert.equal((await outbox.all()).length, 2);

  const next = new EventQueue(outbox, bench); // the page after it
  await next.allowMeasurement(true);
  await next.restore();
  await settle();
  assert.deepEqual(bench.posts.flat().map(({ event_id }) => event_id), bench.beacons.flat().map(({ event_id }) => event_id));
  assert.equal((await outbox.all()).length, 0);
});

test("beacons are at most 48 KiB each, and fetch stands in where they are not taken", async () => {
  const { bench, queue } = await make();
  bench.answers.push({ status: 503 }, { status: 200 }, { status: 200 });
  for (let i = 0; i < 6; ++i) void queue.add(event("copy", { props: { pad: "x".repeat(9_000) } }));
  await settle();
  queue.leave();
  assert.deepEqual(bench.beacons.map((beacon) => beacon.length), [5, 1]);
  bench.takesBeacons = false;
  queue.leave();
  assert.deepEqual(bench.posts.slice(1).map((post) => post.length), [5, 1]);
});

test("at most 500 events are kept, those said on purpose longest", async () => {
  const { bench, outbox, queue } = await make();
  for (let i = 0; i < 60; ++i) bench.answers.push({ status: 0 });
  queue.add(event("rating")).catch(() => undefined);
  for (let i = 0; i < 700; ++i) queue.add(event("copy")).catch(() => undefined);
  await bench.turn(100);
  const kept = await outbox.all();
  assert.ok(kept.length <= 500 && kept.length >= 480, `${kept.length}`);
  assert.ok(kept.some(({ type }) => type === "rating"));
});

test("what is older than a week is given up", async () => {
  const { bench, outbox, queue } = await make();
  await outbox.put([event("rating", { occurred_at: "2026-11-17T12:00:00Z" }), event("rating")]);
  await queue.restore();
  await settle();
  assert.equal(bench.posts.flat().length, 1);
  assert.equal((await outbox.all()).length, 0);
});

test("erasing leaves nothing to be sent", async () => {
  const { bench, outbox, queue } = await make();
  queue.add(event("copy")).catch(() => undefined);
  await queue.clear();
  await bench.turn(60_000);
  assert.equal(bench.posts.length, 0);
  assert.equal((await outbox.all()).length, 0);
});
