import * as api from "../lib/api";
import { ApiError } from "../lib/api";
import { branchOf, pathOf, type Choice } from "../lib/tree";
import type { ConversationSummary, Turn } from "../lib/types";
import type { Feedback } from "./feedback.svelte";
import { named } from "./why";

// A turn as the page holds it. `key` stays the same while the server gives the turn its id.
export interface PageTurn extends Turn {
  key: string;
  state: "sending" | "streaming" | "whole" | "stopped" | "broken";
}

export interface Problem {
  message: string;
  retry: () => void;
}

let locals = 0;

function fresh(role: Turn["role"], parent: string | null, text: string): PageTurn {
  const id = `local-${++locals}`;
  const at = new Date().toISOString();
  return { id, key: id, parent_id: parent, role, text, at, state: "sending", rating: null, items: {}, recommendations: [] };
}

// Whether the server has not said yet that it has it.
export const isLocal = (turn: Turn): boolean => turn.id.startsWith("local-");

export const messageOf = (error: unknown): string =>
  error instanceof ApiError
    ? error.message + (error.retryAfterSeconds ? ` Try again in ${Math.ceil(error.retryAfterSeconds)} s.` : "")
    : "Something went wrong on this page. Reload it if this stays.";

// The conversation on show, the list of others, and everything that can be done with them.
export class Chat {
  list = $state.raw<ConversationSummary[]>([]);
  more = $state.raw<string | null>(null); // where the list goes on
  listProblem = $state.raw<Problem | null>(null);
  id = $state.raw<string | null>(null);
  turns = $state<PageTurn[]>([]);
  choice = $state<Choice>({});
  problem = $state.raw<Problem | null>(null);
  loading = $state.raw(false);
  busy = $state.raw(false); // a reply is on its way
  announcement = $state.raw(""); // for screen readers: the last whole reply
  undo = $state.raw<{ what: string; run: () => void } | null>(null);
  path = $derived(pathOf(this.turns, this.choice) as PageTurn[]);
  private controller: AbortController | null = null;
  private ended: { turn: string; at: number } | null = null; // the newest whole reply

  constructor(
    private readonly feedback: Feedback,
    private readonly onSessionLost: () => void,
  ) {}

  async loadList(before?: string): Promise<void> {
    try {
      const answer = await api.conversations(before);
      this.list = before ? [...this.list, ...answer.conversations] : answer.conversations;
      this.more = answer.next;
      this.listProblem = null;
    } catch (error) {
      this.listProblem = { message: messageOf(error), retry: () => void this.loadList(before) };
    }
  }

  // null: an empty page for a new one.
  async open(id: string | null): Promise<void> {
    if (this.busy) this.stop();
    this.feedback.measure.close();
    Object.assign(this, { id, turns: [], choice: {}, problem: null, undo: null, announcement: "" });
    setAddress(id);
    if (id === null) return;
    this.loading = true;
    try {
      const { turns } = await api.conversation(id);
      if (this.id === id) this.turns = turns.map(whole);
    } catch (error) {
      if (this.id !== id) return;
      const gone = error instanceof ApiError && error.status === 404;
      this.problem = gone
        ? { message: "This conversation is not there any more.", retry: () => void this.open(null) }
        : { message: messageOf(error), retry: () => void this.open(id) };
    } finally {
      if (this.id === id) this.loading = false;
    }
  }

  async remove(id: string): Promise<void> {
    await api.deleteConversation(id);
    this.list = this.list.filter((summary) => summary.id !== id);
    if (this.more === id) await this.loadList(); // the list went on from this one
    if (this.id === id) await this.open(null);
  }

  send(text: string): Promise<void> {
    if (this.busy) return Promise.resolve();
    // Below what the server does not know nothing can stand.
    this.turns = this.turns.filter((turn) => turn.state !== "broken" && !isLocal(turn));
    const last = this.path.at(-1);
    if (last && last.id === this.ended?.turn) {
      const latency = Math.round(performance.now() - this.ended.at);
      this.feedback.tell("reply", this.about(last), { latency_ms: latency, chars: text.length });
    }
    this.undo = null;
    return this.ask(last?.id ?? null, text);
  }

  // Another wording of an earlier message: a branch beside it.
  edit(turn: PageTurn, text: string): Promise<void> {
    const reply = this.path[this.path.indexOf(turn) + 1];
    if (reply) this.feedback.tell("edit", this.about(reply), { of: turn.id });
    this.offerUndo("Message changed.", turn);
    return this.ask(turn.parent_id, text);
  }

  // Another reply to the same message.
  regenerate(turn: PageTurn): Promise<void> {
    if (turn.rec_token) this.feedback.tell("regenerate", this.about(turn), { of: turn.id });
    this.offerUndo("Answered again.", turn);
    return this.ask(turn.parent_id, null);
  }

  // A first reply to a message that has none.
  answer(turn: PageTurn): Promise<void> {
    return this.ask(turn.id, null);
  }

  // Shows another branch at this turn: step -1 or 1.
  turnTo(turn: PageTurn, step: number): void {
    const { index, siblings } = branchOf(this.turns, turn);
    const other = siblings[index + step];
    if (other) this.choice[turn.parent_id ?? ""] = other.id;
    this.undo = null;
  }

  stop(): void {
    this.controller?.abort();
  }

