// What `GET /v1/loop` of the stand-in server says: a made-up afternoon, the same every time.
const wave = (i, period, height) => height * (1 + Math.sin((2 * Math.PI * i) / period));

export function loopFigures() {
  const end = Date.parse("2026-11-25T12:00:00Z") / 1000;
  const minutes = Array.from({ length: 120 }, (_, i) => ({
    at: end - 60 * (119 - i),
    replies: Math.round(wave(i, 40, 6) + (i % 7)),
    events: Math.round(wave(i, 40, 40) + 3 * (i % 11)),
    errors: i % 37 === 36 ? 2 : 0,
    ttft_ms_p50: i % 53 === 52 ? null : 42 + wave(i, 25, 6),
    ttft_ms_p95: i % 53 === 52 ? null : 90 + wave(i, 25, 30),
  }));
  const days = Array.from({ length: 14 }, (_, i) => ({
    day: new Date((end - 86_400 * (13 - i)) * 1000).toISOString().slice(0, 10),
    replies: 300 + 20 * i + (i % 3) * 40,
    events: 2100 + 150 * i,
    ratings_up: 40 + 3 * i,
    ratings_down: 22 - i + (i % 4),
  }));
  return {
    title: "quickstart",
    started_at: "2026-11-25T08:00:00Z",
    models: [
      { id: "quickstart", sha256: "9f2c41d0".repeat(8), kind: "policy", active: true, created_at: "2026-11-24T18:20:00Z" },
      { id: "quickstart-sft", sha256: "1b7e55aa".repeat(8), kind: "sft", active: false, created_at: "2026-11-24T17:55:00Z" },
    ],
    lineage: [
      { stage: "data", key: "3fa1c2", at: "2026-11-24T17:40:00Z", seconds: 4.2 },
      { stage: "tokenizer", key: "88e0b1", at: "2026-11-24T17:40:10Z", seconds: 1.1 },
      { stage: "sft", key: "c91d07", at: "2026-11-24T17:55:00Z", seconds: 872 },
      { stage: "signals", key: "0d4e9a", at: "2026-11-24T17:56:00Z", seconds: 12.8 },
      { stage: "reward", key: "5b2f6c", at: "2026-11-24T18:02:00Z", seconds: 340 },
      { stage: "rl", key: "e7a013", at: "2026-11-24T18:20:00Z", seconds: 1060 },
      { stage: "evaluate", key: "44c8d2", at: null, seconds: null },
    ],
    traffic: { minutes },
    latency: {
      ttft_ms: { p50: 48.2, p95: 121, p99: 188 },
      inter_token_ms: { p50: 9.1, p95: 14.8, p99: 22.4 },
      total_ms: { p50: 540, p95: 910, p99: 1320 },
    },
    errors: { rate_limited: 3, overloaded: 3, bad_rec_token: 1 },
    feedback: {
      conversations: 1240, turns: 9120, replies: 4530, events: 31800, people: 310, training_consent: 122,
      by_type: { dwell: 14200, impression: 9100, viewable: 4300, reply: 3300, rating: 820, seen: 410, not_interested: 260, regenerate: 190, copy: 120 },
      days,
    },
    signals: [
      { name: "dwell", n: 4200, rate: 0.93, mean: 1.12, mean_before: 1.08, drift: 0.9, auc: 0.64, low: 0.6, high: 0.68, labelled: 780 },
      { name: "reply latency", n: 3300, rate: 0.73, mean: -0.21, mean_before: -0.2, drift: -0.3, auc: 0.53, low: 0.48, high: 0.57, labelled: 610 },
      { name: "sentiment shift", n: 3300, rate: 0.73, mean: 0.18, mean_before: 0.05, drift: 3.6, auc: 0.69, low: 0.64, high: 0.73, labelled: 610 },
      { name: "copy", n: 120, rate: 0.03, mean: 1, mean_before: null, drift: null, auc: null, low: null, high: null, labelled: 14 },
    ],
    report: "/report",
  };
}
