// A stand-in for `attune serve` with the same HTTP interface (docs/serving.md), for the tests of the pages and for work on
// them: node web/tests/mock_server.mjs [PORT]. Everything lives in memory; ids, replies and scores are the same in every
// run. MOCK_KEY=… makes it ask for a key, MOCK_PACE_MS says how long a word takes.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { recommend, replyTo } from "./mock_catalogue.mjs";
import { loopFigures } from "./mock_loop.mjs";

const policyVersion = "1";
const types = new Set(("impression viewable dwell item_click item_open copy reply regenerate stop edit rating correction " +
  "not_interested seen undo conversion session_start session_end consent").split(" "));
const needConsent = new Set(["dwell", "viewable", "impression", "reply"]);
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

class Refusal extends Error {
  constructor(status, code, message, type = "invalid_request_error") {
    super(message);
    Object.assign(this, { status, code, type });
  }
}

const missing = () => new Refusal(404, "not_found", "There is no such conversation.", "not_found_error");

// What one run of the server holds.
class State {
  constructor(options) {
    this.options = options;
    this.ids = 0;
    this.clock = Date.parse("2026-11-25T12:00:00Z");
    this.subjects = new Map();
  }

  id() {
    return `00000000-0000-7000-8000-${String(++this.ids).padStart(12, "0")}`;
  }

  now() {
    return new Date((this.clock += 1000)).toISOString();
  }

  subject(request) {
    const cookie = /attune_session=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
    return this.subjects.get(cookie) ?? null;
  }

  newSubject() {
    const subject = { cookie: this.id(), consents: [], conversations: new Map(), events: new Map(), decisions: [] };
    this.subjects.set(subject.cookie, subject);
    return subject;
  }
}

const consentOf = (subject) => subject.consents.at(-1) ?? null;

function sessionAnswer(state, subject) {
  return { consent: consentOf(subject), policy_version: policyVersion, title: state.options.title ?? "quickstart" };
}

async function bodyOf(request) {
  let text = "";
  for await (const piece of request) text += piece;
  if (text.length > 256 * 1024) throw new Refusal(413, "too_large", "The body is larger than 256 KiB.");
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    throw new Refusal(400, "bad_json", "The body is not JSON.");
  }
}

function pathTo(conversation, id) {
  const path = [];
  for (let at = id; at !== null; ) {
    const turn = conversation.turns.find((other) => other.id === at);
    if (!turn) throw missing();
    path.unshift(turn);
    at = turn.parent_id;
  }
  return path;
}

function findConversation(subject, id) {
  const conversation = subject.conversations.get(id);
  if (!conversation) throw missing();
  return conversation;
}

// The conversation and the user's turn that a reply goes below; makes what is missing.
function placeOf(state, subject, ask) {
  const attune = ask.attune ?? {};
  const said = (ask.messages ?? []).at(-1);
  if (!attune.conversation_id) {
    if (said?.role !== "user") throw new Refusal(400, "bad_messages", "The last message must be the user's.");
    const conversation = { id: state.id(), title: said.content.slice(0, 60), created_at: state.now(), updated_at: state.now(), turns: [] };
    subject.conversations.set(conversation.id, conversation);
    return { conversation, user: addTurn(state, conversation, null, "user", said.content) };
  }
  const conversation = findConversation(subject, attune.conversation_id);
  const path = pathTo(conversation, attune.parent_id ?? null);
  if (said) return { conversation, user: addTurn(state, conversation, attune.parent_id ?? null, "user", said.content) };
  if (path.at(-1)?.role !== "user") throw new Refusal(400, "bad_parent", "A reply goes below a message of the user.");
  return { conversation, user: path.at(-1) };
}

function addTurn(state, conversation, parent, role, text, extra = {}) {
  const turn = { id: extra.id ?? state.id(), parent_id: parent, role, text, at: state.now(), mentions: [], ...extra };
  conversation.turns.push(turn);
  conversation.updated_at = turn.at;
  return turn;
}

