import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { consent, eventually, message, open, quiet, replies, say, serve, turns, whole } from "./harness.mjs";

const proxy = await serve();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// What axe holds to be serious or critical, in words.
async function complaints(page, where) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${where}: ${id} at ${nodes.map(({ target, failureSummary }) => `${target} (${failureSummary})`).join("; ")}`);
}

const focused = (page) => page.evaluate(() => {
  const at = document.activeElement;
  return at?.getAttribute("aria-label") ?? at?.textContent?.trim() ?? "";
});

// Presses Tab until what has the focus is called so.
async function tabTo(page, name, key = "Tab") {
  for (let i = 0; i < 60; ++i) {
    if (name.test(await focused(page))) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${key} does not reach ${name}; it is at ${await focused(page)}`);
}

const outlined = (page) => page.evaluate(() => {
  const at = document.activeElement;
  const shown = [at, at.nextElementSibling, at.parentElement].filter(Boolean).map((element) => getComputedStyle(element));
  return shown.some(({ outlineStyle, outlineWidth }) => outlineStyle !== "none" && parseFloat(outlineWidth) > 0);
});

test("the keyboard alone does everything", async () => {
  const { page, context, harm } = await open(proxy);
  await message(page).waitFor();
  await page.keyboard.press("Tab");
  assert.match(await focused(page), /Skip to the message field/);
  await tabTo(page, /^Keep both off$/);
  assert.ok(await outlined(page));
  await page.keyboard.press("Enter");
  await page.getByRole("form", { name: "Your choices" }).waitFor({ state: "detached" });

  await tabTo(page, /^Message$/);
  await page.keyboard.type("Something tense");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("and scary");
  assert.equal(await message(page).inputValue(), "Something tense\nand scary");
  await page.keyboard.press("Enter");
  await whole(page);
  assert.equal(await focused(page), "Message");

  await tabTo(page, /^Bad reply$/, "Shift+Tab");
  assert.ok(await outlined(page));
  await page.keyboard.press("Space");
  await eventually("the first reason has the focus", () => page.evaluate(() => document.activeElement?.getAttribute("value") === "not_my_taste"));
  assert.ok(await outlined(page));
  await page.keyboard.press("Space");
  await tabTo(page, /^Send$/);
  await page.keyboard.press("Enter");
  await eventually("the vote is stored", async () => (await turns(page))[1].rating === -1);

  await page.getByRole("button", { name: "Bad reply" }).focus();
  await tabTo(page, /^Seen it$/, "Shift+Tab");
  await page.keyboard.press("Enter");
  await tabTo(page, /^Edit this message$/, "Shift+Tab");
  await page.keyboard.press("Enter");
  assert.equal(await focused(page), "Your message, changed");
  await page.keyboard.press("Escape");
  await eventually("the focus is back", async () => (await focused(page)) === "Edit this message");

  await tabTo(page, /^What is recorded$/, "Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await eventually("the focus is back", async () => (await focused(page)) === "What is recorded");

  await tabTo(page, /^Delete “/, "Shift+Tab");
  await page.keyboard.press("Enter");
  assert.equal(await focused(page), "Delete");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /What do you feel like/ }).waitFor();
  quiet(harm);
  await context.close();
});

test("finished replies are read out, unfinished ones are not", async () => {
  const { page, context, harm } = await open(proxy);
  const live = page.locator("[aria-live=polite]");
  await say(page, "Something tense");
  const title = (await replies(page).getByRole("heading").first().textContent()).trim().replace(/ \d{4}$/, "");
  assert.ok((await live.textContent()).includes(title));
  proxy.paceMs = 40;
  await message(page).fill("More");
  await message(page).press("Enter");
  await page.getByRole("button", { name: "Stop the reply" }).waitFor();
  assert.equal(await live.textContent(), "");
  await whole(page);
  proxy.paceMs = 0;
  assert.notEqual(await live.textContent(), "");
  for (const landmark of ["main", "banner", "complementary", "navigation"]) assert.ok((await page.getByRole(landmark).count()) > 0, landmark);
  quiet(harm);
  await context.close();
});

