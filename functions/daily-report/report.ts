import type { Health, Post } from "../../runtime/ports/index.ts";

/** What a source said in its time, or why it said nothing. */
export type Known<T> = { readonly value: T } | { readonly unknown: string };

export interface Report {
  /** Such as "2026-11-20". */
  readonly date: string;
  readonly users: Known<number>;
  /** By currency, in its smallest unit. */
  readonly revenue: Known<Readonly<Record<string, number>>>;
  readonly health: Known<Health>;
}

/** The report as it is posted. */
export function postOf(report: Report): Post {
  const title = `Storefront on ${report.date}`;
  const lines = linesOf(report);
  return {
    text: [title, ...lines.map(([name, value]) => `${name}: ${value}`)].join("\n"),
    blocks: [
      { type: "header", text: title },
      { type: "fields", fields: lines.map(([name, value]) => `*${name}*\n${value}`) },
    ],
  };
}

const linesOf = ({ users, revenue, health }: Report): readonly (readonly [string, string])[] => [
  ["New users", said(users, (count) => String(count))],
  ["Revenue", said(revenue, sums)],
  ["Error rate", said(health, errorRate)],
  [
    "p99 latency",
    said(health, ({ p99Ms }) => (p99Ms === undefined ? "–" : `${Math.round(p99Ms)} ms`)),
  ],
  ["Alerts", said(health, alerts)],
];

/** Slack reads these three as the beginning of mentions and links. */
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const said = <T>(known: Known<T>, words: (value: T) => string): string =>
  escaped("value" in known ? words(known.value) : `unknown: ${known.unknown}`);

function sums(revenue: Readonly<Record<string, number>>): string {
  const entries = Object.entries(revenue).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([currency, amount]) => money(amount, currency)).join(", ") || "none";
}

function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}

const errorRate = ({ requests, errors }: Health): string =>
  requests === 0
    ? "no requests"
    : `${((errors / requests) * 100).toFixed(2)} % of ${requests} requests`;

const alerts = (health: Health): string =>
  health.alerts.map(({ name, since }) => `${name} since ${since.toISOString()}`).join(", ") ||
  "none";
