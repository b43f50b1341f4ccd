import type { Signal } from "./types";

export interface Verdict {
  tone: "good" | "plain" | "bad";
  text: string;
}

// Whether a signal tells liking: its AUC against explicit thumbs, by the side of 0.5 that its 95 % interval lies on.
export function validity({ auc, low, high }: Signal): Verdict {
  if (auc === null || low === null || high === null) return { tone: "plain", text: "too few thumbs" };
  if (low > 0.5) return { tone: "good", text: "valid" };
  if (high < 0.5) return { tone: "bad", text: "reversed" };
  return { tone: "plain", text: "not shown" };
}

// Whether its mean has moved since before, in standard errors.
export function drift({ drift: z }: Signal): Verdict {
  if (z === null) return { tone: "plain", text: "too few" };
  const size = Math.abs(z);
  if (size >= 3) return { tone: "bad", text: "drifted" };
  return size >= 2 ? { tone: "plain", text: "watch" } : { tone: "good", text: "steady" };
}
