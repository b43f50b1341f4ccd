import { readEvents } from "./sse";
import type { Consent, Conversation, ConversationSummary, Recommendation, Session } from "./types";

// What the server refused, or that it could not be reached (status 0). `message` is fit to be shown.
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message);
  }
}

const kUnreachable = "The server cannot be reached. Is it running?";

async function failure(response: Response): Promise<ApiError> {
  let code = `http_${response.status}`;
  let message = `The server answered with status ${response.status}.`;
  try {
    const { error } = await response.json();
    if (typeof error?.code === "string") code = error.code;
    if (typeof error?.message === "string") message = error.message;
  } catch {
    // Not JSON: the status has to do.
  }
  const seconds = Number(response.headers.get("Retry-After"));
  return new ApiError(response.status, code, message, seconds > 0 ? seconds : null);
}

async function request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      ...(signal ? { signal } : {}),
      ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", kUnreachable);
  }
  if (!response.ok) throw await failure(response);
  return response;
}

async function json<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await request(method, path, body);
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError(response.status, "bad_answer", "The server's answer could not be read.");
  }
}

const id = encodeURIComponent;

// The session that there is, or a new one. 401 key_needed where the server wants a key first.
export async function openSession(key?: string): Promise<Session> {
  if (key !== undefined) return json("POST", "/v1/session", { key });
  try {
    return await json<Session>("GET", "/v1/me");
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    return json("POST", "/v1/session", {});
  }
}

export async function setConsent(consent: Consent): Promise<Consent> {
  const { analytics, training, policy_version } = consent;
  return (await json<{ consent: Consent }>("POST", "/v1/consent", { analytics, training, policy_version })).consent;
}

export const myData = (): Promise<Record<string, unknown>> => json("GET", "/v1/me/data");
export const eraseMe = (): Promise<{ erased: Record<string, number> }> => json("DELETE", "/v1/me");

export const conversations = (before?: string): Promise<{ conversations: ConversationSummary[]; next: string | null }> =>
  json("GET", `/v1/conversations?limit=50${before ? `&before=${id(before)}` : ""}`);
export const conversation = (which: string): Promise<Conversation> => json("GET", `/v1/conversations/${id(which)}`);
export const deleteConversation = (which: string): Promise<unknown> => json("DELETE", `/v1/conversations/${id(which)}`);

export const loop = <T>(): Promise<T> => json("GET", "/v1/loop");

export interface Place {
  conversation_id: string;
  user_turn_id: string;
  turn_id: string;
}

export interface Finish extends Place {
  rec_token: string;
  recommendations: Recommendation[];
}

export interface ChatRequest {
  conversation_id?: string;
  parent_id?: string | null;
  text: string | null; // null: a further reply to parent_id
}

export interface ChatHandlers {
  begin(place: Place): void;
  text(piece: string): void;
}

// One reply as it is made. Resolves with the finish chunk's part of attune; throws ApiError where the server refuses
// or the stream ends before it is whole, and fetch's AbortError once `signal` is aborted.
export async function chat(ask: ChatRequest, on: ChatHandlers, signal: AbortSignal): Promise<Finish> {
  const { text, ...attune } = ask;
  const body = {
    messages: text === null ? [] : [{ role: "user", content: text }],
    stream: true,
    attune,
  };
  const response = await request("POST", "/v1/chat/completions", body, signal);
  if (!response.body) throw new ApiError(response.status, "bad_answer", "The server's answer was empty.");
  let finish: Finish | null = null;
  try {
    for await (const data of readEvents(response.body)) {
      if (data === "[DONE]") break;
      const chunk = JSON.parse(data);
      if (chunk.error) throw new ApiError(500, chunk.error.code ?? "server_error", String(chunk.error.message));
      const choice = chunk.choices?.[0];
      if (chunk.attune && choice?.finish_reason == null) on.begin(chunk.attune);
      if (typeof choice?.delta?.content === "string" && choice.delta.content !== "") on.text(choice.delta.content);
      if (choice?.finish_reason != null && chunk.attune) finish = chunk.attune;
    }
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) throw error;
    throw new ApiError(0, "connection_lost", "The connection was lost in the middle of the reply.");
  }
  if (!finish) throw new ApiError(0, "connection_lost", "The reply ended before it was whole.");
  return finish;
}
