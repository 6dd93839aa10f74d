import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { startCluster } from "../../runtime/adapters/local/cluster.ts";
import { openDoor } from "../../tests/contract/door.ts";
import { startValkey } from "../../tools/valkey.ts";
import { type Result, result, shown } from "../result.ts";
import { clientOf } from "./client.ts";
import { hostOf } from "./host.ts";
import type { Drill } from "./kill.ts";
import { type Orders, placeOrders } from "./orders.ts";
import { startReceivers } from "./receivers.ts";

export interface OutageSize {
  /** Orders a second. */
  readonly rate: number;
  /** How long each part is away, in seconds; it is whole for half of that before, between and after. */
  readonly seconds: number;
}

/** What comes when containers are to overflow: so many times as many orders. */
const burst = 8;
/** What the first call of a twin's instance takes, in ms: it answers, but slowly. */
const slowMs = 4_000;
/** How long it may take until orders are taken again after an outage, in seconds. */
const recoverySeconds = 15;
/**
 * How long all may take to be fulfilled in the end, in ms: the relay looks each minute, and what was
 * in work when the database went is delivered again after 180 s.
 */
const fulfilledMs = 300_000;

/**
 * Takes away the database and the cache in turn, and lets the function twin answer slowly, while
 * clients place orders; and looks what they were told, how soon it works again, and whether each
 * order is there once.
 * @param say told of each phase
 */
