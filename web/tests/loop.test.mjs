import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, given, message, open, quiet, serve } from "./harness.mjs";

const proxy = await serve();
const reads = () => proxy.requests.filter(({ path }) => path === "/v1/loop").length;

test("the loop shows models, lineage, traffic, feedback, signals, latency and errors", async () => {
  const { page, context, harm } = await open(proxy, { path: "/loop" });
  for (const name of ["Live traffic", "Latency", "Health of the signals", "Feedback", "Events by type", "Models", "Lineage", "Errors since the start"]) {
    await page.getByRole("heading", { name, exact: true }).waitFor();
  }
  const figures = await (await page.request.get(`${proxy.url}/v1/loop`)).json();
  const wanted = [figures.title, ...figures.models.map(({ id }) => id), ...figures.lineage.map(({ stage }) => stage),
    ...figures.signals.map(({ name }) => name.replaceAll("_", " ")), ...Object.keys(figures.errors)];
  // What was measured since the page read its figures stands in its next reading.
  await eventually("all of it is there", async () => {
    const text = await page.getByRole("main").innerText();
    return wanted.every((what) => text.includes(what));
  });
  if (figures.traffic.minutes.length > 0) assert.ok((await page.locator("canvas").count()) >= 2);
  if (figures.report) assert.equal(await page.getByRole("link", { name: "The last report" }).getAttribute("href"), figures.report);
  quiet(harm);
  await context.close();
});

test("a server that has seen nothing yet shows so", async () => {
  const { page, context, harm } = await open(proxy, { path: "/health" });
  const none = { p50: null, p95: null, p99: null };
  await page.route("**/v1/loop", (route) => route.fulfill({ json: {
    title: "new", started_at: new Date().toISOString(), models: [], lineage: [], traffic: { minutes: [] },
    latency: { ttft_ms: none, inter_token_ms: none, total_ms: none }, errors: {}, signals: [], report: null,
    feedback: { conversations: 0, turns: 0, replies: 0, events: 0, people: 0, training_consent: 0, by_type: {}, days: [] },
  } }));
  await page.goto(`${proxy.url}/loop`);
  for (const text of ["Nothing in the last two hours.", "No signal has been measured yet.", "No feedback yet.", "No events yet.", "None."]) {
    await page.getByText(text, { exact: true }).waitFor();
  }
  quiet(harm);
  await context.close();
});

test("a server in its first minute draws it", async () => {
  const { page, context, harm } = await open(proxy, { path: "/health" });
  const first = { at: Math.floor(Date.now() / 60_000) * 60, replies: 3, events: 2, errors: 0, ttft_ms_p50: 12, ttft_ms_p95: 14 };
  const day = { day: new Date().toISOString().slice(0, 10), replies: 3, events: 2, ratings_up: 1, ratings_down: 0 };
  await page.route("**/v1/loop", async (route) => {
    const figures = await (await route.fetch()).json();
    await route.fulfill({ json: { ...figures, traffic: { minutes: [first] }, feedback: { ...figures.feedback, days: [day] } } });
  });
  await page.goto(`${proxy.url}/loop`);
  await page.getByRole("heading", { name: "Lineage" }).waitFor();
  await eventually("all four are drawn", async () => (await page.locator("canvas").count()) === 4);
  quiet(harm);
  await context.close();
});

test("signals are called valid, drifted or neither as their figures say", { skip: given !== null }, async () => {
  const { page, context } = await open(proxy, { path: "/loop" });
  const row = (name) => page.getByRole("row", { name: new RegExp(`^${name}`) });
  await row("dwell").waitFor();
  assert.match(await row("dwell").innerText(), /steady[\s\S]*0\.64 \[0\.60, 0\.68\][\s\S]*valid/);
  assert.match(await row("reply latency").innerText(), /not shown/);
  assert.match(await row("sentiment shift").innerText(), /drifted/);
  assert.match(await row("copy").innerText(), /too few thumbs/);
  await context.close();
});

test("figures are read every five seconds while the page is in view, and only then", async () => {
  const { page, context, harm } = await open(proxy, { path: "/health" });
  await page.clock.install();
  await page.goto(`${proxy.url}/loop`);
  await page.getByRole("heading", { name: "Lineage" }).waitFor();
  const first = reads();
  await page.clock.runFor(5_000);
  await eventually("a second reading", () => reads() === first + 1);
  await page.clock.runFor(5_000);
  await eventually("a third reading", () => reads() === first + 2);
  await page.evaluate(() => Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" }));
  await page.clock.runFor(20_000);
  assert.equal(reads(), first + 2);
  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "visible" });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await eventually("one as soon as it is back", () => reads() === first + 3);
  quiet(harm);
  await context.close();
});

test("when figures cannot be read the last ones stay, and it is said", async () => {
  const { page, context } = await open(proxy, { path: "/loop" });
  await page.getByRole("heading", { name: "Lineage" }).waitFor();
  proxy.rules.push((method, path) => (path === "/v1/loop" ? { status: 503 } : undefined));
  await page.getByRole("alert").getByText("The server is busy.").waitFor();
  assert.equal(await page.getByRole("heading", { name: "Lineage" }).count(), 1);
  proxy.rules.pop();
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await page.getByRole("alert").waitFor({ state: "detached" });
  await context.close();
});

test("both pages together weigh at most 60 kB", async () => {
  const files = new Map();
  for (const path of ["/", "/loop"]) {
    const { page, context, harm } = await open(proxy, { path });
    await page.getByRole("button", { name: /Switch to/ }).waitFor();
    if (path === "/") await message(page).waitFor();
    const sizes = await page.evaluate(() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .filter(({ name }) => !name.includes("/v1/"))
      .map(({ name, encodedBodySize }) => [new URL(name).pathname, encodedBodySize]));
    for (const [name, size] of sizes) files.set(name, size);
    quiet(harm);
    await context.close();
  }
  const total = [...files.values()].reduce((sum, size) => sum + size, 0);
  assert.ok(files.size >= 6, `only ${[...files.keys()]}`);
  assert.ok(total <= 60_000, JSON.stringify([...files]));
  console.log(`both pages: ${total} bytes as sent, ${files.size} files`);
});

test("the first paint", async () => {
  for (const path of ["/", "/loop"]) {
    const times = [];
    for (let i = 0; i < 5; ++i) {
      const { page, context } = await open(proxy, { path });
      times.push(await eventually("it paints", () => page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime)));
      await context.close();
    }
    times.sort((a, b) => a - b);
    console.log(`first contentful paint of ${path}: ${Math.round(times[2])} ms (median of 5, ${Math.round(times[0])} to ${Math.round(times[4])})`);
  }
});
