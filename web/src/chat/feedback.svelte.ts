import { EventQueue, EventRefused, browserSurroundings } from "../lib/events";
import { Measure, type About } from "../lib/measure";
import { openOutbox } from "../lib/outbox";
import type { EventType, ItemState, Recommendation, Vote } from "../lib/types";
import type { PageTurn } from "./chat.svelte";

const kRefusals: Record<string, string> = {
  expired_rec_token: "it is too old to be judged",
  rate_limited: "too many at once; try again in a minute",
  not_yours: "it belongs to somebody else’s session",
  http_401: "the session has ended; reload the page",
};

// What a person says about replies and items, and what is measured where they agreed to it. What is said is shown at
// once and taken back where the server will not store it.
export class Feedback {
  trouble = $state.raw(false); // events wait for the server
  problems = $state<Record<string, string>>({}); // by turn: what could not be stored

  private constructor(
    readonly queue: EventQueue,
    readonly measure: Measure,
  ) {
    queue.onTrouble = (trouble) => (this.trouble = trouble);
  }

  static async open(): Promise<Feedback> {
    const queue = new EventQueue(await openOutbox(), browserSurroundings());
    return new Feedback(queue, new Measure(queue));
  }

  // A measurement: stored with consent only, and nobody waits for it.
  tell(type: EventType, about: About, props: Record<string, unknown> = {}): void {
    this.measure.event(type, about, props).catch(() => undefined);
  }

  // 0 takes a vote back.
  rate(turn: PageTurn, about: About, value: Vote, reasons: string[] = [], comment = ""): void {
    const before = turn.rating ?? null;
    turn.rating = value === 0 ? null : value;
    const props = { value, ...(reasons.length > 0 ? { reasons } : {}), ...(comment ? { comment } : {}) };
    this.say("rating", turn, about, props, () => (turn.rating = before));
  }

  seen(turn: PageTurn, about: About, item: Recommendation, value: boolean): void {
    const state = stateOf(turn, item.item_id);
    const before = state.seen;
    state.seen = value;
    this.say("seen", turn, of(about, item), { value }, () => (state.seen = before));
  }

  notInterested(turn: PageTurn, about: About, item: Recommendation, reasons: string[] = [], comment = ""): void {
    const state = stateOf(turn, item.item_id);
    const before = { ...state };
    Object.assign(state, { not_interested: true, reasons });
    const props = { ...(reasons.length > 0 ? { reasons } : {}), ...(comment ? { comment } : {}) };
    this.say("not_interested", turn, of(about, item), props, () => Object.assign(state, before));
  }

  interestedAfterAll(turn: PageTurn, about: About, item: Recommendation): void {
    const state = stateOf(turn, item.item_id);
    const before = { ...state };
    Object.assign(state, { not_interested: false, reasons: [] });
    this.say("undo", turn, of(about, item), { of: turn.id }, () => Object.assign(state, before));
  }

  private say(type: EventType, turn: PageTurn, about: About, props: Record<string, unknown>, back: () => void): void {
    delete this.problems[turn.key];
    this.measure.event(type, about, props).catch((error: unknown) => {
      const code = error instanceof EventRefused ? error.code : "";
      if (code === "dropped") return; // everything was erased meanwhile
      back();
      this.problems[turn.key] = `That was not stored: ${kRefusals[code] ?? `the server refused it (${code || "unknown"})`}.`;
    });
  }
}

const of = (about: About, item: Recommendation): About => ({ ...about, item_id: item.item_id, rank: item.rank });

export function stateOf(turn: PageTurn, item: string): ItemState {
  turn.items ??= {};
  turn.items[item] ??= { seen: false, not_interested: false, reasons: [] };
  return turn.items[item]!;
}