async function chat(state, subject, request, response) {
  const ask = await bodyOf(request);
  const { conversation, user } = placeOf(state, subject, ask);
  const path = pathTo(conversation, user.id);
  const said = path.filter((turn) => turn.role === "user").map((turn) => turn.text).join(" ");
  const version = conversation.turns.filter((turn) => turn.parent_id === user.id).length;
  const recommendations = recommend(said, ask.attune?.items ?? 2);
  const text = replyTo(said, recommendations, version);
  const id = state.id();
  const place = { conversation_id: conversation.id, user_turn_id: user.id, turn_id: id };
  const keep = (shown, finish, items) => {
    addTurn(state, conversation, user.id, "assistant", shown, { id, recommendations: items, rec_token: `token.${id}`, rating: null, items: {} });
    subject.decisions.push({ turn_id: id, finish_reason: finish, shown: items.map((item) => item.item_id) });
  };
  response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store" });
  const chunk = (delta, finish, attune) =>
    response.write(`data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }], ...(attune ? { attune } : {}) })}\n\n`);
  let gone = false;
  response.on("close", () => (gone = true));
  chunk({ role: "assistant" }, null, place);
  response.write(": ping\n\n");
  let shown = "";
  for (const word of text.match(/\S+\s*/g)) {
    await new Promise((resolve) => setTimeout(resolve, state.options.paceMs));
    if (gone) return keep(shown, "cancelled", []);
    chunk({ content: word }, null);
    shown += word;
  }
  keep(text, "stop", recommendations);
  chunk({}, "stop", { ...place, rec_token: `token.${id}`, recommendations, model_sha256: "0".repeat(64) });
  response.end("data: [DONE]\n\n");
  return undefined;
}

function refusalOf(state, subject, event) {
  if (event.schema !== "attune.event/1") return "bad_schema";
  if (!types.has(event.type)) return "bad_type";
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(event.event_id)) return "bad_id";
  if (Number.isNaN(Date.parse(event.occurred_at))) return "bad_time";
  if (typeof event.props !== "object" || (event.props.reasons ?? []).length > 8 || (event.props.comment ?? "").length > 1000) return "bad_props";
  if (needConsent.has(event.type) && !consentOf(subject)?.analytics) return "no_consent";
  if (event.turn_id !== undefined) {
    if (event.rec_token !== `token.${event.turn_id}`) return "bad_rec_token";
    if (!subject.conversations.get(event.conversation_id)?.turns.some((turn) => turn.id === event.turn_id)) return "not_yours";
  }
  return null;
}

// The newest of what somebody said about a turn stands in it.
function apply(subject, event) {
  const turn = subject.conversations.get(event.conversation_id)?.turns.find((other) => other.id === event.turn_id);
  if (!turn) return;
  if (event.type === "rating") turn.rating = event.props.value === 0 ? null : event.props.value;
  if (event.item_id === undefined) return;
  const item = (turn.items[event.item_id] ??= { seen: false, not_interested: false, reasons: [] });
  if (event.type === "seen") item.seen = event.props.value;
  if (event.type === "not_interested") Object.assign(item, { not_interested: true, reasons: event.props.reasons ?? [] });
  if (event.type === "undo") Object.assign(item, { not_interested: false, reasons: [] });
}

function takeEvents(state, subject, body) {
  const answer = { accepted: 0, duplicates: 0, rejected: [] };
  if (!Array.isArray(body.events) || body.events.length > 500) throw new Refusal(400, "bad_events", "There must be 1 to 500 events.");
  body.events.forEach((event, index) => {
    const code = refusalOf(state, subject, event);
    if (code) return answer.rejected.push({ index, code });
    if (subject.events.has(event.event_id)) return ++answer.duplicates;
    subject.events.set(event.event_id, event);
    apply(subject, event);
    return ++answer.accepted;
  });
  return answer;
}

function openSession(state, subject, body) {
  if (state.options.key && !subject && body.key !== state.options.key) {
    const code = body.key === undefined ? "key_needed" : "bad_key";
    throw new Refusal(401, code, code === "bad_key" ? "This key is not known here." : "A key is needed.", "authentication_error");
  }
  return subject ?? state.newSubject();
}

function erase(subject) {
  const turns = [...subject.conversations.values()].reduce((sum, { turns }) => sum + turns.length, 0);
  return { conversations: subject.conversations.size, turns, decisions: subject.decisions.length, events: subject.events.size };
}

function everythingOf(subject) {
  return {
    consents: subject.consents,
    conversations: [...subject.conversations.values()],
    events: [...subject.events.values()],
    decisions: subject.decisions,
  };
}

function listOf(subject, url) {
  const all = [...subject.conversations.values()].sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
  const before = url.searchParams.get("before");
  const begin = before ? all.findIndex(({ id }) => id === before) + 1 : 0;
  const limit = Number(url.searchParams.get("limit") ?? 50);
  const page = all.slice(begin, begin + limit);
  return {
    conversations: page.map(({ turns, ...summary }) => ({ ...summary, turns: turns.length })),
    next: begin + limit < all.length ? page.at(-1).id : null,
  };
}