for (const scheme of ["light", "dark"]) {
  for (const width of [1280, 360]) {
    test(`axe finds nothing serious in ${scheme} at ${width}`, async () => {
      const { page, context } = await open(proxy, { colorScheme: scheme, reducedMotion: "reduce", viewport: { width, height: 800 } });
      await page.getByRole("heading", { name: /What do you feel like/ }).waitFor();
      const found = await complaints(page, "first visit");
      await consent(page, { analytics: true });
      await say(page, "Something tense and scary");
      await page.getByText("About it").first().click();
      await page.getByRole("button", { name: "Not for me" }).first().click();
      await page.getByRole("button", { name: "Seen it" }).last().click();
      await page.getByRole("button", { name: "Bad reply" }).click();
      await page.getByRole("checkbox").first().check();
      found.push(...(await complaints(page, "conversation")));
      if (width < 600) {
        await page.getByRole("button", { name: "Conversations" }).click();
        await page.getByRole("button", { name: "New conversation" }).waitFor();
        found.push(...(await complaints(page, "drawer")));
        await page.keyboard.press("Escape");
      }
      await page.getByRole("navigation").getByRole("button", { name: "What is recorded" }).click();
      await page.getByRole("button", { name: "Show it" }).click();
      await page.getByLabel("Stored data").waitFor();
      found.push(...(await complaints(page, "panel")));
      await page.goto(`${proxy.url}/loop`);
      await page.getByRole("heading", { name: "Lineage" }).waitFor();
      found.push(...(await complaints(page, "loop")));
      assert.deepEqual(found, []);
      await context.close();
    });
  }
}

test("nothing is wider than a phone of 320 px", async () => {
  const { page, context, harm } = await open(proxy, { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });
  const fits = async (where) => {
    const [width, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(width <= inner, `${where}: ${width} px on ${inner}`);
    const log = page.getByRole("region", { name: "Conversation", exact: true });
    if (await log.count()) assert.ok(await log.evaluate((element) => element.scrollWidth <= element.clientWidth), `${where}: the log`);
  };
  await page.getByRole("heading", { name: /What do you feel like/ }).waitFor();
  await fits("first visit");
  await say(page, `Something tense ${"Donaudampfschifffahrtsgesellschaft".repeat(4)}`);
  await fits("conversation");
  await page.getByRole("button", { name: "Not for me" }).first().tap();
  await page.getByRole("button", { name: "Bad reply" }).tap();
  await page.getByRole("button", { name: "Answer again" }).tap();
  await page.getByText("2/2").waitFor();
  await whole(page);
  await fits("reasons and branches");
  await page.getByRole("button", { name: "Edit this message" }).tap();
  await fits("editor");
  await page.getByRole("button", { name: "Conversations" }).tap();
  await page.getByRole("button", { name: "New conversation" }).tap();
  await page.getByRole("navigation").getByRole("button", { name: "What is recorded" }).tap();
  await page.getByRole("button", { name: "Show it" }).tap();
  await fits("panel");
  await page.goto(`${proxy.url}/loop`);
  await page.getByRole("heading", { name: "Lineage" }).waitFor();
  await fits("loop");
  quiet(harm);
  await context.close();
});

test("the theme follows the system, can be switched and stays switched", async () => {
  const { page, context, harm } = await open(proxy, { colorScheme: "dark" });
  const dark = () => page.evaluate(() => {
    const [r, g, b] = getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).map(Number);
    return r + g + b < 300;
  });
  await message(page).waitFor();
  assert.equal(await dark(), true);
  await page.emulateMedia({ colorScheme: "light" });
  assert.equal(await dark(), false);
  await page.getByRole("button", { name: "Switch to dark colours" }).click();
  assert.equal(await dark(), true);
  await page.goto(`${proxy.url}/loop`);
  assert.equal(await dark(), true);
  await page.getByRole("button", { name: "Switch to light colours" }).click();
  assert.equal(await dark(), false);
  quiet(harm);
  await context.close();
});

test("those who want no motion get none", async () => {
  const { page, context } = await open(proxy, { reducedMotion: "reduce" });
  await say(page, "Something tense");
  const moving = await page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0);
  await context.close();
});
