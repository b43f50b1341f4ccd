import type { Outbox } from "./outbox";
import type { EventType, FeedbackEvent } from "./types";

export const kFlushAfterMs = 3_000;
export const kFlushEvents = 20;
export const kFlushBytes = 48 * 1024;
export const kKeptEvents = 500;
const kKeptMs = 7 * 24 * 3600 * 1000;
const kBackoffMs = 3_000;
const kLongestBackoffMs = 300_000;

// What somebody says on purpose: stored without consent to measurement, for it is said to be stored.
const kExplicit: ReadonlySet<EventType> = new Set(["rating", "seen", "not_interested"]);

export function isExplicit(event: FeedbackEvent): boolean {
  // Taking a "not for me" back is as much on purpose as saying it.
  return kExplicit.has(event.type) || (event.type === "undo" && event.item_id !== undefined);
}

// What the queue needs of the browser; tests give their own.
export interface Surroundings {
  post(body: string): Promise<{ status: number; retryAfterSeconds: number | null; json(): Promise<unknown> }>;
  beacon(body: string): boolean; // false: it was not taken
  now(): number; // ms since 1970
  random(): number; // 0 to 1
  after(ms: number, run: () => void): () => void; // hands back what cancels it
}

// Why an event will not be stored.
export class EventRefused extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

interface Waiting {
  event: FeedbackEvent;
  bytes: number;
  done: (error?: EventRefused) => void;
}

interface Answer {
  rejected?: { index: number; code: string }[];
}

const encoder = new TextEncoder();

// Sends events in batches and keeps each one, here and in the outbox, until the server has answered for it. An event
// may arrive twice, with the same event_id; none is lost while the browser keeps its storage.
export class EventQueue {
  private readonly waiting = new Map<string, Waiting>();
  private inFlight: ReadonlySet<string> = new Set();
  private failures = 0;
  private quietUntil = 0; // by the server's word
  private timer: { at: number; cancel: () => void } | null = null;
  private allowed = false;
  onTrouble: (trouble: boolean) => void = () => undefined;

  constructor(
    private readonly outbox: Outbox,
    private readonly around: Surroundings,
  ) {}

  // Whether the person has agreed to being measured. Without, only what is said on purpose is kept and sent.
  async allowMeasurement(allowed: boolean): Promise<void> {
    this.allowed = allowed;
    if (allowed) return;
    this.drop([...this.waiting.values()].filter(({ event }) => !isExplicit(event)));
    const kept = await this.outbox.all();
    await this.outbox.remove(kept.filter((event) => !isExplicit(event)).map((event) => event.event_id));
  }

  // Takes up what an earlier page could not get acknowledged.
  async restore(): Promise<void> {
    const oldest = this.around.now() - kKeptMs;
    const stale: string[] = [];
    for (const event of await this.outbox.all()) {
      if (Date.parse(event.occurred_at) < oldest || !(this.allowed || isExplicit(event))) stale.push(event.event_id);
      else if (!this.waiting.has(event.event_id)) this.hold(event, () => undefined);
    }
    await this.outbox.remove(stale);
    if (this.waiting.size > 0) void this.flush();
  }

  // Resolves once the server has stored it (or an earlier copy); rejects with EventRefused where it will not. Without
  // consent a measurement resolves at once and is gone.
  add(event: FeedbackEvent): Promise<void> {
    if (!this.allowed && !isExplicit(event)) return Promise.resolve();
    if (event.type === "dwell") this.supersede(event);
    return new Promise((resolve, reject) => {
      this.hold(event, (error) => (error ? reject(error) : resolve()));
      this.outbox.put([event]).catch(() => undefined);
      this.cap();
      if (isExplicit(event) || this.waiting.size >= kFlushEvents || this.bytes() >= kFlushBytes) void this.flush();
      else this.flushAfter(kFlushAfterMs);
    });
  }

  // For a page that goes away: everything, by beacons, which give no answer. All of it stays in the outbox.
  leave(): void {
    const events = [...this.waiting.values()].filter(({ event }) => !this.inFlight.has(event.event_id));
    for (let begin = 0; begin < events.length; ) {
      const batch = this.batch(events.slice(begin));
      begin += batch.length;
      const body = this.body(batch);
      if (!this.around.beacon(body)) void this.around.post(body).catch(() => undefined);
    }
  }

  // The way to the server may be open again.
  wake(): void {
    if (this.around.now() < this.quietUntil) return;
    this.failures = 0;
    this.stopTimer();
    void this.flush();
  }

  // Forgets everything, here and in the outbox.
  async clear(): Promise<void> {
    this.drop([...this.waiting.values()]);
    await this.outbox.remove((await this.outbox.all()).map((event) => event.event_id));
  }