// Routes with a session: (state, subject, request, url) -> the body of the answer.
const routes = {
  "GET /v1/me": (state, subject) => ({ ...sessionAnswer(state, subject), conversations: subject.conversations.size, turns: 0, events: subject.events.size }),
  "GET /v1/me/data": (state, subject) => everythingOf(subject),
  "DELETE /v1/me": (state, subject) => {
    state.subjects.delete(subject.cookie);
    return { erased: erase(subject) };
  },
  "POST /v1/consent": async (state, subject, request) => {
    const { analytics, training, policy_version } = await bodyOf(request);
    const consent = { analytics: analytics === true, training: training === true, policy_version, at: state.now() };
    subject.consents.push(consent);
    return { consent };
  },
  "POST /v1/events": async (state, subject, request) => takeEvents(state, subject, await bodyOf(request)),
  "GET /v1/conversations": (state, subject, request, url) => listOf(subject, url),
};

function json(response, status, body, headers = {}) {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store", ...headers });
  response.end(JSON.stringify(body));
}

function page(response, path, files) {
  const file = files.get(path);
  if (!file) throw new Refusal(404, "not_found", "There is nothing here.", "not_found_error");
  response.writeHead(200, {
    "Content-Type": file.type,
    "Content-Encoding": "gzip",
    "Content-Security-Policy": csp,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": file.immutable ? "public, max-age=31536000, immutable" : "no-cache",
    ETag: `"${file.sha256}"`,
  });
  response.end(file.content);
}

function foreign(request) {
  const { origin, host } = request.headers;
  const site = request.headers["sec-fetch-site"];
  return (origin !== undefined && origin !== `http://${host}`) || (site !== undefined && site !== "same-origin" && site !== "none");
}

async function answer(state, files, request, response) {
  const url = new URL(request.url, "http://mock");
  const route = `${request.method} ${url.pathname}`;
  if (request.method !== "GET" && foreign(request)) throw new Refusal(403, "foreign_origin", "Another site's page may not write here.", "permission_error");
  if (route === "GET /health") return json(response, 200, { status: "ok" });
  if (!url.pathname.startsWith("/v1/")) return page(response, url.pathname, files);
  const known = state.subject(request);
  if (route === "GET /v1/loop" && (known || !state.options.key)) return json(response, 200, loopFigures());
  if (route === "POST /v1/session") {
    const subject = openSession(state, known, await bodyOf(request));
    return json(response, 200, sessionAnswer(state, subject), { "Set-Cookie": `attune_session=${subject.cookie}; HttpOnly; SameSite=Strict; Path=/` });
  }
  if (!known) throw new Refusal(401, "no_session", "There is no session.", "authentication_error");
  if (route === "POST /v1/chat/completions") return chat(state, known, request, response);
  const [, id] = /^\/v1\/conversations\/([\w-]+)$/.exec(url.pathname) ?? [];
  if (id && request.method === "GET") return json(response, 200, findConversation(known, id));
  if (id && request.method === "DELETE") {
    const { turns } = findConversation(known, id);
    known.conversations.delete(id);
    return json(response, 200, { erased: { conversations: 1, turns: turns.length } });
  }
  if (!routes[route]) throw new Refusal(404, "not_found", "There is nothing here.", "not_found_error");
  const cookie = route === "DELETE /v1/me" ? { "Set-Cookie": "attune_session=; Max-Age=0; Path=/" } : {};
  return json(response, 200, await routes[route](state, known, request, url), cookie);
}

function builtFiles() {
  const folder = new URL("../../build/web/", import.meta.url);
  const { files } = JSON.parse(readFileSync(new URL("manifest.json", folder), "utf8"));
  return new Map(files.map((file) => [file.path, { ...file, content: readFileSync(new URL(file.gzip, folder)) }]));
}

// options: {port (0: any), paceMs, key, title}. Resolves to {url, close} once it listens on 127.0.0.1.
export function startMock(options = {}) {
  const state = new State({ paceMs: 8, ...options });
  const files = builtFiles();
  const server = createServer((request, response) => {
    answer(state, files, request, response).catch((error) => {
      if (response.headersSent) return response.destroy();
      const known = error instanceof Refusal ? error : new Refusal(500, "internal", String(error), "server_error");
      return json(response, known.status, { error: { message: known.message, type: known.type, code: known.code, param: null } });
    });
  });
  return new Promise((resolve) => {
    server.listen(options.port ?? 0, "127.0.0.1", () => {
      resolve({
        url: `http://127.0.0.1:${server.address().port}`,
        close: () => new Promise((closed) => {
          server.close(closed);
          server.closeAllConnections();
        }),
      });
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { MOCK_KEY: key, MOCK_PACE_MS: pace } = process.env;
  const { url } = await startMock({ port: Number(process.argv[2] ?? 8080), key, paceMs: Number(pace ?? 40) });
  console.log(url);
}
