import type { Reason, Recommendation } from "../lib/types";

type Titled = Pick<Recommendation, "title" | "year">;

// Many catalogues write the year into the title: here it is off, and stands once in `named`.
export function titleOf({ title, year }: Titled): string {
  const end = ` (${year})`;
  return year && title.endsWith(end) ? title.slice(0, -end.length) : title;
}
export const named = (item: Titled): string => (item.year ? `${titleOf(item)} (${item.year})` : item.title);

const quoted = (text: string): string => (/^[“"]/.test(text) ? text : `“${text}”`);

// "Because you mentioned “Heat (1995)”, the word “scary” and crime." Empty where nothing is known.
export function because(reasons: readonly Reason[]): string {
  const items = reasons.filter((reason) => reason.kind === "item").map((reason) => quoted(reason.what));
  const words = reasons.filter((reason) => reason.kind === "word").map((reason) => quoted(reason.what));
  const names = reasons.filter((reason) => reason.kind === "name").map((reason) => quoted(reason.what));
  const parts = [...items, ...(words.length > 0 ? [`the word${words.length > 1 ? "s" : ""} ${listed(words)}`] : []), ...names];
  return parts.length > 0 ? `Because you mentioned ${listed(parts)}.` : "";
}

function listed(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
