import type { Turn } from "./types";

// A conversation is a tree; the page shows one path through it. `choice` says which child of a turn is on show ("" is
// the root's parent); where it says nothing, the way to the newest turn is taken.
export type Choice = Record<string, string>;

const key = (parent: string | null): string => parent ?? "";

export function childrenOf(turns: readonly Turn[], parent: string | null): Turn[] {
  return turns.filter((turn) => key(turn.parent_id) === key(parent));
}

// `turns` in the order of creation. The turns from the root down, at most one for each level.
export function pathOf(turns: readonly Turn[], choice: Choice): Turn[] {
  const children = new Map<string, Turn[]>();
  const newest = new Map<string, number>(); // the youngest turn below each, itself included
  const byId = new Map(turns.map((turn) => [turn.id, turn]));
  turns.forEach((turn, order) => {
    const siblings = children.get(key(turn.parent_id));
    if (siblings) siblings.push(turn);
    else children.set(key(turn.parent_id), [turn]);
    // Later turns overwrite: what is left is the youngest. A turn is seen once at most on the way up.
    const seen = new Set<string>();
    for (let at: Turn | undefined = turn; at && !seen.has(at.id); at = byId.get(key(at.parent_id))) {
      seen.add(at.id);
      newest.set(at.id, order);
    }
  });
  const path: Turn[] = [];
  const shown = new Set<string>();
  let parent = "";
  for (;;) {
    const siblings = children.get(parent);
    if (!siblings) return path;
    const chosen =
      siblings.find((turn) => turn.id === choice[parent]) ??
      siblings.reduce((best, turn) => (newest.get(turn.id)! > newest.get(best.id)! ? turn : best));
    if (shown.has(chosen.id)) return path;
    shown.add(chosen.id);
    path.push(chosen);
    parent = chosen.id;
  }
}

// Which of its siblings a turn is, from 0, and all of them.
export function branchOf(turns: readonly Turn[], turn: Turn): { index: number; siblings: Turn[] } {
  const siblings = childrenOf(turns, turn.parent_id).filter((other) => other.role === turn.role);
  return { index: siblings.findIndex((other) => other.id === turn.id), siblings };
}
