import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Result, result, shown } from "../result.ts";
import { type Client, clientOf, webhookSecret } from "./client.ts";
import { type Database, type InFlight, openDatabase } from "./database.ts";
import { factsOf } from "./facts.ts";
import { type Host, hostOf } from "./host.ts";
import { paceOf } from "./pace.ts";
import { type Plan, planOf, type Size, users } from "./plan.ts";
import { randomOf } from "./random.ts";
import { startReceivers } from "./receivers.ts";
import { type Answered, verdictOf } from "./verdict.ts";

/** Orders, and images, that are sent at a time. */
const atOnce = { orders: 12, images: 3, failures: 1 } as const;
/** Nothing has changed for so long: it will not, in milliseconds. A lost claim takes 180 s. */
const stillMs = 240_000;
/** How often it is said how far it is, in milliseconds. */
const sayMs = 10_000;

export interface Drill {
  readonly results: readonly Result[];
  readonly faults: readonly string[];
}

/**
 * Kills the local host again and again while orders, images and webhooks come in, and then holds
 * what was answered against what is there.
 * @param say told of each kill, and of how far it is
 */
export async function killDrill(size: Size, say: (line: string) => void): Promise<Drill> {
  const plan = planOf(size);
  const folder = mkdtempSync(path.join(tmpdir(), "spillway-drill-"));
  const receivers = await startReceivers();
  const host = await hostOf(folder, {
    ...receivers.env,
    SPILLWAY_SECRET_STRIPE_WEBHOOK: webhookSecret,
  });
  let faulty = true;
  try {
    await host.start();
    const client = await clientOf(host.url, users, receivers.mails);
    const unread = await unreadOf(host);
    // Codes and welcomes are not what is counted.
    await quiet(host, unread, () => {});
    (receivers.mails as object[]).splice(0);

    const sending = send(plan, client);
    const killing = killAll(plan, size, { host, unread, say, pace: sending.pace });
    const [answered, kills] = await Promise.all([sending.answered, killing]);
    say(`all sent, ${client.retries} requests more than once`);
    const left = await quiet(host, unread, say);

    const database = await openDatabase(path.join(folder, "data"));
    const facts = await factsOf(database, path.join(folder, "data"), receivers, unread);
    await database.close();
    const code = await host.stop();
    const strain = { kills: kills.length, late: late(folder) };
    const { results, faults, notes = [] } = verdictOf(answered, facts, strain);
    for (const note of notes.slice(0, 20)) say(note.slice(0, 400));
    const all = [
      result("kills", kills.length, "count", ">=", size.kills),
      result("in flight at a kill, at least", Math.min(...kills), "count", ">=", 1),
      shown("in flight at a kill, at most", Math.max(...kills), "count"),
      shown("requests sent again for want of an answer", client.retries, "count"),
      shown("messages given up at their time limit, and tried again", strain.late, "count"),
      result("in flight at the end", left.total, "count", "<=", 0),
      result("exit code of the last stop", code ?? -1, "code", "<=", 0),
      ...results,
    ];
    faulty = all.some(({ ok }) => !ok);
    return { results: all, faults };
  } finally {
    await host.kill();
    await receivers.close();
    if (faulty) say(`what is left is in ${folder}`);
    else rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** What a slow machine makes of time limits: each may have had its effect all the same. */
const late = (folder: string): number =>
  readFileSync(path.join(folder, "host.log"), "utf8").split("it was not done within").length - 1;

/** Queues whose workload has no code, or does not run on this machine. */
async function unreadOf({ url }: Host): Promise<readonly string[]> {
  const state = (await (await fetch(`${url}/_spillway/api/state`)).json()) as {
    queues: { name: string; consumers: string[] }[];
  };
  return state.queues.filter(({ consumers }) => consumers.length === 0).map(({ name }) => name);
}

/** Sends all of a plan, so many at a time, and notes what was answered. */
function send(plan: Plan, client: Client) {
  const { orders, images, failures } = plan;
  const pace = paceOf(orders.length + images.length + failures.length);
  const through = async <T, A>(
    items: readonly T[],
    workers: number,
    one: (item: T) => Promise<A>,
  ): Promise<A[]> => {
    const answers: A[] = [];
    const waiting = items.entries();
    const work = async () => {
      for (const [n, item] of waiting) {
        await pace.turn(n / items.length);
        answers[n] = await one(item);
        pace.answered();
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
    return answers;
  };
  const answered = async (): Promise<Answered> => {
    const [placed, uploaded] = await Promise.all([
      through(orders, atOnce.orders, async (order) => ({
        ...order,
        id: await client.order(order),
      })),
      through(images, atOnce.images, async (image) => ({
        ...image,
        objectKey: await client.upload(image),
      })),
      through(failures, atOnce.failures, (failure) => client.tell(failure)),
    ]);
    return { orders: placed, images: uploaded, failures };
  };
  return { pace, answered: answered() };
}

interface Killing {
  readonly host: Host;
  readonly unread: readonly string[];
  readonly pace: ReturnType<typeof paceOf>;
  readonly say: (line: string) => void;
}

/**
 * Kills at the plan's moments, and starts again at once: now and then before it was ready again.
 * @returns how much was in flight at each kill
 */
async function killAll(plan: Plan, { seed }: Size, drill: Killing): Promise<readonly number[]> {
  const { host, pace, say } = drill;
  const random = randomOf(seed + 1);
  const counts: number[] = [];
  for (const [n, share] of plan.kills.entries()) {
    // At each kill there is some left to send, so that it meets work.
    pace.allow(plan.kills[n + 2] ?? 1);
    await pace.reached(share);
    await sleep(random.next() * 300);
    const found = await busy(drill);
    await host.kill();
    counts.push(found.total);
    say(
      `kill ${n + 1} of ${plan.kills.length} at ${Math.round(share * 100)} %: ${found.total} in flight ` +
        `(${found.active} messages at work, ${found.waiting} waiting, ${found.executions} executions, ${found.untold} to be told)`,
    );
    const ready = host.start();
    // Some starts are cut off too; that kill is one more, beside the plan's.
    if (random.next() < 0.15) {
      await Promise.race([ready, sleep(random.next() * 2_000)]);
      await host.kill();
      await ready;
      say(`kill ${n + 1} of ${plan.kills.length}, once more while it started`);
      await host.start();
    } else await ready;
  }
  pace.allow(1);
  return counts;
}

/** Counts what is in flight, as soon as there is something. */
async function busy({ host, unread }: Killing): Promise<InFlight> {
  const database = await openDatabase(path.join(host.folder, "data"));
  try {
    for (const end = Date.now() + 10_000; ; await sleep(5)) {
      const found = await database.inFlight(unread);
      if (found.total > 0 || Date.now() > end) return found;
    }
  } finally {
    void database.close();
  }
}

/** Waits until nothing is in flight, or nothing changes any more. */
async function quiet(
  { folder }: Host,
  unread: readonly string[],
  say: (line: string) => void,
): Promise<InFlight> {
  const database: Database = await openDatabase(path.join(folder, "data"));
  try {
    let rounds = 0;
    let last = "";
    let said = 0;
    for (let changed = Date.now(); ; await sleep(500)) {
      const found = await database.inFlight(unread);
      // What hands on its work is in neither place for a moment.
      rounds = found.total === 0 ? rounds + 1 : 0;
      const seen = JSON.stringify(found);
      if (seen !== last) changed = Date.now();
      last = seen;
      if (rounds === 4 || Date.now() - changed > stillMs) return found;
      if (Date.now() - said < sayMs) continue;
      said = Date.now();
      say(`${found.total} in flight`);
    }
  } finally {
    await database.close();
  }
}
