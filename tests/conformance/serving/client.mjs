// OpenAI's own client and an SSE parser against a running server: `client.mjs URL KEY LIMITED_KEY`. LIMITED_KEY may ask
// once a minute. Prints a list of {what, cases, different} as JSON.
import assert from "node:assert/strict";
import { createParser } from "eventsource-parser";
import OpenAI from "openai";

const [url, apiKey, limitedKey] = process.argv.slice(2);
const rows = [];
const clientOf = (key, more = {}) => new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, ...more });
const client = clientOf(apiKey);
const hello = { model: "", messages: [{ role: "user", content: "something tense" }], temperature: 0, max_tokens: 24 };

// A row: each case is a function that throws where it does not hold.
async function row(what, cases) {
  let different = 0;
  for (const holds of cases) {
    try {
      await holds();
    } catch (error) {
      ++different;
      console.error(`${what}: ${error.message}`);
    }
  }
  rows.push({ what, cases: cases.length, different });
}

const refused = (kind, status, ask, more = () => {}) => async () => {
  const error = await ask().then(() => assert.fail("it was taken"), (error) => error);
  assert.ok(error instanceof kind, `${error.constructor.name}, expected ${kind.name}: ${error.message}`);
  assert.equal(error.status, status);
  for (const part of ["message", "type", "code", "param"]) assert.ok(part in error.error, part);
  more(error);
};

const model = (await client.models.list()).data[0].id;
hello.model = model;
const whole = await client.chat.completions.create(hello);
const text = whole.choices[0].message.content;

await row("models.list and chat.completions.create", [
  () => assert.equal(whole.object, "chat.completion"),
  () => assert.ok(text.length > 0),
  () => assert.ok(["stop", "length"].includes(whole.choices[0].finish_reason)),
  () => assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens),
  () => assert.ok(whole.attune.recommendations.every(({ title, propensity }) => title && propensity > 0)),
  async () => assert.equal((await client.chat.completions.create({ ...hello, messages: [{ role: "system", content: "x" }, { role: "user", content: [{ type: "text", text: "something tense" }] }] })).choices[0].message.content, text),
  // max_tokens bounds the words; whether to recommend, and what, are two tokens beside them.
  async () => assert.ok((await client.chat.completions.create({ ...hello, max_tokens: 1 })).usage.completion_tokens <= 3),
]);

async function streamed(ask) {
  const chunks = [];
  for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) chunks.push(chunk);
  return chunks;
}
const chunks = await streamed({ ...hello, stream_options: { include_usage: true } });
const words = (some) => some.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
await row("streams say what whole answers say", [
  () => assert.equal(words(chunks), text),
  () => assert.equal(chunks[0].choices[0].delta.role, "assistant"),
  () => assert.deepEqual(chunks.at(-1).choices, []),
  () => assert.deepEqual(chunks.at(-1).usage, whole.usage),
  () => assert.equal(chunks.at(-2).choices[0].finish_reason, whole.choices[0].finish_reason),
  () => assert.deepEqual(chunks.at(-2).attune.recommendations, whole.attune.recommendations),
  async () => assert.ok((await streamed(hello)).every(({ usage }) => !usage)),
  async () => assert.equal((await client.chat.completions.stream(hello).finalChatCompletion()).choices[0].message.content, text),
]);

const create = (more, by = client) => () => by.chat.completions.create({ ...hello, ...more });
const limited = clientOf(limitedKey);
await limited.models.list(); // public: takes nothing of the minute
await create({}, limited)();
await row("errors are the client's own classes", [
  refused(OpenAI.BadRequestError, 400, create({ temperature: 9 }), (error) => assert.equal(error.param, "temperature")),
  refused(OpenAI.BadRequestError, 400, create({ n: 2 }), (error) => assert.equal(error.code, "unsupported_value")),
  refused(OpenAI.BadRequestError, 400, create({ messages: [] })),
  refused(OpenAI.BadRequestError, 400, create({ stream: true, logprobs: true })),
  refused(OpenAI.AuthenticationError, 401, create({}, clientOf("attune-wrong")), (error) => assert.equal(error.code, "invalid_api_key")),
  refused(OpenAI.NotFoundError, 404, create({ model: "gpt-4" }), (error) => assert.equal(error.code, "model_not_found")),
  refused(OpenAI.NotFoundError, 404, () => client.get("/nothing")),
  refused(OpenAI.NotFoundError, 404, create({ attune: { conversation_id: "0198a1b2-0000-7000-8000-000000000001" } })),
  refused(OpenAI.PermissionDeniedError, 403, create({}, clientOf(apiKey, { defaultHeaders: { "Sec-Fetch-Site": "cross-site" } })), (error) => assert.equal(error.code, "foreign_origin")),
  refused(OpenAI.RateLimitError, 429, create({}, limited), (error) => assert.ok(Number(error.headers.get("retry-after")) >= 1)),
  refused(OpenAI.APIError, 413, create({ messages: [{ role: "user", content: "x".repeat(2_000_000) }] })),
]);

await row("aborted streams end", [
  async () => {
    const stream = await client.chat.completions.create({ ...hello, temperature: 2, max_tokens: 100, stream: true });
    for await (const _ of stream) break;
    assert.ok(stream.controller.signal.aborted);
  },
  async () => {
    const stopping = new AbortController();
    const asked = client.chat.completions.create({ ...hello, temperature: 2, max_tokens: 100 }, { signal: stopping.signal });
    stopping.abort();
    await assert.rejects(asked, OpenAI.APIUserAbortError);
  },
  async () => assert.equal((await client.chat.completions.create(hello)).choices[0].message.content, text),
]);

// The bytes of a stream in random cuts: characters and lines torn apart.
const answer = await fetch(`${url}/v1/chat/completions`, {
  method: "POST",
  headers: { "Content-Type": "application/json", Authorization: `Bearer ${apiKey}` },
  body: JSON.stringify({ ...hello, messages: [{ role: "user", content: "something tense, ★ Ünder 東京 🎬" }], stream: true, stream_options: { include_usage: true } }),
});
assert.equal(answer.headers.get("content-type"), "text/event-stream");
const bytes = Buffer.from(await answer.arrayBuffer());
function parsed(cuts) {
  const events = [];
  const problems = [];
  const parser = createParser({ onEvent: ({ data }) => events.push(data), onError: (error) => problems.push(error.message) });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    parser.feed(decoder.decode(bytes.subarray(from, to), { stream: true }));
    from = to;
  }
  assert.deepEqual(problems, []);
  return events;
}
let seed = 7;
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
const events = parsed([]);
const each = [...bytes.keys()].slice(1);
await row("SSE in any pieces is the same events", [
  () => assert.equal(events.at(-1), "[DONE]"),
  () => assert.ok(events.slice(0, -1).every((data) => JSON.parse(data).object === "chat.completion.chunk")),
  () => assert.deepEqual(parsed(each), events), // byte by byte
  ...Array.from({ length: 200 }, () => () => assert.deepEqual(parsed(each.filter(() => random() < 0.1)), events)),
]);

console.log(JSON.stringify(rows));
