// What the server says and is told: docs/serving.md.

export interface Reason {
  kind: "item" | "word" | "name";
  what: string;
  weight: number;
  text: string;
}

export interface Recommendation {
  item_id: string;
  title: string;
  year: number | null;
  rank: number;
  score: number;
  propensity?: number;
  attributes?: Record<string, string[]>;
  reasons?: Reason[];
}

export interface ItemState {
  seen: boolean;
  not_interested: boolean;
  reasons: string[];
}

export type Vote = -1 | 0 | 1;

export interface Turn {
  id: string;
  parent_id: string | null;
  role: "user" | "assistant";
  text: string;
  at: string;
  recommendations?: Recommendation[];
  rec_token?: string | null;
  rating?: Vote | null;
  items?: Record<string, ItemState>;
}

export interface ConversationSummary {
  id: string;
  title: string;
  created_at: string;
  updated_at: string;
  turns: number;
}

export interface Conversation {
  id: string;
  title: string;
  created_at: string;
  turns: Turn[];
}

export interface Consent {
  analytics: boolean;
  training: boolean;
  policy_version: string;
  at?: string;
}

export interface Session {
  consent: Consent | null;
  policy_version: string;
  title: string;
}

export type EventType =
  | "impression" | "viewable" | "dwell" | "item_click" | "item_open" | "copy" | "reply" | "regenerate" | "stop" | "edit"
  | "rating" | "not_interested" | "seen" | "undo" | "session_start" | "session_end";

export interface FeedbackEvent {
  schema: "attune.event/1";
  event_id: string;
  type: EventType;
  occurred_at: string;
  mono_ms: number;
  page_id: string;
  seq: number;
  conversation_id?: string;
  turn_id?: string;
  rec_token?: string;
  item_id?: string;
  rank?: number;
  surface: "chat";
  props: Record<string, unknown>;
}
