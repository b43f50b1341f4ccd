// How long somebody looked at a message. Pure: every time comes in as `now`, in ms of performance.now().
//
// Time counts for a message while it is in sight (at least half of it, or filling at least half of the window), the
// page is visible and focused, and there was activity in the last 30 s. What passes while the message is still being
// written is counted apart: waiting is not interest. Numbers only ever grow, so the largest snapshot is the truth.

export const kIdleAfterMs = 30_000;
export const kViewableAfterMs = 1_000;

export interface DwellProps {
  visible_ms: number; // streaming_ms + after_ms
  streaming_ms: number; // while it was written
  after_ms: number; // since
  max_ratio: number; // the largest part of it that was in sight at once, 0 to 1
  scroll_depth: number; // how far down it was seen, 0 to 1
  activations: number; // how often looking at it began
  final: boolean; // the page was left or the conversation closed
}

export interface Sight {
  ratio: number; // the part of the message that is in sight
  filled: number; // the part of the window that it fills
  depth: number; // how far down it is in sight
}

interface Track {
  inSight: boolean;
  streaming: boolean;
  counting: boolean;
  streamingMs: number;
  afterMs: number;
  runMs: number; // of the present look
  viewable: boolean;
  maxRatio: number;
  depth: number;
  activations: number;
  reported: number; // visible ms of the last snapshot
}

export class DwellMeter {
  private readonly tracks = new Map<string, Track>();
  private last: number;
  private activeUntil: number;
  private visible: boolean;
  private focused: boolean;

  constructor(now: number, page: { visible: boolean; focused: boolean }) {
    this.last = now;
    this.activeUntil = now + kIdleAfterMs;
    this.visible = page.visible;
    this.focused = page.focused;
  }

  // The page came into view or left it, got or lost the focus.
  page(now: number, state: { visible: boolean; focused: boolean }): void {
    this.settle(now);
    this.visible = state.visible;
    this.focused = state.focused;
    this.begin(now);
  }

  // A key, the pointer, a touch, the wheel.
  activity(now: number): void {
    this.settle(now);
    this.activeUntil = now + kIdleAfterMs;
    this.begin(now);
  }

  sight(now: number, turn: string, sight: Sight): void {
    this.settle(now);
    const track = this.track(turn);
    track.inSight = sight.ratio >= 0.5 || sight.filled >= 0.5;
    track.maxRatio = Math.max(track.maxRatio, Math.min(1, sight.ratio));
    track.depth = Math.max(track.depth, Math.min(1, sight.depth));
    this.begin(now);
  }

  streaming(now: number, turn: string, streaming: boolean): void {
    this.settle(now);
    this.track(turn).streaming = streaming;
  }

  // Out of the window and not measured any more, until it is seen again.
  gone(now: number, turn: string): void {
    this.settle(now);
    const track = this.tracks.get(turn);
    if (!track) return;
    track.inSight = track.counting = false;
    track.runMs = 0;
  }

  // Counts what has passed since the last call, under the state that held until now.
  settle(now: number): void {
    const until = Math.min(now, this.activeUntil);
    const passed = Math.max(0, until - this.last);
    for (const track of this.tracks.values()) {
      if (!track.counting) continue;
      if (track.streaming) track.streamingMs += passed;
      else track.afterMs += passed;
      track.runMs += passed;
      if (track.runMs >= kViewableAfterMs) track.viewable = true;
    }
    this.last = Math.max(this.last, now);
    this.begin(now);
  }

  // The turns of which there is more to say than at the last snapshot: at 1 s, 3 s, then doubling, at most 60 s apart.
  due(): string[] {
    return [...this.tracks].filter(([, track]) => total(track) >= nextReport(track.reported)).map(([turn]) => turn);
  }

  // The turns of which anything has been seen since the last snapshot.
  changed(): string[] {
    return [...this.tracks].filter(([, track]) => total(track) > track.reported).map(([turn]) => turn);
  }

  inSight(turn: string): boolean {
    return this.tracks.get(turn)?.inSight ?? false;
  }

  // Looked at for a second without a break, at least once.
  viewable(turn: string): boolean {
    return this.tracks.get(turn)?.viewable ?? false;
  }

  snapshot(turn: string, end: "final" | "so far"): DwellProps {
    const track = this.track(turn);
    track.reported = total(track);
    return {
      visible_ms: Math.round(track.streamingMs) + Math.round(track.afterMs),
      streaming_ms: Math.round(track.streamingMs),
      after_ms: Math.round(track.afterMs),
      max_ratio: round(track.maxRatio),
      scroll_depth: round(track.depth),
      activations: track.activations,
      final: end === "final",
    };
  }

  private track(turn: string): Track {
    let track = this.tracks.get(turn);
    if (!track) {
      track = { inSight: false, streaming: false, counting: false, streamingMs: 0, afterMs: 0, runMs: 0, viewable: false,
        maxRatio: 0, depth: 0, activations: 0, reported: 0 };
      this.tracks.set(turn, track);
    }
    return track;
  }

  // Brings `counting` in line with what holds from now on.
  private begin(now: number): void {
    const attended = this.visible && this.focused && now < this.activeUntil;
    for (const track of this.tracks.values()) {
      const counting = attended && track.inSight;
      if (counting && !track.counting) ++track.activations;
      if (!counting) track.runMs = 0;
      track.counting = counting;
    }
  }
}

const total = (track: Track): number => track.streamingMs + track.afterMs;
const round = (value: number): number => Math.round(value * 1000) / 1000;

function nextReport(reported: number): number {
  if (reported < 1_000) return 1_000;
  if (reported < 3_000) return 3_000;
  return reported + Math.min(reported, 60_000);
}

// The largest of several snapshots of one (page, turn): what a server makes of them, in whatever order they came.
export function largest(snapshots: readonly DwellProps[]): DwellProps | undefined {
  return snapshots.reduce<DwellProps | undefined>(
    (best, next) => (!best || next.visible_ms > best.visible_ms || (next.visible_ms === best.visible_ms && next.final) ? next : best),
    undefined,
  );
}
