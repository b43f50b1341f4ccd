// What the tests in a browser share: Chromium, a server behind a proxy that can misbehave, pages that remember every
// dialog, script error, CSP violation and request to elsewhere.
import assert from "node:assert/strict";
import { after } from "node:test";
import { chromium } from "playwright-core";
import { startMock } from "./mock_server.mjs";
import { startProxy } from "./proxy.mjs";

// A server that runs already, or null: the stand-in, a fresh one for each file.
export const given = process.env.ATTUNE_URL ?? null;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-background-networking"],
});
const closing = [];

after(async () => {
  await browser.close();
  for (const close of closing.reverse()) await close();
});

// options: of the stand-in server. Resolves to the proxy before it.
export async function serve(options = {}) {
  let target = given;
  if (!target) {
    const mock = await startMock(options);
    closing.push(mock.close);
    target = mock.url;
  }
  const proxy = await startProxy(target);
  if (given) proxy.choose = { temperature: 0 }; // a model that is asked for something recommends something
  closing.push(proxy.close);
  return proxy;
}

// A page in a browser of its own (no cookies, nothing stored). `harm` lists what must never happen.
export async function open(proxy, { path = "/", script, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(15_000);
  if (script) await context.addInitScript(script);
  const harm = [];
  await context.exposeBinding("reportHarm", (_, what) => harm.push(what));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => window.reportHarm(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  const page = await context.newPage();
  page.on("dialog", (dialog) => {
    harm.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("pageerror", (error) => harm.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(proxy.url) && !request.url().startsWith("blob:")) harm.push(`request: ${request.url()}`);
  });
  context.on("page", () => harm.push("another page was opened"));
  await page.goto(proxy.url + path);
  return { page, context, harm };
}

export async function consent(page, { analytics = false, training = false } = {}) {
  const form = page.getByRole("form", { name: "Your choices" });
  if (analytics) await form.getByRole("checkbox", { name: /measure/i }).check();
  if (training) await form.getByRole("checkbox", { name: /train/i }).check();
  await form.getByRole("button", { name: "Save my choice" }).click();
  await form.waitFor({ state: "detached" });
}

export const message = (page) => page.getByRole("textbox", { name: "Message", exact: true });
export const replies = (page) => page.getByRole("article", { name: "Reply" });

// Says something and waits until the reply is whole.
export async function say(page, text) {
  await message(page).fill(text);
  await message(page).press("Enter");
  await whole(page);
}

export async function whole(page) {
  await page.getByRole("button", { name: "Send", exact: true }).waitFor();
  await replies(page).last().getByRole("button", { name: "Good reply" }).waitFor();
}

// What the server has stored about whoever uses this page.
export async function stored(page) {
  return (await page.request.get(new URL("/v1/me/data", page.url()).href)).json();
}

// The turns of the conversation in the page's address, as the server has them.
export async function turns(page) {
  const id = new URL(page.url()).hash.slice(1);
  const answer = await page.request.get(new URL(`/v1/conversations/${id}`, page.url()).href);
  return (await answer.json()).turns ?? [];
}

// Asks again until it holds; the tests wait for what happens, not for a time.
export async function eventually(what, holds) {
  const end = Date.now() + 15_000;
  let last;
  while (Date.now() < end) {
    last = await holds();
    if (last) return last;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return assert.fail(`never: ${what} (last: ${JSON.stringify(last)})`);
}

export const quiet = (harm) => assert.deepEqual(harm, []);
