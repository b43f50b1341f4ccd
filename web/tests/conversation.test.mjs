import assert from "node:assert/strict";
import { test } from "node:test";
import { consent, eventually, message, open, quiet, replies, say, serve, stored, turns, whole } from "./harness.mjs";

const proxy = await serve();
const bar = (page) => page.getByRole("complementary", { name: "Conversations" });

test("a whole conversation with feedback", async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page, { analytics: true, training: true });
  await page.getByRole("button", { name: /I loved Heat/ }).click();
  await whole(page);
  const card = page.getByRole("list", { name: "Recommended" }).getByRole("listitem").first();
  assert.notEqual((await card.getByRole("heading").textContent()).trim(), "");

  await card.getByRole("button", { name: "Seen it" }).click();
  await card.getByRole("button", { name: "Not for me" }).click();
  await card.getByRole("checkbox", { name: "Wrong mood" }).check();
  await card.getByRole("textbox", { name: "In your own words" }).fill("too slow");
  await card.getByRole("button", { name: "Send" }).click();
  await page.getByRole("button", { name: "Good reply" }).click();
  await say(page, "And something funny?");
  assert.equal(await replies(page).count(), 2);

  await eventually("the server holds what was said", async () => {
    const [first] = (await turns(page)).filter(({ role }) => role === "assistant");
    const item = first.items?.[first.recommendations[0].item_id];
    return first.rating === 1 && item?.seen === true && item.not_interested === true && item.reasons.includes("wrong_mood");
  });
  const kinds = (await stored(page)).events.map(({ type }) => type);
  for (const type of ["rating", "seen", "not_interested"]) assert.ok(kinds.includes(type), type);
  assert.match(await bar(page).getByRole("listitem").first().textContent(), /Heat/);
  quiet(harm);
  await context.close();
});

test("conversations and votes are there after a reload and go on", async () => {
  const { page, context, harm } = await open(proxy);
  await say(page, "Something tense");
  await page.getByRole("button", { name: "Bad reply" }).click();
  await page.getByRole("button", { name: "Skip" }).click();
  await eventually("the vote is stored", async () => (await turns(page))[1].rating === -1);
  await page.reload();
  await page.getByText("Something tense", { exact: true }).last().waitFor();
  assert.equal(await page.getByRole("button", { name: "Bad reply" }).getAttribute("aria-pressed"), "true");
  await say(page, "And funny");
  const all = await turns(page);
  assert.deepEqual(all.map(({ role }) => role), ["user", "assistant", "user", "assistant"]);
  assert.equal(all[2].parent_id, all[1].id);
  quiet(harm);
  await context.close();
});

test("a reload in the middle of a reply keeps the message, which can still be answered", async () => {
  const { page, context, harm } = await open(proxy);
  proxy.paceMs = 60;
  await message(page).fill("Something scary");
  await message(page).press("Enter");
  await page.getByRole("button", { name: "Stop the reply" }).waitFor();
  await eventually("the address names the conversation", () => page.url().includes("#"));
  await page.reload();
  proxy.paceMs = 0;
  await page.getByRole("article", { name: "You" }).waitFor();
  const answer = page.getByRole("button", { name: /^Answer (it|again)$/ });
  await answer.first().click();
  await whole(page);
  assert.equal((await turns(page)).filter(({ role }) => role === "user").length, 1);
  quiet(harm);
  await context.close();
});

test("a vote can be changed and taken back", async () => {
  const { page, context, harm } = await open(proxy);
  await say(page, "Something light");
  const up = page.getByRole("button", { name: "Good reply" });
  const down = page.getByRole("button", { name: "Bad reply" });
  const rating = async () => (await turns(page))[1].rating;
  await up.click();
  await eventually("up", async () => (await rating()) === 1);
  await down.click();
  await page.getByRole("checkbox", { name: "Too obvious" }).check();
  await page.getByRole("textbox", { name: "In your own words" }).fill("everybody knows these");
  await replies(page).getByRole("button", { name: "Send" }).click();
  await eventually("down", async () => (await rating()) === -1);
  assert.deepEqual([await up.getAttribute("aria-pressed"), await down.getAttribute("aria-pressed")], ["false", "true"]);
  await down.click(); // pressed again: taken back
  await eventually("none", async () => (await rating()) === null);
  await up.click();
  await page.getByRole("button", { name: "Undo" }).click();
  await eventually("none again", async () => (await rating()) === null);
  assert.equal(await up.getAttribute("aria-pressed"), "false");
  await eventually("all five are stored, with what was said", async () => {
    const ratings = (await stored(page)).events.filter(({ type }) => type === "rating");
    return ratings.length >= 5 && ratings.some(({ props }) => props.reasons?.includes("too_obvious") && props.comment === "everybody knows these");
  });
  quiet(harm);
  await context.close();
});

