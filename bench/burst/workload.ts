import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "pg";
import { createApp } from "../../runtime/http/app.ts";
import type { HttpHandler } from "../../runtime/ports/http.ts";

/** What the benchmark sends: one of many requests. */
export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** How long each request waits for somebody else, in ms. */
const waitMs = 50;

/**
 * A pool whose connections are all open: to open one takes more of the cores than any request, and
 * on a cloud that is the database's load, or part of a function's cold start.
 */
export async function openPool(connectionString: string | undefined, max: number): Promise<Pool> {
  const pool = new Pool({ connectionString, max, idleTimeoutMillis: 0 });
  // The database may end before its clients do.
  pool.on("error", () => {});
  const clients = await Promise.all(Array.from({ length: max }, () => pool.connect()));
  for (const client of clients) client.release();
  return pool;
}

/** Makes what the handler needs of the database. */
export const prepare = (pool: Pool): Promise<unknown> =>
  pool.query(
    "create table if not exists placed (key text primary key, customer text not null, total int not null)",
  );

/** The handler that is put under load, in containers and twins alike: it stores, waits, and reads. */
export const create = (pool: Pool): HttpHandler =>
  createApp().post("/placed", async (c) => {
    const { key, customer, total } = await c.req.json();
    await pool.query(
      "insert into placed (key, customer, total) values ($1, $2, $3) on conflict do nothing",
      [key, customer, total],
    );
    await sleep(waitMs);
    const { rows } = await pool.query("select key, total from placed where key = $1", [key]);
    return c.json(rows[0]);
  });

/** The n-th request: each stores one row, whose key tells whether it was lost or done twice. */
export const ask = (n: number): Ask => ({
  method: "POST",
  path: "/placed",
  body: JSON.stringify({ key: `k-${n}`, customer: `c-${n % 100}`, total: n % 1_000 }),
});

/** How many requests have had their effect. */
export const effects = async (pool: Pool): Promise<number> =>
  Number((await pool.query("select count(*) as n from placed")).rows[0]?.n);
