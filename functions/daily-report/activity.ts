import * as z from "zod/mini";
import type { JsonObject } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import { type Day, hoursOf } from "./day.ts";

const row = z.object({ type: z.string(), at: z.string(), data: z.unknown() });
const paid = z.object({ orderId: z.string(), amount: z.number(), currency: z.string() });
type Row = z.infer<typeof row>;

/** How many hours are read at a time. */
const atATime = 4;

/** What happened on a day. */
export async function activityOf(
  { catalog }: Pick<PortsOf<"dailyReport">, "catalog">,
  day: Day,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const hours = [...hoursOf(day)];
  const reader = async () => {
    for (let hour = hours.shift(); hour !== undefined; hour = hours.shift()) {
      let cursor: string | undefined;
      do {
        const pk = `ACTIVITY#${hour.slice(0, 10)}`;
        const page = await catalog.query(pk, { prefix: hour, limit: 1000, cursor });
        rows.push(...page.items.flatMap(({ document }) => rowOf(document)));
        cursor = page.cursor;
      } while (cursor !== undefined);
    }
  };
  await Promise.all(Array.from({ length: atATime }, reader));
  // Hours of UTC may begin before the day of the zone, and end after it.
  const [from, to] = [day.from.toISOString(), day.to.toISOString()];
  return rows.filter(({ at }) => at >= from && at < to);
}

function rowOf(document: JsonObject): Row[] {
  const { success, data } = row.safeParse(document);
  return success ? [data] : [];
}

export const usersIn = (rows: readonly Row[]): number =>
  rows.filter(({ type }) => type === "user.created").length;

/** Revenue by currency, in its smallest unit: an order that was reported twice counts once. */
export function revenueIn(rows: readonly Row[]): Readonly<Record<string, number>> {
  const orders = new Map<string, z.infer<typeof paid>>();
  for (const { type, data } of rows) {
    if (type !== "order.paid") continue;
    const payment = paid.parse(data);
    if (!orders.has(payment.orderId)) orders.set(payment.orderId, payment);
  }
  const sums = new Map<string, number>();
  for (const { currency, amount } of orders.values())
    sums.set(currency, (sums.get(currency) ?? 0) + amount);
  return Object.fromEntries(sums);
}
