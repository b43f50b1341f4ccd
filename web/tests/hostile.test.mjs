import assert from "node:assert/strict";
import { test } from "node:test";
import { consent, eventually, message, open, quiet, replies, say, serve, stored } from "./harness.mjs";
import { payloads } from "./payloads.mjs";

const proxy = await serve();
const batch = 24;
const batches = Array.from({ length: Math.ceil(payloads.length / batch) }, (_, i) => payloads.slice(i * batch, (i + 1) * batch));

// Elements that no template of ours has, and attributes that only a parsed payload could have brought.
const strangers = (page) => page.evaluate(() => {
  const known = new Set("A ARTICLE ASIDE B BR BUTTON CANVAS CODE DD DETAILS DIALOG DIV DL DT EM FIELDSET FIGCAPTION FIGURE FORM H1 H2 H3 HEADER I INPUT LABEL LEGEND LI LINE MAIN METER NAV OL P PATH PRE SECTION SPAN STRONG SUMMARY SVG TABLE TBODY TD TEXTAREA TH THEAD TR UL".split(" "));
  const all = [...document.querySelectorAll("#app *")];
  const odd = all.filter((element) => !known.has(element.tagName.toUpperCase()) || [...element.attributes].some(({ name }) => name.startsWith("on")));
  const links = all.filter((element) => element.matches("a[href]") && !/^(\/|#)/.test(element.getAttribute("href")));
  return [...odd, ...links].map((element) => element.outerHTML.slice(0, 200));
});

// Moves over everything, so that what waits for the pointer or the focus has its chance.
async function provoke(page) {
  await page.evaluate(() => {
    for (const element of document.querySelectorAll("#app *")) {
      for (const type of ["mouseover", "pointerenter", "animationstart", "toggle"]) element.dispatchEvent(new Event(type));
      if (element instanceof HTMLElement && element.tabIndex >= 0 && !element.closest("dialog")) element.focus({ preventScroll: true });
    }
  });
  assert.equal(await page.evaluate(() => window.executed), undefined);
  assert.deepEqual(await strangers(page), []);
}

const recommendation = (payload, index) => ({
  item_id: payload,
  title: payload,
  year: index % 3 === 0 ? payload : 1990,
  rank: index + 1,
  score: 0.1,
  propensity: 0.1,
  attributes: { genre: [payload], [payload]: [payload] },
  reasons: ["item", "word", "name"].map((kind) => ({ kind, what: payload, weight: 1, text: payload })),
});

// A streamed reply whose words and items are payloads.
function stream(texts) {
  const place = { conversation_id: "11111111-1111-7111-8111-111111111111", user_turn_id: `user-${texts.length}-${Math.random()}`, turn_id: `turn-${Math.random()}` };
  const chunk = (delta, finish_reason, attune) => `data: ${JSON.stringify({ object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }], attune })}\n\n`;
  return [
    chunk({ role: "assistant" }, null, place),
    ...texts.map((text) => chunk({ content: `${text}\n\n` }, null)),
    chunk({}, "stop", { ...place, rec_token: texts[0], recommendations: texts.map(recommendation), model_sha256: texts[0] }),
    "data: [DONE]\n\n",
  ].join("");
}

test(`${payloads.length} payloads in replies, titles, reasons and attributes stay text`, async () => {
  assert.ok(payloads.length >= 200);
  const { page, context, harm } = await open(proxy);
  await consent(page, { analytics: true });
  let next = [];
  await page.route("**/v1/chat/completions", (route) => route.fulfill({ contentType: "text/event-stream", body: stream(next) }));
  await page.route("**/v1/conversations?*", (route) => route.fulfill({
    json: { conversations: next.map((title, i) => ({ id: `c-${i}`, title, created_at: title, updated_at: title, turns: 1 })), next: null },
  }));
  for (next of batches) {
    await page.getByRole("button", { name: "New conversation" }).click();
    await message(page).fill(next[0]);
    await message(page).press("Enter");
    await page.getByRole("button", { name: "Good reply" }).waitFor();
    await page.getByRole("list", { name: "Recommended" }).getByRole("listitem").nth(next.length - 1).waitFor();
    const titles = await page.getByRole("list", { name: "Recommended" }).getByRole("heading").allTextContents();
    next.forEach((payload, i) => assert.ok(titles[i].includes(payload.trim()) || titles[i].includes(payload), `title: ${payload} became ${titles[i]}`));
    for (const details of await page.locator("details").all()) await details.evaluate((element) => (element.open = true));
    await provoke(page);
  }
  quiet(harm);
  await context.close();
});

test(`${payloads.length} payloads typed as messages come back as they were typed`, async () => {
  const { page, context, harm } = await open(proxy);
  for (const texts of batches) {
    await page.getByRole("button", { name: "New conversation" }).click();
    const text = texts.join("\n").replaceAll("\u0000", "").trim();
    await say(page, text);
    assert.equal(await page.getByRole("article", { name: "You" }).locator(".said").textContent(), text);
    await page.reload();
    await page.getByRole("article", { name: "You" }).waitFor();
    assert.equal(await page.getByRole("article", { name: "You" }).locator(".said").textContent(), text);
    await provoke(page);
  }
  quiet(harm);
  await context.close();
});

test(`${payloads.length} payloads as comments are stored and shown as text`, async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page);
  await say(page, "Something tense");
  const comments = batches.map((texts) => texts.join(" ").replaceAll("\u0000", "").slice(0, 1000).trim());
  for (const comment of comments) {
    const down = page.getByRole("button", { name: "Bad reply" });
    if ((await down.getAttribute("aria-pressed")) === "true") await down.click();
    await down.click();
    await page.getByRole("textbox", { name: "In your own words" }).fill(comment);
    await replies(page).getByRole("button", { name: "Send" }).click();
  }
  await eventually("all are stored", async () => {
    const said = (await stored(page)).events.map(({ props }) => props.comment);
    return comments.every((comment) => said.includes(comment));
  });
  await page.getByRole("navigation").getByRole("button", { name: "What is recorded" }).click();
  await page.getByRole("button", { name: "Show it" }).click();
  const shown = await page.getByLabel("Stored data").textContent();
  for (const comment of comments) assert.ok(shown.includes(JSON.stringify(comment)), comment);
  await provoke(page);
  quiet(harm);
  await context.close();
});

