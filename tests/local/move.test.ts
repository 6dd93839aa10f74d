import { execFileSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { afterEach, expect, test } from "vitest";
import { openDatabase } from "../../bench/drills/database.ts";
import { openBoss } from "../../runtime/adapters/local/boss.ts";
import { startPostgres } from "../../runtime/adapters/local/postgres.ts";
import { queue } from "../../runtime/adapters/local/queue.ts";
import { queuesOf } from "../../spec/index.ts";
import { system } from "../../system.ts";
import { type Started, start, storefront, temporary } from "./harness.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** How many messages wait at each move. */
const waiting = 1000;

/** The project as it is, but for the config of its stack "dev", which can be edited. */
function projectIn(folder: string) {
  for (const name of ["system.ts", "functions"])
    symlinkSync(path.join(storefront, name), path.join(folder, name));
  const file = path.join(folder, "Pulumi.dev.yaml");
  const config = readFileSync(path.join(storefront, "Pulumi.dev.yaml"), "utf8");
  return {
    folder,
    /** Changes one line. */
    placeFulfil: (host: "function" | "container") =>
      writeFileSync(file, `${config}  spillway:placement:\n    fulfil: ${host}\n`),
  };
}

const isFulfilled = "pk like 'ORDER#%' and sk = 'FULFILMENT'";
const fulfilledIn = async (pool: Pool): Promise<number> => {
  const { rows } = await pool.query<{ n: number }>(
    `select count(*)::int as n from spillway.documents where ${isFulfilled}`,
  );
  return rows[0]?.n ?? 0;
};

/** Work on the database of a host that is stopped. */
async function stopped<T>(data: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const postgres = await startPostgres(path.join(data, "postgres"));
  try {
    return await work(postgres.pool);
  } finally {
    await postgres.stop();
  }
}

/** Puts orders into the queue until 1,000 wait, and gives their ids. */
const fill = (data: string, from: number): Promise<string[]> =>
  stopped(data, async (pool) => {
    const boss = await openBoss(pool);
    try {
      const options = queuesOf(system).placed;
      if (!options) throw new Error("there is no queue placed");
      const placed = queue({ name: "placed", boss, options });
      const { rows } = await pool.query<{ n: number }>(
        "select count(*)::int as n from spillway_queues.job where name = 'placed' and state <= 'active'",
      );
      const ids = Array.from({ length: waiting - (rows[0]?.n ?? 0) }, (_, n) => `o-${from + n}`);
      const items = [{ sku: "print-a4", quantity: 1 }];
      const order = { email: "ada@example.com", items, total: 1200, currency: "EUR" };
      await Promise.all(ids.map((orderId) => placed.send({ orderId, ...order })));
      return ids;
    } finally {
      await boss.stop();
    }
  });

/** Whether a process of its own, whose parent is the host, runs the workload. */
const hasOwnProcess = (host: Started, workload: string): boolean =>
  execFileSync("ps", ["-A", "-o", "ppid=,args="], { encoding: "utf8" })
    .split("\n")
    .some(
      (line) =>
        Number.parseInt(line, 10) === host.child.pid &&
        line.includes(`workloads/${workload}/index.mjs`),
    );

/** Lets a host work until it has packed so many orders in all. */
async function working(data: string, count: number): Promise<void> {
  const database = await openDatabase(data);
  try {
    for (const end = Date.now() + 120_000; ; await sleep(20)) {
      const [found] = await database.rows<{ n: number }>(
        `select count(*)::int as n from spillway.documents where ${isFulfilled}`,
      );
      if ((found?.n ?? 0) >= count) return;
      if (Date.now() > end) throw new Error(`${found?.n} of ${count} orders are packed`);
    }
  } finally {
    await database.close();
  }
}

test("fulfil moves from function to container and back with 1,000 messages in flight", async () => {
  const data = temporary();
  ends.push(data.remove);
  const place = temporary();
  ends.push(place.remove);
  const project = projectIn(place.folder);
  const run = async (host: "function" | "container") => {
    project.placeFulfil(host);
    const started = await start(project.folder, data.folder);
    ends.push(() => started.end("SIGKILL"));
    return started;
  };

  const first = await run("function");
  expect(await first.end()).toBe(0);
  const orders = await fill(data.folder, 0);
  expect(orders).toHaveLength(waiting);

  // Each move comes while there is work, and finds 1,000 messages.
  for (const host of ["function", "container"] as const) {
    const before = await stopped(data.folder, fulfilledIn);
    const started = await run(host);
    expect(hasOwnProcess(started, "fulfil")).toBe(host === "container");
    const placed = (await started.state()).workloads.find(({ name }) => name === "fulfil");
    expect(placed).toMatchObject({ host, status: "running" });
    await working(data.folder, before + 100);
    expect(await started.end()).toBe(0);
    orders.push(...(await fill(data.folder, orders.length)));
  }

  const last = await run("function");
  expect(hasOwnProcess(last, "fulfil")).toBe(false);
  await working(data.folder, orders.length);
  await last.until(
    ({ queues }) =>
      queues
        .filter(({ name }) => ["placed", "activity"].includes(name))
        .every((one) => one.waiting + one.active === 0),
    120,
  );
  const { queues } = await last.state();
  expect(queues.filter(({ dead }) => dead > 0)).toEqual([]);
  expect(await last.end()).toBe(0);

  const { packed, told } = await stopped(data.folder, async (pool) => {
    const ids = async (sql: string) =>
      (await pool.query<{ id: string }>(sql)).rows.map(({ id }) => id).toSorted();
    return {
      packed: await ids(
        `select document->>'orderId' as id from spillway.documents where ${isFulfilled}`,
      ),
      told: await ids(
        `select document->'data'->>'orderId' as id from spillway.documents
         where pk like 'ACTIVITY#%' and document->>'type' = 'order.fulfilled'`,
      ),
    };
  });
  expect(packed).toEqual(orders.toSorted());
  expect(told).toEqual(orders.toSorted());
}, 600_000);