export async function outageDrill(
  { rate, seconds }: OutageSize,
  say: (line: string) => void,
): Promise<Drill> {
  const folder = mkdtempSync(path.join(tmpdir(), "spillway-drill-"));
  const receivers = await startReceivers();
  let cluster = await startCluster(path.join(folder, "database"));
  const door = await openDoor(Number(new URL(cluster.url).port));
  const databaseUrl = cluster.url.replace(/:\d+\//, `:${door.port}/`);
  const valkey = await startValkey();
  const host = await hostOf(folder, {
    ...receivers.env,
    DATABASE_URL: databaseUrl,
    REDIS_URL: `redis://127.0.0.1:${valkey.port}`,
    SPILLWAY_PLACEMENT: "orders=container-with-overflow",
    SPILLWAY_ADMISSION: '{"floor":1,"ceiling":1}',
    SPILLWAY_COLD_START_MS: `${slowMs}`,
  });
  let faulty = true;
  try {
    await host.start();
    const client = await clientOf(host.url, 1, receivers.mails);
    const orders = placeOrders({
      url: host.url,
      perSecond: rate,
      token: async () => (await client.signed(0)).token,
    });
    const calm = (phase: string) => {
      orders.phase(phase);
      return sleep(seconds * 500);
    };
    await calm("before");

    say("Postgres stops");
    orders.phase("without Postgres");
    await cluster.stop();
    door.cut();
    await sleep(seconds * 1_000);
    cluster = await startCluster(path.join(folder, "database"));
    door.to(Number(new URL(cluster.url).port));
    const database = await recovery(orders);
    say(`Postgres is back; orders are taken after ${database.toFixed(1)} s`);
    await calm("after Postgres");

    say("the cache stops");
    orders.phase("without the cache");
    await valkey.stop();
    await sleep(seconds * 1_000);
    await valkey.start();
    const cache = await recovery(orders);
    say(`the cache is back; orders are taken after ${cache.toFixed(1)} s`);
    await calm("after the cache");

    say("more orders than containers hold; their twins answer slowly");
    const spilled = await spilledOf(host.url);
    orders.phase("with slow twins", burst);
    await sleep(seconds * 1_000);
    const twins = await recovery(orders);
    say(`as many orders as before; they are taken after ${twins.toFixed(1)} s`);
    await calm("after slow twins");

    await orders.end();
    const spills = (await spilledOf(host.url)) - spilled;
    const stored = await standing(databaseUrl, orders);
    const code = await host.stop();
    const results = [
      ...told(orders),
      result("recovery after Postgres", database, "s", "<=", recoverySeconds),
      result("recovery after the cache", cache, "s", "<=", recoverySeconds),
      result("recovery after slow twins", twins, "s", "<=", recoverySeconds),
      result("orders that went to a slow twin", spills, "count", ">=", 1),
      ...stored,
      result("exit code of the host", code ?? -1, "code", "<=", 0),
    ];
    faulty = results.some(({ ok }) => !ok);
    return { results, faults: unclear(orders) };
  } finally {
    await host.kill();
    await valkey.stop();
    await door.close();
    await cluster.stop();
    await receivers.close();
    if (faulty) say(`what is left is in ${folder}`);
    else rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** What was said that is no clear refusal, each once with how often. */
function unclear({ attempts }: Orders): string[] {
  const those = attempts.filter(({ clear }) => !clear);
  const same = Map.groupBy(
    those,
    ({ phase, status, detail }) => `${phase}: ${status} ${detail.slice(0, 300)}`,
  );
  return [...same].map(([what, each]) => `${each.length} x ${what}`);
}

/** How many orders went to twins since the host's start. */
async function spilledOf(url: string): Promise<number> {
  const state = (await (await fetch(`${url}/_spillway/api/state`)).json()) as {
    workloads: { name: string; container?: { spilled: number } }[];
  };
  return state.workloads.find(({ name }) => name === "orders")?.container?.spilled ?? 0;
}

/** Seconds until the next order is taken. */
async function recovery(orders: Orders): Promise<number> {
  const began = performance.now();
  orders.phase("just after");
  return ((await orders.next()) - began) / 1_000;
}

/** What clients were told, by phase. */
function told({ attempts, answered }: Orders): Result[] {
  const phases = [...new Set(attempts.map(({ phase }) => phase))];
  return [
    shown("orders: answered", answered.size, "count"),
    result(
      "answers that were neither an order nor a clear 503",
      attempts.filter(({ clear }) => !clear).length,
      "count",
      "<=",
      0,
    ),
    ...phases.flatMap((phase) => {
      const those = attempts.filter((attempt) => attempt.phase === phase);
      const count = (status: number) => those.filter((one) => one.status === status).length;
      return [
        shown(`${phase}: orders taken`, count(201), "count"),
        shown(`${phase}: told to come again`, those.length - count(201), "count"),
        shown(`${phase}: longest answer`, Math.max(...those.map(({ ms }) => ms)) / 1_000, "s"),
      ];
    }),
  ];
}

/** Holds what was answered against what the database has, once all of it is fulfilled. */
async function standing(url: string, { answered }: Orders): Promise<Result[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const rows = async () =>
      (
        await client.query<{ id: string; status: string }>(
          "select id, status from store_ledger.orders",
        )
      ).rows;
    for (const end = Date.now() + fulfilledMs; ; await sleep(500)) {
      const open = (await rows()).filter(({ status }) => status !== "fulfilled");
      if (open.length === 0 || Date.now() > end) break;
    }
    const found = await rows();
    const ids = [...answered.values()];
    const known = new Set(found.map(({ id }) => id));
    const { rows: told } = await client.query<{ n: number }>(
      "select count(*)::int as n from store_ledger.outbox",
    );
    return [
      result(
        "orders: lost",
        ids.filter(([id]) => id === undefined || !known.has(id)).length,
        "count",
        "<=",
        0,
      ),
      result(
        "orders: doubled",
        found.length - ids.length + ids.filter((each) => new Set(each).size > 1).length,
        "count",
        "<=",
        0,
      ),
      result(
        "orders: not fulfilled",
        found.filter(({ status }) => status !== "fulfilled").length,
        "count",
        "<=",
        0,
      ),
      result("outbox: messages left", told[0]?.n ?? -1, "count", "<=", 0),
    ];
  } finally {
    await client.end();
  }
}
