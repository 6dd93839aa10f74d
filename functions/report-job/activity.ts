import type { Json, JsonObject } from "../../runtime/ports/index.ts";

export const columns = ["at", "id", "type", "user", "order", "amount", "currency", "data"] as const;

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");

/** An event of the log, as far as a report knows it; what it does not know stands in `data`. */
export interface Activity {
  readonly at: string;
  readonly id: string;
  readonly type: string;
  readonly user: string;
  readonly order: string;
  /** In the smallest unit of the currency. */
  readonly amount: number | undefined;
  readonly currency: string;
  readonly data: string;
}

export function activityOf(document: JsonObject): Activity {
  const given = document.data ?? null;
  const data = isObject(given) ? given : {};
  const amount = data.amount ?? data.total;
  return {
    at: text(document.at),
    id: text(document.id),
    type: text(document.type),
    user: text(data.userId),
    order: text(data.orderId),
    amount: Number.isSafeInteger(amount) ? (amount as number) : undefined,
    currency: text(data.currency),
    data: JSON.stringify(given),
  };
}

export const recordFieldsOf = (activity: Activity): (string | number)[] =>
  columns.map((column) => activity[column] ?? "");

/** Figures of a span of time. */
export interface Figures {
  events: number;
  ordersPlaced: number;
  ordersPaid: number;
  /** By currency, in its smallest unit. */
  readonly revenue: Map<string, number>;
}

const noFigures = (): Figures => ({
  events: 0,
  ordersPlaced: 0,
  ordersPaid: 0,
  revenue: new Map(),
});

/** What the pages of a report show; bounded by the days, not by the events. */
export class Summary {
  readonly total = noFigures();
  readonly days = new Map<string, Figures>();
  readonly types = new Map<string, number>();

  /** So that a day without events has its line. */
  begin(day: string): void {
    this.days.set(day, noFigures());
  }

  add(day: string, { type, amount, currency }: Activity): void {
    // Types are a few dozen; a log gone wrong must not fill the memory.
    const shown = this.types.has(type) || this.types.size < 1000 ? type : "(others)";
    this.types.set(shown, (this.types.get(shown) ?? 0) + 1);
    for (const figures of [this.total, this.days.get(day)]) {
      if (!figures) continue;
      figures.events += 1;
      if (type === "order.placed") figures.ordersPlaced += 1;
      if (type !== "order.paid") continue;
      figures.ordersPaid += 1;
      if (amount === undefined || !/^[A-Z]{3}$/.test(currency)) continue;
      figures.revenue.set(currency, (figures.revenue.get(currency) ?? 0) + amount);
    }
  }
}

/** Days from one to the other, both counted, as YYYY-MM-DD. */
export function daysOf(from: string, to: string): string[] {
  const days: string[] = [];
  const end = Date.parse(to);
  for (let day = Date.parse(from); day <= end; day += 86_400_000)
    days.push(new Date(day).toISOString().slice(0, 10));
  return days;
}
