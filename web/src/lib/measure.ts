import { DwellMeter } from "./dwell";
import type { EventQueue } from "./events";
import { uuid4, uuid7 } from "./ids";
import type { EventType, FeedbackEvent, Recommendation } from "./types";

// What an event is about.
export interface About {
  conversation_id?: string | undefined;
  turn_id?: string | undefined;
  rec_token?: string | undefined;
  item_id?: string | undefined;
  rank?: number | undefined;
}

// A reply that is on show and what stands in it.
export interface Shown {
  about: About;
  recommendations: readonly Recommendation[];
}

const kTickMs = 500;
const kActivity = ["pointermove", "pointerdown", "keydown", "wheel", "touchstart", "touchmove"] as const;
const kSteps = Array.from({ length: 51 }, (_, i) => i / 50);

// Makes events of what happens on this page and hands them to the queue, and watches which replies are looked at.
export class Measure {
  private readonly page = uuid4();
  private seq = 0;
  private readonly meter = new DwellMeter(performance.now(), pageState());
  private readonly shown = new Map<string, Shown>();
  private readonly elements = new Map<Element, string>();
  private readonly said = new Set<string>(); // once a page: impressions and the like
  private observer: IntersectionObserver | null = null;

  constructor(private readonly queue: EventQueue) {}

  // Listens until the page goes away.
  start(): void {
    const state = () => this.meter.page(performance.now(), pageState());
    window.addEventListener("focus", state);
    window.addEventListener("blur", state);
    document.addEventListener("visibilitychange", () => {
      state();
      if (document.visibilityState === "hidden") this.leave("so far");
      else this.queue.wake();
    });
    window.addEventListener("pagehide", () => {
      this.event("session_end", {});
      this.leave("final");
    });
    window.addEventListener("online", () => this.queue.wake());
    const active = () => this.meter.activity(performance.now());
    for (const type of kActivity) window.addEventListener(type, active, { passive: true, capture: true });
    document.addEventListener("scroll", active, { passive: true, capture: true });
    setInterval(() => this.tick(), kTickMs);
  }

  event(type: EventType, about: About, props: Record<string, unknown> = {}): Promise<void> {
    return this.queue.add(this.make(type, about, props));
  }

  // A reply is being written: its text is on show but not whole.
  streaming(turn: string, streaming: boolean): void {
    this.meter.streaming(performance.now(), turn, streaming);
  }

  // A reply is whole: from now on events can speak of it.
  describe(turn: string, shown: Shown): void {
    this.shown.set(turn, shown);
    if (this.meter.inSight(turn)) this.impressions(turn);
  }

  // A reply is in the page, whole or not. Hands back what ends it.
  watch(element: Element, turn: string): () => void {
    this.elements.set(element, turn);
    this.observer ??= new IntersectionObserver((entries) => this.seen(entries), { threshold: kSteps });
    this.observer.observe(element);
    return () => {
      this.observer?.unobserve(element);
      this.elements.delete(element);
      this.meter.gone(performance.now(), turn);
    };
  }

  // The conversation is put away: last snapshots of its replies.
  close(): void {
    this.meter.settle(performance.now());
    for (const turn of this.meter.changed()) this.dwell(turn, "final");
  }

  private seen(entries: readonly IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      const turn = this.elements.get(entry.target);
      if (turn === undefined) continue;
      const { boundingClientRect: box, intersectionRect: part, rootBounds } = entry;
      const sight = {
        ratio: entry.intersectionRatio,
        filled: rootBounds && rootBounds.height > 0 ? part.height / rootBounds.height : 0,
        depth: entry.isIntersecting && box.height > 0 ? (part.bottom - box.top) / box.height : 0,
      };
      this.meter.sight(entry.time, turn, sight);
      if (entry.isIntersecting) this.impressions(turn);
    }
  }

  private impressions(turn: string): void {
    const shown = this.shown.get(turn);
    if (!shown?.about.rec_token) return;
    for (const item of shown.recommendations) {
      this.once(`impression ${turn} ${item.item_id}`, "impression", { ...shown.about, item_id: item.item_id, rank: item.rank });
    }
  }

  private tick(): void {
    this.meter.settle(performance.now());
    for (const [turn, shown] of this.shown) {
      if (this.meter.viewable(turn)) this.once(`viewable ${turn}`, "viewable", shown.about);
    }
    for (const turn of this.meter.due()) this.dwell(turn, "so far");
  }

  private leave(end: "final" | "so far"): void {
    this.meter.settle(performance.now());
    for (const turn of this.meter.changed()) this.dwell(turn, end);
    this.queue.leave();
  }

  private dwell(turn: string, end: "final" | "so far"): void {
    const shown = this.shown.get(turn);
    // Before a reply is whole it has no token that an event could carry; what was seen of it comes with the next.
    if (shown?.about.rec_token) this.queue.add(this.make("dwell", shown.about, { ...this.meter.snapshot(turn, end) })).catch(() => undefined);
  }

  private once(key: string, type: EventType, about: About): void {
    if (this.said.has(key)) return;
    this.said.add(key);
    this.event(type, about).catch(() => undefined);
  }

  private make(type: EventType, about: About, props: Record<string, unknown>): FeedbackEvent {
    const known = Object.fromEntries(Object.entries(about).filter(([, value]) => value !== undefined && value !== null));
    return {
      schema: "attune.event/1",
      event_id: uuid7(),
      type,
      occurred_at: new Date().toISOString(),
      mono_ms: Math.round(performance.now()),
      page_id: this.page,
      seq: this.seq++,
      ...known,
      surface: "chat",
      props,
    };
  }
}

function pageState(): { visible: boolean; focused: boolean } {
  return { visible: document.visibilityState === "visible", focused: document.hasFocus() };
}
