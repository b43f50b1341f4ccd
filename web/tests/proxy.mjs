// Stands between the browser and the server and does what networks do: loses requests and answers, doubles, delays and
// throttles. What it lets through it does not change, but for `choose`.
import { createServer, request as ask } from "node:http";

const kHopHeaders = ["connection", "keep-alive", "transfer-encoding"];

async function read(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

// A stream of events cut where each of them ends, however it came.
async function* eventsOf(stream) {
  let rest = Buffer.alloc(0);
  for await (const piece of stream) {
    rest = Buffer.concat([rest, piece]);
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      yield rest.subarray(0, end + 2);
      rest = rest.subarray(end + 2);
    }
  }
  yield rest;
}

// target: URL of the server. Resolves to the proxy:
//   url, close()
//   rules: functions (method, path, body) -> undefined or {lose: "request" | "answer", double: true, delayMs, status}
//   paceMs: how long each event of a streamed answer is held back
//   choose: settings that each chat request gets, such as {temperature: 0}
//   requests: all that came, {method, path, body}
export async function startProxy(target) {
  const base = new URL(target);
  const proxy = { rules: [], paceMs: 0, choose: null, requests: [], events: () => sentEvents(proxy) };

  function forward(incoming, body) {
    const headers = { ...incoming.headers, host: base.host };
    for (const name of ["origin", "referer"]) {
      if (headers[name]?.startsWith(proxy.url)) headers[name] = headers[name].replace(proxy.url, base.origin);
    }
    return new Promise((resolve, reject) => {
      const outgoing = ask({ host: base.hostname, port: base.port, path: incoming.url, method: incoming.method, headers }, resolve);
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  async function pass(answer, outgoing, gone) {
    const headers = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !kHopHeaders.includes(name)));
    outgoing.writeHead(answer.statusCode, headers);
    const paced = headers["content-type"]?.startsWith("text/event-stream") && proxy.paceMs > 0;
    for await (const piece of paced ? eventsOf(answer) : answer) {
      if (gone()) return answer.destroy();
      if (paced) await new Promise((resolve) => setTimeout(resolve, proxy.paceMs));
      outgoing.write(piece);
    }
    return outgoing.end();
  }

  async function handle(incoming, outgoing) {
    let body = await read(incoming);
    const about = { method: incoming.method, path: incoming.url, body: body.toString() };
    proxy.requests.push(about);
    const fate = proxy.rules.map((rule) => rule(about.method, about.path, about.body)).find(Boolean) ?? {};
    if (proxy.choose && about.path === "/v1/chat/completions") {
      body = Buffer.from(JSON.stringify({ ...JSON.parse(about.body), ...proxy.choose }));
      incoming.headers["content-length"] = String(body.length);
    }
    let closed = false;
    outgoing.on("close", () => (closed = true));
    if (fate.delayMs) await new Promise((resolve) => setTimeout(resolve, fate.delayMs));
    if (fate.lose === "request") return incoming.socket.destroy();
    if (fate.status) {
      const error = { message: "The server is busy.", type: "overloaded_error", code: "overloaded", param: null };
      outgoing.writeHead(fate.status, { "Content-Type": "application/json" });
      return outgoing.end(JSON.stringify({ error }));
    }
    if (fate.double) await read(await forward(incoming, body));
    const answer = await forward(incoming, body);
    outgoing.on("close", () => answer.destroy());
    if (fate.lose === "answer") {
      await read(answer);
      return incoming.socket.destroy();
    }
    if (fate.cutAfter !== undefined) {
      setTimeout(() => incoming.socket.destroy(), fate.cutAfter);
    }
    return pass(answer, outgoing, () => closed);
  }

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  proxy.close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return proxy;
}

// Every event that the browser has sent, copies included, in the order of arrival.
function sentEvents(proxy) {
  return proxy.requests.filter(({ method, path }) => method === "POST" && path === "/v1/events").flatMap(({ body }) => JSON.parse(body).events);
}