test("“seen it” and “not for me” can be taken back", async () => {
  const { page, context, harm } = await open(proxy);
  await say(page, "Something light");
  const card = page.getByRole("list", { name: "Recommended" }).getByRole("listitem").first();
  const state = async () => {
    const [, reply] = await turns(page);
    return reply.items?.[reply.recommendations[0].item_id] ?? {};
  };
  for (const [name, field] of [["Seen it", "seen"], ["Not for me", "not_interested"]]) {
    await card.getByRole("button", { name }).click();
    await eventually(`${name} is stored`, async () => (await state())[field] === true);
    await card.getByRole("button", { name }).click();
    await eventually(`${name} is taken back`, async () => !(await state())[field]);
    assert.equal(await card.getByRole("button", { name }).getAttribute("aria-pressed"), "false");
  }
  quiet(harm);
  await context.close();
});

test("answering again makes a branch; one can look at both and undo", async () => {
  const { page, context, harm } = await open(proxy);
  await say(page, "Something with magic");
  const first = (await turns(page))[1].id;
  await page.getByRole("button", { name: "Answer again" }).click();
  await page.getByText("2/2").waitFor();
  await whole(page);
  const all = await turns(page);
  assert.deepEqual(all.map(({ parent_id }) => parent_id), [null, all[0].id, all[0].id]);
  await page.getByRole("button", { name: "Previous version" }).click();
  await page.getByText("1/2").waitFor();
  await page.getByRole("button", { name: "Next version" }).click();
  await page.getByText("2/2").waitFor();
  await page.getByRole("button", { name: "Answer again" }).click();
  await page.getByText("3/3").waitFor();
  await whole(page);
  await page.getByRole("form", { name: "Your message" }).getByRole("button", { name: "Undo" }).click();
  await page.getByText("2/3").waitFor();
  await page.getByRole("button", { name: "Previous version" }).click();
  await say(page, "More of that"); // goes below what is on show
  assert.equal((await turns(page)).at(-2).parent_id, first);
  quiet(harm);
  await context.close();
});

test("editing an earlier message makes a branch beside it", async () => {
  const { page, context, harm } = await open(proxy);
  await say(page, "Something funny");
  await say(page, "More");
  await page.getByRole("article", { name: "You" }).first().hover();
  await page.getByRole("button", { name: "Edit this message" }).first().click();
  const editor = page.getByRole("textbox", { name: "Your message, changed" });
  assert.equal(await editor.inputValue(), "Something funny");
  await editor.fill("Something scary");
  await editor.press("Enter");
  await page.getByText("2/2").waitFor();
  await whole(page);
  assert.equal(await replies(page).count(), 1);
  assert.deepEqual((await turns(page)).filter(({ parent_id }) => parent_id === null).map(({ text }) => text), ["Something funny", "Something scary"]);
  await page.getByRole("article", { name: "You" }).first().hover();
  await page.getByRole("button", { name: "Previous version" }).click();
  assert.equal(await replies(page).count(), 2);
  await page.getByRole("button", { name: "Edit this message" }).first().click();
  await page.getByRole("textbox", { name: "Your message, changed" }).press("Escape");
  assert.equal(await page.getByRole("textbox", { name: "Your message, changed" }).count(), 0);
  quiet(harm);
  await context.close();
});

test("Escape stops a reply, and the conversation goes on", async () => {
  const { page, context, harm } = await open(proxy);
  proxy.paceMs = 60;
  await message(page).fill("Something tense");
  await message(page).press("Enter");
  await page.getByRole("button", { name: "Stop the reply" }).waitFor();
  await eventually("words come", async () => (await replies(page).last().innerText()).length > 5);
  await page.keyboard.press("Escape");
  await page.getByText("Stopped.", { exact: true }).last().waitFor();
  await page.getByRole("button", { name: "Send", exact: true }).waitFor();
  proxy.paceMs = 0;
  await say(page, "Go on");
  const all = await turns(page);
  assert.equal(all.at(-1).role, "assistant");
  assert.equal(await message(page).evaluate((field) => field === document.activeElement), true);
  quiet(harm);
  await context.close();
});

test("a reply that is longer than the window is shown from its beginning", async () => {
  const { page, context, harm } = await open(proxy, { viewport: { width: 360, height: 480 } });
  await consent(page);
  await say(page, "Something tense");
  await say(page, "Something funny");
  const top = async () => (await replies(page).last().boundingBox()).y;
  await eventually("its first line is in view", async () => (await top()) > 0 && (await top()) < 200);
  quiet(harm);
  await context.close();
});