test("payloads as the run's name, in errors and in refusals stay text", async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page);
  for (const payload of payloads.filter((_, i) => i % 9 === 0)) {
    await page.route("**/v1/me", (route) => route.fulfill({ json: { consent: null, policy_version: payload, title: payload } }));
    await page.route("**/v1/chat/completions", (route) => route.fulfill({ status: 400, json: { error: { message: payload, code: payload, type: payload, param: payload } } }));
    await page.goto("about:blank");
    await page.goto(proxy.url);
    await message(page).fill("x");
    await message(page).press("Enter");
    await page.getByRole("alert").waitFor();
    await provoke(page);
    await page.unrouteAll();
  }
  quiet(harm.filter((what) => !what.includes("about:blank")));
  await context.close();
});

test("the pages hold no means to make HTML or code of a text", async () => {
  const { page, context } = await open(proxy);
  const found = [];
  for (const path of ["/", "/loop"]) {
    const html = await (await page.request.get(proxy.url + path)).text();
    for (const [, file] of html.matchAll(/"(\/assets\/[^"]+\.js)"/g)) {
      const code = await (await page.request.get(proxy.url + file)).text();
      for (const means of code.match(/\.(?:inner|outer)HTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\(|new Function/g) ?? []) found.push(`${file}: ${means}`);
    }
  }
  assert.deepEqual(found, []);
  await context.close();
});

test("payloads in the figures of the loop stay text", async () => {
  const { page, context, harm } = await open(proxy, { path: "/loop" });
  for (const texts of batches) {
    const [first] = texts;
    const table = Object.fromEntries(texts.map((text) => [text, 1]));
    const figures = {
      title: first, started_at: first, errors: table, report: "javascript:alert(1)",
      models: texts.map((text) => ({ id: text, sha256: text, kind: text, active: false, created_at: text })),
      lineage: texts.map((text) => ({ stage: text, key: text, at: text, seconds: 1 })),
      traffic: { minutes: [] },
      latency: { ttft_ms: {}, inter_token_ms: {}, total_ms: {} },
      feedback: { conversations: 1, turns: 1, replies: 1, events: 1, people: 1, training_consent: 1, by_type: table, days: [] },
      signals: texts.map((name) => ({ name, n: 1, rate: 1, mean: 1, mean_before: 1, drift: 1, auc: 0.5, low: 0.4, high: 0.6, labelled: 1 })),
    };
    await page.route("**/v1/loop", (route) => route.fulfill({ json: figures }));
    await page.reload();
    await page.getByRole("heading", { name: "Lineage" }).waitFor();
    assert.ok((await page.getByRole("table").last().textContent()).length > 0);
    assert.equal(await page.getByRole("link", { name: "The last report" }).count(), 0);
    await provoke(page);
    await page.unrouteAll();
  }
  quiet(harm);
  await context.close();
});
