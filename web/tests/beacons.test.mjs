import assert from "node:assert/strict";
import { test } from "node:test";
import { consent, eventually, message, open, quiet, say, serve, stored } from "./harness.mjs";

const proxy = await serve();
const isEvents = (method, path) => method === "POST" && path === "/v1/events";

// A small generator with a seed: the same fates in every run.
function random(seed) {
  return () => (seed = (seed * 48271) % 2147483647) / 2147483647;
}

// Of (page, turn): the largest snapshot.
function largest(events) {
  const most = {};
  for (const { type, page_id, turn_id, props } of events) {
    if (type !== "dwell") continue;
    const key = `${page_id} ${turn_id}`;
    if (!(most[key] >= props.visible_ms)) most[key] = props.visible_ms;
  }
  return most;
}

async function look(page, away) {
  await page.evaluate((away) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (away ? "hidden" : "visible") });
    document.dispatchEvent(new Event("visibilitychange"));
  }, away);
}

test("events that were not acknowledged survive a reload and arrive once, with the same id", async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page, { analytics: true });
  await say(page, "Something tense");
  await eventually("what was measured so far is stored", async () => (await stored(page)).events.some(({ type }) => type === "impression"));
  const before = proxy.events().length;
  proxy.rules.push((method, path) => (isEvents(method, path) ? { lose: "request" } : undefined));
  await page.getByRole("button", { name: "Good reply" }).click();
  await page.getByRole("button", { name: "Seen it" }).first().click();
  await page.getByText(/your feedback is kept here/).waitFor();
  await page.reload();
  await message(page).waitFor();
  await page.reload(); // twice, still without a way through
  await message(page).waitFor();
  const tried = proxy.events().slice(before);
  assert.equal((await stored(page)).events.filter(({ type }) => type === "rating").length, 0);
  proxy.rules.pop();
  await page.reload();
  await eventually("both are stored", async () => {
    const kinds = (await stored(page)).events.map(({ type }) => type);
    return kinds.includes("rating") && kinds.includes("seen");
  });
  const { events } = await stored(page);
  for (const type of ["rating", "seen"]) {
    const ids = new Set(tried.filter((event) => event.type === type).map(({ event_id }) => event_id));
    assert.equal(ids.size, 1);
    assert.deepEqual(events.filter((event) => event.type === type).map(({ event_id }) => event_id), [...ids]);
  }
  quiet(harm);
  await context.close();
});

test("what is said reaches the server also where the browser has thrown its storage away", async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page);
  await say(page, "Something tense");
  const devtools = await context.newCDPSession(page);
  await devtools.send("Storage.clearDataForOrigin", { origin: proxy.url, storageTypes: "indexeddb" });
  await page.getByRole("button", { name: "Good reply" }).click();
  await eventually("the vote is stored", async () => (await stored(page)).events.some(({ type }) => type === "rating"));
  assert.equal(await page.getByRole("alert").count(), 0);
  quiet(harm);
  await context.close();
});

test("with a fifth of the batches lost, doubled or late, dwell comes to what it is without", async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page, { analytics: true });
  const before = proxy.events().length;
  const next = random(7);
  let lost = 0;
  proxy.rules.push((method, path) => {
    if (!isEvents(method, path)) return undefined;
    const fate = next();
    if (fate < 0.2) ++lost;
    if (fate < 0.1) return { lose: "request" };
    if (fate < 0.2) return { lose: "answer" };
    if (fate < 0.4) return { double: true };
    if (fate < 0.6) return { delayMs: 200 + 1500 * next() };
    return undefined;
  });
  for (const text of ["Something tense", "Something funny", "Something with magic"]) {
    await say(page, text);
    for (let i = 0; i < 4; ++i) {
      await page.mouse.move(300 + 40 * i, 300);
      await page.mouse.wheel(0, i % 2 ? 400 : -400);
      await page.waitForTimeout(400);
    }
    await look(page, true);
    await page.waitForTimeout(200);
    await look(page, false);
    await page.waitForTimeout(1200);
    await page.reload();
    await message(page).waitFor();
  }
  proxy.rules.pop();
  await page.reload();
  const { held, sent } = await eventually("each sent event is stored", async () => {
    const { events } = await stored(page);
    const ids = new Set(events.map(({ event_id }) => event_id));
    const sent = proxy.events().slice(before);
    const missing = sent.filter(({ event_id }) => !ids.has(event_id));
    // What has been sent since the answer was asked for may be missing; the next look will find it.
    return missing.length === 0 && { held: events, sent };
  });
  await context.close();
  assert.ok(lost >= 3, `only ${lost} batches were lost`);
  assert.equal(new Set(held.map(({ event_id }) => event_id)).size, held.length);
  const whole = largest(sent);
  assert.ok(Object.keys(whole).length >= 3, JSON.stringify(whole)); // one a page at least
  assert.ok(Math.max(...Object.values(whole)) >= 1000);
  const kept = largest(held);
  for (const [key, ms] of Object.entries(whole)) assert.equal(kept[key], ms, key);
  quiet(harm);
});

test("a page that is hidden or left sends its snapshots by beacon", async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page, { analytics: true });
  await say(page, "Something tense");
  await page.waitForTimeout(1500);
  await page.evaluate(() => {
    window.taken = [];
    const send = navigator.sendBeacon.bind(navigator);
    navigator.sendBeacon = (path, body) => (window.taken.push(body), send(path, body));
  });
  await look(page, true);
  const bodies = await page.evaluate(() => window.taken);
  assert.equal(bodies.length, 1);
  const snapshot = JSON.parse(bodies[0]).events.find(({ type }) => type === "dwell");
  assert.ok(snapshot.props.visible_ms >= 1000);
  assert.equal(snapshot.props.final, false);
  await eventually("it is stored", async () => (await stored(page)).events.some(({ event_id }) => event_id === snapshot.event_id));
  await look(page, false);
  await page.waitForTimeout(300);
  const before = proxy.events().length;
  await page.goto(`${proxy.url}/loop`);
  await eventually("the last snapshot says so", async () => proxy.events().slice(before).some(({ type, props }) => type === "dwell" && props.final));
  quiet(harm);
  await context.close();
});

test("time while the page is hidden does not count", async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page, { analytics: true });
  await say(page, "Something tense");
  await look(page, true);
  const at = async () => {
    const dwell = proxy.events().filter(({ type }) => type === "dwell");
    return dwell.length > 0 ? dwell.at(-1) : null;
  };
  const before = (await at())?.props.visible_ms ?? 0;
  await page.waitForTimeout(2500);
  await look(page, false);
  await page.waitForTimeout(50);
  await look(page, true);
  await page.waitForTimeout(300);
  const after = (await at())?.props.visible_ms ?? 0;
  assert.ok(after - before < 1500, `${after} after ${before}`);
  quiet(harm);
  await context.close();
});