test("a conversation can be deleted, after a question", async () => {
  const { page, context, harm } = await open(proxy);
  await say(page, "Something tense");
  await bar(page).getByRole("listitem").first().hover();
  await page.getByRole("button", { name: /^Delete “/ }).click();
  await page.getByRole("button", { name: "Keep", exact: true }).click();
  assert.equal(await bar(page).getByRole("listitem").count(), 1);
  await page.getByRole("button", { name: /^Delete “/ }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("heading", { name: /What do you feel like/ }).waitFor();
  assert.deepEqual((await stored(page)).conversations, []);
  assert.ok(!page.url().includes("#"));
  quiet(harm);
  await context.close();
});

test("earlier conversations are listed and opened, and the browser's Back works", async () => {
  const { page, context, harm } = await open(proxy);
  await say(page, "First one, tense");
  await page.getByRole("button", { name: "New conversation" }).click();
  await say(page, "Second one, funny");
  await eventually("both are listed", async () => (await bar(page).getByRole("listitem").count()) === 2);
  await bar(page).getByRole("button", { name: /^First one/ }).click();
  await page.getByRole("article", { name: "You" }).getByText("First one, tense").waitFor();
  await page.goBack();
  await page.getByRole("article", { name: "You" }).getByText("Second one, funny").waitFor();
  quiet(harm);
  await context.close();
});

test("a busy server is said in place and can be tried again", async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page);
  proxy.rules.push((method, path) => (path === "/v1/chat/completions" ? { status: 503 } : undefined));
  await message(page).fill("Something tense");
  await message(page).press("Enter");
  await page.getByRole("alert").getByText("The server is busy.").waitFor();
  proxy.rules.pop();
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await whole(page);
  assert.equal(await page.getByRole("alert").count(), 0);
  assert.equal(await page.getByRole("article", { name: "You" }).count(), 1);
  assert.equal((await turns(page)).length, 2);
  quiet(harm);
  await context.close();
});

test("after a refusal one can say something else instead, and the conversation goes on", async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page);
  for (const before of [0, 2]) {
    proxy.rules.push((method, path) => (path === "/v1/chat/completions" ? { status: 503 } : undefined));
    await message(page).fill("Something tense");
    await message(page).press("Enter");
    await page.getByRole("alert").getByText("The server is busy.").waitFor();
    proxy.rules.pop();
    await say(page, "Something funny");
    assert.equal(await page.getByRole("alert").count(), 0);
    assert.equal((await turns(page)).length, before + 2);
    assert.equal(await page.getByText("Something tense").count(), 0);
  }
  quiet(harm);
  await context.close();
});

test("a reply that was stopped before it began can be asked for again", async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page);
  proxy.rules.push((method, path) => (path === "/v1/chat/completions" ? { lose: "request", delayMs: 60_000 } : undefined));
  await message(page).fill("Something tense");
  await message(page).press("Enter");
  await page.getByRole("button", { name: "Stop the reply" }).click();
  await page.getByRole("alert").getByText("Stopped before the reply began.").waitFor();
  proxy.rules.pop();
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await whole(page);
  assert.equal((await turns(page)).length, 2);
  quiet(harm);
  await context.close();
});

test("a reply that could not be stored is said in place and can be tried again", async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page);
  const error = { message: "The reply could not be stored.", type: "server_error", code: "store_failed", param: null };
  await page.route("**/v1/chat/completions", async (route) => {
    const answer = await (await route.fetch()).text();
    const begun = answer.split("\n\n").slice(0, 4).join("\n\n");
    await route.fulfill({ contentType: "text/event-stream", body: `${begun}\n\ndata: ${JSON.stringify({ error })}\n\ndata: [DONE]\n\n` });
  }, { times: 1 });
  await message(page).fill("Something tense");
  await message(page).press("Enter");
  await page.getByRole("alert").getByText("The reply could not be stored.").waitFor();
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await whole(page);
  quiet(harm);
  await context.close();
});

test("a connection that breaks in the middle of a reply is said in place and can be tried again", async () => {
  const { page, context, harm } = await open(proxy);
  await consent(page);
  proxy.paceMs = 60;
  proxy.rules.push((method, path) => (path === "/v1/chat/completions" ? { cutAfter: 250 } : undefined));
  await message(page).fill("Something tense");
  await message(page).press("Enter");
  const alert = page.getByRole("alert");
  await alert.getByText(/lost|whole/).waitFor();
  proxy.rules.pop();
  proxy.paceMs = 0;
  await alert.getByRole("button", { name: "Try again" }).click();
  await whole(page);
  assert.equal((await turns(page)).filter(({ role }) => role === "user").length, 1);
  quiet(harm);
  await context.close();
});
