import type { JsonObject, Queries, Sql } from "../runtime/ports/index.ts";

export interface Line {
  readonly sku: string;
  readonly quantity: number;
}

export interface NewOrder {
  readonly id: string;
  readonly owner: string;
  /** Of what was ordered. */
  readonly fingerprint: string;
  readonly email: string;
  readonly items: readonly Line[];
  /** In the smallest unit of the currency. */
  readonly total: number;
  /** ISO 4217 */
  readonly currency: string;
}

export interface Order {
  readonly id: string;
  readonly status: "placed" | "cancelled" | "fulfilled";
  readonly items: readonly Line[];
  readonly total: number;
  readonly currency: string;
  readonly placedAt: string;
}

/** A page of orders, the newest first. */
export interface OrderPage {
  readonly orders: readonly Order[];
  /** Where the next page starts; absent on the last one. */
  readonly cursor?: string;
}

interface Row {
  readonly id: string;
  readonly status: Order["status"];
  readonly items: readonly Line[];
  /** bigint: the driver gives text. */
  readonly total: string;
  readonly currency: string;
  readonly placed_at: Date;
}

const columns = "id, status, items, total, currency, placed_at";

const orderOf = ({ placed_at, total, ...row }: Row): Order => ({
  ...row,
  total: Number(total),
  placedAt: placed_at.toISOString(),
});

/**
 * Stores an order and what is to be told of it, both or neither. The same order again changes
 * nothing.
 * @returns the order as it stands, and what is to be told where it is new; `undefined` where its id
 *   is another order's
 */
export const placeOrder = (
  ledger: Sql,
  order: NewOrder,
): Promise<{ readonly order: Order; readonly message?: JsonObject } | undefined> =>
  ledger.transaction(async (tx) => {
    const { id, owner, fingerprint, email, items, total, currency } = order;
    const [placed] = await tx.query<Row>(
      `insert into orders (id, owner, fingerprint, email, items, total, currency)
       values ($1, $2, $3, $4, $5::jsonb, $6, $7) on conflict (id) do nothing returning ${columns}`,
      [id, owner, fingerprint, email, JSON.stringify(items), total, currency],
    );
    if (placed) {
      const lines = items.map((line) => ({ ...line }));
      const message = { orderId: id, email, items: lines, total, currency };
      await tx.query("insert into outbox (order_id, message) values ($1, $2::jsonb)", [
        id,
        JSON.stringify(message),
      ]);
      return { order: orderOf(placed), message };
    }
    const [known] = await tx.query<Row>(
      `select ${columns} from orders where id = $1 and owner = $2 and fingerprint = $3`,
      [id, owner, fingerprint],
    );
    return known && { order: orderOf(known) };
  });

/** Those of the ids that are orders of this owner, in no particular order. */
export async function findOrders(
  ledger: Queries,
  owner: string,
  ids: readonly string[],
): Promise<readonly Order[]> {
  const rows = await ledger.query<Row>(
    `select ${columns} from orders where id = any($1::text[]) and owner = $2`,
    [ids, owner],
  );
  return rows.map(orderOf);
}

/**
 * An owner's orders, the newest first. A page is the same whatever was ordered since.
 * @param page.limit most orders on it
 * @param page.after where the page before ended. Default: the first page
 */
export async function listOrders(
  ledger: Queries,
  owner: string,
  { limit, after }: { readonly limit: number; readonly after?: Position },
): Promise<OrderPage> {
  const rows = await ledger.query<Row & { readonly position: string }>(
    `select ${columns},
       to_char(placed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as position
     from orders
     where owner = $1 and ($2::timestamptz is null or (placed_at, id) < ($2::timestamptz, $3))
     order by placed_at desc, id desc limit $4`,
    [owner, after?.at ?? null, after?.id ?? null, limit + 1],
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    orders: shown.map(({ position: _, ...row }) => orderOf(row)),
    ...(rows.length > limit && last && { cursor: writeCursor({ at: last.position, id: last.id }) }),
  };
}

/** Where a page ended. */
export interface Position {
  /** ISO 8601 with the database's microseconds, which a Date would drop. */
  readonly at: string;
  readonly id: string;
}

const writeCursor = ({ at, id }: Position): string =>
  Buffer.from(`${at} ${id}`).toString("base64url");

/** Where a cursor points, or `undefined` for text that is none. */
export function readCursor(cursor: string): Position | undefined {
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  const [, at, id] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (or_[\da-f]{32})$/.exec(text) ?? [];
  return at === undefined || id === undefined || Number.isNaN(Date.parse(at))
    ? undefined
    : { at, id };
}

/** Who placed an order, or `undefined` where it is none of these. */
export async function ownerOf(ledger: Queries, id: string) {
  const [row] = await ledger.query<{ owner: string }>("select owner from orders where id = $1", [
    id,
  ]);
  return row?.owner;
}

/** Moves an order on from where it was placed; one that has moved already stays where it is. */
export async function moveOn(
  ledger: Queries,
  id: string,
  status: "cancelled" | "fulfilled",
): Promise<void> {
  await ledger.query(
    `update orders set status = $2, changed_at = now() where id = $1 and status = 'placed'`,
    [id, status],
  );
}