  about(turn: PageTurn) {
    return { conversation_id: this.id ?? undefined, turn_id: turn.id, rec_token: turn.rec_token ?? undefined };
  }

  private offerUndo(what: string, before: PageTurn): void {
    const of = before.role === "assistant" ? before : this.path[this.path.indexOf(before) + 1];
    this.undo = {
      what,
      run: () => {
        this.undo = null;
        this.problem = null;
        if (this.busy) this.stop();
        this.turns = this.turns.filter((turn) => turn.state !== "broken");
        this.choice[before.parent_id ?? ""] = before.id;
        if (of?.rec_token) this.feedback.tell("undo", this.about(of), { of: of.id });
      },
    };
  }

  // Appends `text` (null: nothing) below `parent` and streams the reply to it.
  private async ask(parent: string | null, text: string | null): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.problem = null;
    this.announcement = "";
    const controller = (this.controller = new AbortController());
    const user = text === null ? null : this.append(fresh("user", parent, text));
    const reply = this.append(fresh("assistant", user?.id ?? parent, ""));
    const place = this.id === null ? {} : { conversation_id: this.id, parent_id: parent };
    try {
      const finish = await api.chat({ ...place, text }, {
        begin: (at) => {
          if (!controller.signal.aborted) this.place(at, user, reply);
        },
        text: (piece) => {
          reply.state = "streaming";
          reply.text += piece;
        },
      }, controller.signal);
      Object.assign(reply, { rec_token: finish.rec_token, recommendations: finish.recommendations, state: "whole" });
      this.finished(reply);
    } catch (error) {
      await this.failed(error, { user, reply, parent, text, stopped: controller.signal.aborted });
    } finally {
      this.feedback.measure.streaming(reply.id, false);
      if (this.controller === controller) this.controller = null;
      this.busy = false;
    }
    void this.loadList();
  }

  // Adds a turn and shows the branch that it is on.
  private append(turn: PageTurn): PageTurn {
    this.turns.push(turn);
    this.choice[turn.parent_id ?? ""] = turn.id;
    return this.turns.at(-1)!; // the reactive one
  }

  // The server has said which ids the turns have.
  private place(at: api.Place, user: PageTurn | null, reply: PageTurn): void {
    if (this.id === null) {
      this.id = at.conversation_id;
      setAddress(this.id);
    }
    if (user) {
      user.id = at.user_turn_id;
      user.state = "whole";
      this.choice[user.parent_id ?? ""] = user.id;
    }
    reply.parent_id = at.user_turn_id;
    reply.id = at.turn_id;
    reply.state = "streaming";
    this.choice[at.user_turn_id] = at.turn_id;
    this.feedback.measure.streaming(reply.id, true);
  }

  private finished(reply: PageTurn): void {
    this.ended = { turn: reply.id, at: performance.now() };
    const items = (reply.recommendations ?? []).map(named);
    this.announcement = `${reply.text}${items.length > 0 ? ` Recommended: ${items.join(", ")}.` : ""}`;
  }

  private async failed(
    error: unknown,
    ask: { user: PageTurn | null; reply: PageTurn; parent: string | null; text: string | null; stopped: boolean },
  ): Promise<void> {
    const { user, reply, parent, text, stopped } = ask;
    const placed = !isLocal(reply);
    if (!this.turns.includes(reply)) return; // another conversation is on show
    if (stopped && placed) {
      reply.state = "stopped";
      this.announcement = "Stopped.";
      return this.catchUp(reply);
    }
    if (error instanceof ApiError && error.status === 401) this.onSessionLost();
    reply.state = "broken";
    const retry = () => {
      this.turns = this.turns.filter((turn) => turn.key !== reply.key && (placed || turn.key !== user?.key));
      void (placed ? this.ask(reply.parent_id, null) : this.ask(parent, text));
    };
    this.problem = { message: stopped ? "Stopped before the reply began." : messageOf(error), retry };
  }

  // What the server has kept of a stopped reply; it may need a moment to notice.
  private async catchUp(reply: PageTurn): Promise<void> {
    for (const ms of [150, 500, 1500]) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      const id = this.id;
      if (id === null || !this.turns.includes(reply)) return;
      const { turns } = await api.conversation(id).catch(() => ({ turns: [] as Turn[] }));
      const kept = turns.find((turn) => turn.id === reply.id);
      if (!kept?.rec_token) continue;
      Object.assign(reply, { text: kept.text, rec_token: kept.rec_token, recommendations: kept.recommendations ?? [] });
      this.feedback.tell("stop", this.about(reply), { of: reply.id });
      return;
    }
    // The server does not know it: what comes next cannot stand below it.
    this.turns = this.turns.filter((turn) => turn !== reply);
  }
}

function whole(turn: Turn): PageTurn {
  return { ...turn, key: turn.id, state: "whole", rating: turn.rating ?? null, items: turn.items ?? {}, recommendations: turn.recommendations ?? [] };
}

// The conversation stands in the address, so that a reload shows it again.
export function addressed(): string | null {
  const id = decodeURIComponent(location.hash.slice(1));
  return /^[\w-]{8,64}$/.test(id) ? id : null;
}

function setAddress(id: string | null): void {
  if (addressed() === id) return;
  history.pushState(null, "", id === null ? location.pathname : `#${id}`);
}