  async flush(): Promise<void> {
    if (this.inFlight.size > 0 || this.waiting.size === 0) return;
    if (this.failures > 0 && this.timer) return; // the time of the next try stands
    this.stopTimer();
    const batch = this.batch([...this.waiting.values()]);
    this.inFlight = new Set(batch.map(({ event }) => event.event_id));
    const again = await this.send(batch);
    this.inFlight = new Set();
    if (again !== null) {
      this.stopTimer(); // of what came meanwhile: it waits, too
      return this.flushAfter(again);
    }
    if (this.waiting.size > 0) this.flushAfter([...this.waiting.values()].some(({ event }) => isExplicit(event)) ? 0 : kFlushAfterMs);
  }

  // null: the batch is settled, one way or the other; else how long to wait before the next try, in ms.
  private async send(batch: readonly Waiting[]): Promise<number | null> {
    let retryAfter = 0;
    try {
      const response = await this.around.post(this.body(batch));
      // What was wrong with the batch will be wrong with it again.
      const refused = response.status >= 400 && response.status < 500 && response.status !== 408 && response.status !== 429;
      if (refused || response.status === 200) {
        if (refused) this.drop(batch, `http_${response.status}`);
        else this.settle(batch, (await response.json()) as Answer);
        this.failures = 0;
        this.onTrouble(false);
        return null;
      }
      retryAfter = (response.retryAfterSeconds ?? 0) * 1000;
      this.quietUntil = this.around.now() + retryAfter;
    } catch {
      // No answer: perhaps stored, perhaps not. The same ids go again.
    }
    ++this.failures;
    this.onTrouble(true);
    const backoff = Math.min(kBackoffMs * 2 ** (this.failures - 1), kLongestBackoffMs);
    return Math.max(retryAfter, backoff * (0.5 + this.around.random()));
  }

  private settle(batch: readonly Waiting[], answer: Answer): void {
    const refused = new Map((answer.rejected ?? []).map(({ index, code }) => [index, code]));
    batch.forEach((waiting, index) => {
      const code = refused.get(index);
      waiting.done(code === undefined ? undefined : new EventRefused(code));
    });
    this.forget(batch);
  }

  private drop(batch: readonly Waiting[], code = "dropped"): void {
    for (const waiting of batch) waiting.done(new EventRefused(code));
    this.forget(batch);
  }

  private forget(batch: readonly Waiting[]): void {
    const ids = batch.map(({ event }) => event.event_id);
    for (const id of ids) this.waiting.delete(id);
    this.outbox.remove(ids).catch(() => undefined);
  }

  private hold(event: FeedbackEvent, done: Waiting["done"]): void {
    this.waiting.set(event.event_id, { event, bytes: encoder.encode(JSON.stringify(event)).length, done });
  }

  // A snapshot holds all that earlier ones of the same message said.
  private supersede(next: FeedbackEvent): void {
    const older = [...this.waiting.values()].filter(
      ({ event }) =>
        event.type === "dwell" && event.page_id === next.page_id && event.turn_id === next.turn_id && !this.inFlight.has(event.event_id),
    );
    for (const waiting of older) waiting.done();
    this.forget(older);
  }

  private cap(): void {
    const over = this.waiting.size - kKeptEvents;
    if (over <= 0) return;
    const all = [...this.waiting.values()].filter(({ event }) => !this.inFlight.has(event.event_id));
    const measured = all.filter(({ event }) => !isExplicit(event));
    this.drop([...measured, ...all.filter(({ event }) => isExplicit(event))].slice(0, over));
  }

  // As many as fit, one at least.
  private batch(events: readonly Waiting[]): Waiting[] {
    const taken: Waiting[] = [];
    let bytes = 128;
    for (const waiting of events) {
      bytes += waiting.bytes + 1;
      if (taken.length > 0 && bytes > kFlushBytes) break;
      taken.push(waiting);
    }
    return taken;
  }

  private body(batch: readonly Waiting[]): string {
    return JSON.stringify({ sent_at: new Date(this.around.now()).toISOString(), events: batch.map(({ event }) => event) });
  }

  private bytes(): number {
    return [...this.waiting.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  private stopTimer(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private flushAfter(ms: number): void {
    const at = this.around.now() + ms;
    if (this.timer && (this.timer.at <= at || this.failures > 0)) return;
    this.timer?.cancel();
    const cancel = this.around.after(ms, () => {
      this.timer = null;
      void this.flush();
    });
    this.timer = { at, cancel };
  }
}

export function browserSurroundings(path = "/v1/events"): Surroundings {
  return {
    async post(body) {
      // keepalive lets a batch outlive the page; browsers take at most 64 KiB of such bodies at a time.
      const response = await fetch(path, {
        method: "POST",
        credentials: "same-origin",
        keepalive: true,
        headers: { "Content-Type": "application/json" },
        body,
      });
      const seconds = Number(response.headers.get("Retry-After"));
      return { status: response.status, retryAfterSeconds: seconds > 0 ? seconds : null, json: () => response.json() };
    },
    beacon: (body) => typeof navigator.sendBeacon === "function" && navigator.sendBeacon(path, body),
    now: () => Date.now(),
    random: () => Math.random(),
    after(ms, run) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
}
