const kUnits: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

// "2 hours ago"; the date for what is older than a week; empty for what is no time.
export function ago(time: string, now: number = Date.now(), locale = "en"): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return "";
  const passed = now - at;
  if (passed > 7 * 86_400_000) return new Date(at).toLocaleDateString(locale, { day: "numeric", month: "short", year: "numeric" });
  for (const [unit, ms] of kUnits) {
    if (passed >= ms) return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(-Math.floor(passed / ms), unit);
  }
  return "just now";
}

// 0.6 -> "0.60".
export function fixed(value: number | null | undefined, digits = 2): string {
  return value === null || value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(digits).replace("-", "−");
}

// 1234 -> "1,234"; 0.1234 -> "0.123"; nothing -> "–".
export function figure(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return value.toLocaleString("en", { maximumFractionDigits: Number.isInteger(value) ? 0 : digits });
}
