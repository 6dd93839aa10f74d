import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { idOf } from "../../functions/idempotency.ts";
import { create as createOrders } from "../../functions/orders/index.ts";
import { openBoss } from "../../runtime/adapters/local/boss.ts";
import { migrate } from "../../runtime/adapters/local/postgres.ts";
import { queue } from "../../runtime/adapters/local/queue.ts";
import { prepareSql, schemaOf, sql } from "../../runtime/adapters/local/sql.ts";
import { table } from "../../runtime/adapters/local/table.ts";
import { openPool } from "../../runtime/adapters/pool.ts";
import type { HttpHandler } from "../../runtime/ports/http.ts";
import { type Queue, queuesOf } from "../../spec/index.ts";
import { system } from "../../system.ts";

/** What the benchmark sends: one of many requests. */
export interface Ask {
  readonly n: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How long each request waits for somebody else, in ms. */
const waitMs = 50;
const placed = queuesOf(system).placed as Queue;
const root = path.resolve(import.meta.dirname, "../..");

/** Whoever has a token is whom it names: checking signatures is not what is measured. */
export const declared = {
  auth: "jwt",
  verify: async (token: string) => ({ sub: token }),
  routes: ["POST /api/v1/orders"],
} as const;

/** Makes what the handler needs of the database. */
export async function prepare(pool: Pool, url: string): Promise<void> {
  await migrate(pool);
  await prepareSql({
    name: "ledger",
    url,
    migrations: path.join(root, "functions/orders/migrations"),
  });
  const boss = await openBoss(pool);
  await boss.ready("placed", placed);
  await boss.stop();
}

/**
 * The orders of storefront on a database, which store an order with its outbox and send it on, after
 * a wait for somebody else: in containers and twins alike.
 * @param connections of each of its two pools
 */
export async function openOrders(
  url: string | undefined,
  connections: number,
): Promise<HttpHandler> {
  // The database may end before its clients do.
  const pool = openPool({ connectionString: url, max: connections, idleTimeoutMillis: 0 });
  const boss = await openBoss(pool, { superviseSeconds: 3_600 });
  const orders = createOrders({
    ledger: sql({ name: "ledger", url: url ?? "", connections }),
    catalog: table({ name: "catalog", pool }),
    placed: queue({ name: "placed", boss, options: placed }),
  });
  return {
    async fetch(request, context) {
      await sleep(waitMs);
      return orders.fetch(request, context);
    },
  };
}

const ownerOf = (n: number) => `customer-${n % 100}`;
const keyOf = (n: number) => `k-${n}`;

/** The n-th request: each places one order, by a key that tells whether it was lost. */
export const ask = (n: number): Ask => ({
  n,
  method: "POST",
  path: "/api/v1/orders",
  headers: { authorization: `Bearer ${ownerOf(n)}`, "idempotency-key": keyOf(n) },
  body: JSON.stringify({
    items: [{ sku: "print-a4", quantity: 1 + (n % 3) }],
    email: "ada@bench.example",
  }),
});

/** How many of the requests that were answered have no order. */
export async function lost(pool: Pool, answered: readonly number[]): Promise<number> {
  const ids = answered.map((n) => `or_${idOf(ownerOf(n), keyOf(n))}`);
  const { rows } = await pool.query<{ n: string }>(
    `select count(*) as n from ${schemaOf("ledger")}.orders where id = any($1)`,
    [ids],
  );
  return ids.length - Number(rows[0]?.n);
}
