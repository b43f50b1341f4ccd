// `GET /v1/loop`: docs/serving.md.
export interface Minute {
  at: number; // unix seconds
  replies: number;
  events: number;
  errors: number;
  ttft_ms_p50: number | null;
  ttft_ms_p95: number | null;
}

export interface Day {
  day: string;
  replies: number;
  events: number;
  ratings_up: number;
  ratings_down: number;
}

export interface Signal {
  name: string;
  n: number;
  rate: number | null;
  mean: number | null;
  mean_before: number | null;
  drift: number | null; // z
  auc: number | null; // against explicit thumbs
  low: number | null;
  high: number | null;
  labelled: number;
}

export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

export interface LoopFigures {
  title: string;
  started_at: string;
  models: { id: string; sha256: string; kind: "policy" | "sft"; active: boolean; created_at: string }[];
  lineage: { stage: string; key: string; at: string | null; seconds: number | null }[];
  traffic: { minutes: Minute[] };
  latency: { ttft_ms: Percentiles; inter_token_ms: Percentiles; total_ms: Percentiles };
  errors: Record<string, number>;
  feedback: {
    conversations: number;
    turns: number;
    replies: number;
    events: number;
    people: number;
    training_consent: number;
    by_type: Record<string, number>;
    days: Day[];
  };
  signals: Signal[];
  report: string | null;
}
