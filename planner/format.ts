import type { Known } from "./prices/price-list.ts";

const format = (options: Intl.NumberFormatOptions) => {
  const { format } = new Intl.NumberFormat("en-US", options);
  return format;
};
const dollars = { style: "currency", currency: "USD" } as const;

/** Up to three significant digits, with thousands cut by commas: 1,234,567 -> "1,230,000". */
export const number = format({ maximumSignificantDigits: 3 });
/** Six digits: what stands beside a limit must not be rounded onto it. */
const exact = format({ maximumSignificantDigits: 6 });
const cents = format({ ...dollars, maximumFractionDigits: 2 });
const whole = format({ ...dollars, maximumFractionDigits: 0 });

/** "$12.34", "$1,234", "under $0.01", or "unknown". */
export function money(amount: Known): string {
  if (amount === "unknown") return amount;
  if (amount > 0 && amount < 0.01) return "under $0.01";
  return amount < 100 ? cents(amount) : whole(amount);
}

const units = [
  { ms: 3_600_000, name: "h" },
  { ms: 60_000, name: "min" },
  { ms: 1_000, name: "s" },
] as const;

/** "80 ms", "2.5 s", "15 min", "2 h". */
export function duration(ms: number): string {
  const unit = units.find((u) => ms >= u.ms) ?? { ms: 1, name: "ms" };
  return `${exact(ms / unit.ms)} ${unit.name}`;
}

/** "512 MB", "1.5 GB" (1 GB is 1,024 MB). */
export const megabytes = (mb: number): string =>
  mb < 1024 ? `${exact(mb)} MB` : `${exact(mb / 1024)} GB`;
