import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Boss, openBoss } from "../../../runtime/adapters/local/boss.ts";
import type { ReadTrouble } from "../../../runtime/adapters/local/delivering.ts";
import type { Postgres } from "../../../runtime/adapters/local/postgres.ts";
import {
  deadLettersInto,
  streamReaderAdmin,
} from "../../../runtime/adapters/local/reader-admin.ts";
import { append, stream } from "../../../runtime/adapters/local/stream.ts";
import { removeOld, streamReader } from "../../../runtime/adapters/local/stream-reader.ts";
import { declareReaders } from "../../../runtime/adapters/local/subscriptions.ts";
import { openPool } from "../../../runtime/adapters/pool.ts";
import { PortError, type RecordBatch, type RecordHandler } from "../../../runtime/ports/index.ts";
import { sleep } from "../suites/refusal.ts";
import { type ReadRecord, streamContract } from "../suites/stream.ts";
import { temporaryDatabase } from "./database.ts";

const quiet = () => {};
const soon = { timeout: 20_000 };

streamContract("local stream", {
  async start() {
    const { pool, stop } = await temporaryDatabase();
    return {
      async make() {
        const name = `stream-${randomUUID()}`;
        const read = async (count: number) => {
          const records: ReadRecord[] = [];
          const reader = streamReader({
            name,
            consumer: `reader-${randomUUID()}`,
            pool,
            batch: 100,
            retentionHours: 24,
            handler: async ({ shard, records: some }) => {
              records.push(...some.map((record) => ({ shard, ...record })));
            },
            setAside: async (_, body) => expect.unreachable(body),
            onTrouble: quiet,
          });
          await expect.poll(() => records.length, soon).toBeGreaterThanOrEqual(count);
          await reader.stop();
          return records;
        };
        return { stream: stream({ name, pool }), read };
      },
      close: stop,
    };
  },
});

describe("a reader of a stream", () => {
  let postgres: Postgres;
  let boss: Boss;
  const stops: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    postgres = await temporaryDatabase();
    boss = await openBoss(postgres.pool);
  });
  afterAll(async () => {
    for (const stop of stops) await stop();
    await boss?.stop();
    await postgres?.stop();
  });

  interface Options {
    readonly batch?: number;
    readonly retries?: number;
    readonly consumer?: string;
    readonly pool?: Pool;
    readonly onTrouble?: (trouble: ReadTrouble) => void;
  }
  const open = ({ partitions = 1 } = {}) => {
    const name = `stream-${randomUUID()}`;
    const workload = `reader-${randomUUID()}`;
    const { pool } = postgres;
    const read = (handler: RecordHandler, options: Options = {}) => {
      const reader = streamReader({
        name,
        consumer: workload,
        pool,
        batch: 10,
        retries: 0,
        retentionHours: 24,
        handler,
        setAside: deadLettersInto({ workload, boss }),
        onTrouble: quiet,
        news: boss.news,
        ...options,
      });
      stops.push(reader.stop);
      return reader;
    };
    const { put } = stream({ name, pool, partitions, news: boss.news });
    const putNumbers = (count: number, key = "k") =>
      put(Array.from({ length: count }, (_, body) => ({ key, body })));
    const admin = streamReaderAdmin({ stream: name, workload, boss, partitions });
    const waiting = async () => (await admin.depth()).waiting;
    return { name, workload, put, putNumbers, read, admin, waiting };
  };
  const bodiesOf = ({ records }: RecordBatch) => records.map(({ body }) => Number(body));

  it("gives batches of the asked size, in order, while there is enough", async () => {
    const { putNumbers, read, waiting } = open();
    const seen: number[][] = [];
    await putNumbers(25);
    read(async (batch) => void seen.push(bodiesOf(batch)));
    await expect.poll(waiting, soon).toBe(0);
    expect(seen.map((batch) => batch.length)).toEqual([10, 10, 5]);
    expect(seen.flat()).toEqual(Array.from({ length: 25 }, (_, n) => n));
  });

  it("halves a batch that fails until the record that fails stands alone", async () => {
    const { putNumbers, read, admin } = open();
    const seen: number[][] = [];
    await putNumbers(8);
    read(async (batch) => {
      seen.push(bodiesOf(batch));
      if (bodiesOf(batch).includes(5)) throw new Error("five is poison");
    });
    const dead = { waiting: 0, active: 0, dead: 1 };
    await expect.poll(() => admin.depth(), soon).toEqual(dead);
    expect(seen).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [4, 5],
      [4],
      [5],
      [6, 7],
    ]);
    expect(await admin.deadLetters(10)).toMatchObject([
      { reason: "five is poison", body: { shard: "0", sequence: "6", key: "k", body: 5 } },
    ]);
  });

  it("sets a record that is invalid aside at its first try", async () => {
    const { putNumbers, read, admin } = open();
    let calls = 0;
    await putNumbers(1);
    read(
      async () => {
        calls++;
        throw new PortError("invalid", "no click");
      },
      { retries: 5 },
    );
    await expect.poll(async () => (await admin.depth()).dead, soon).toBe(1);
    expect(calls).toBe(1);
  });

  it("tries a record that fails again, for as long as it has tries", async () => {
    const { putNumbers, read, waiting } = open();
    const seen: number[][] = [];
    await putNumbers(2);
    read(
      async (batch) => {
        seen.push(bodiesOf(batch));
        if (seen.length <= 3) throw new Error("not now");
      },
      { retries: 2 },
    );
    await expect.poll(waiting, soon).toBe(0);
    expect(seen).toEqual([[0, 1], [0], [0], [0], [1]]);
  });

  it("gives a record of the dead letters again when it is put back, and discards another", async () => {
    const { putNumbers, read, admin } = open();
    const seen: number[] = [];
    let closed = true;
    await putNumbers(2);
    read(async (batch) => {
      if (closed) throw new PortError("invalid", "closed");
      seen.push(...bodiesOf(batch));
    });
    await expect.poll(async () => (await admin.depth()).dead, soon).toBe(2);
    closed = false;
    const letters = await admin.deadLetters(10);
    const letterOf = (n: number) =>
      letters.find(({ body }) => (body as { body: number }).body === n)?.id ?? "";
    await admin.redrive(letterOf(1));
    await admin.discard(letterOf(0));
    await expect.poll(() => seen, soon).toEqual([1]);
    expect((await admin.depth()).dead).toBe(0);
    for (const id of [letterOf(1), "none", ""])
      await expect(admin.redrive(id)).rejects.toMatchObject({ code: "not-found" });
  });

  it("gives each consumer all records, from the first that is kept", async () => {
    const { putNumbers, read, waiting } = open();
    await putNumbers(3);
    read(async () => {});
    await expect.poll(waiting, soon).toBe(0);
    const late: number[] = [];
    read(async (batch) => void late.push(...bodiesOf(batch)), { consumer: "late" });
    await expect.poll(() => late, soon).toEqual([0, 1, 2]);
  });

  it("skips no record whose transaction was stored after a later one's", async () => {
    const { name, putNumbers, put, read, waiting } = open();
    const seen: number[] = [];
    await putNumbers(1);
    read(async (batch) => void seen.push(...bodiesOf(batch)));
    await expect.poll(waiting, soon).toBe(0);
    const client = await postgres.pool.connect();
    await client.query("begin");
    const records = [{ key: "k", text: "1" }];
    await append(client, { stream: name, partitions: 1, records });
    const later = put([{ key: "k", body: 2 }]);
    await sleep(700);
    expect(seen).toEqual([0]);
    await client.query("commit");
    client.release();
    await later;
    await expect.poll(() => seen, soon).toEqual([0, 1, 2]);
  });

  it("reads a shard in one process at a time, and takes over where that one's session ends", async () => {
    const { workload, put, read, waiting } = open({ partitions: 4 });
    const other = openPool({ connectionString: postgres.url, application_name: workload });
    const putMany = () =>
      put(Array.from({ length: 200 }, (_, body) => ({ key: `k${body % 20}`, body })));
    const at: string[] = [];
    const working = new Map<string, number>();
    let together = 0;
    const handler = (by: string) => async (batch: RecordBatch) => {
      const count = (working.get(batch.shard) ?? 0) + 1;
      together = Math.max(together, count);
      working.set(batch.shard, count);
      at.push(by);
      await sleep(5);
      working.set(batch.shard, (working.get(batch.shard) ?? 1) - 1);
    };
    await putMany();
    const first = read(handler("first"), { pool: other });
    await expect.poll(waiting, soon).toBe(0);
    read(handler("second"));
    await putMany();
    await expect.poll(waiting, soon).toBe(0);
    expect(new Set(at)).toEqual(new Set(["first"]));
    expect(together).toBe(1);
    await first.stop();
    await other.end();
    await putMany();
    await expect.poll(waiting, soon).toBe(0);
    expect(new Set(at)).toEqual(new Set(["first", "second"]));
    expect(together).toBe(1);
  });

  it("goes on when its own session was ended from outside", async () => {
    const { putNumbers, read, waiting } = open();
    const seen: number[] = [];
    await putNumbers(1);
    read(async (batch) => void seen.push(...bodiesOf(batch)));
    await expect.poll(waiting, soon).toBe(0);
    await postgres.pool.query(
      `select pg_terminate_backend(pid) from pg_locks
       where locktype = 'advisory' and granted and pid <> pg_backend_pid()`,
    );
    await putNumbers(2);
    await expect.poll(waiting, soon).toBe(0);
    expect(seen).toEqual([0, 0, 1]);
  });

  it("leaves alone what another has done since, where it lost its session in the middle", async () => {
    const { workload, putNumbers, read, admin } = open();
    const pool = openPool({ connectionString: postgres.url, application_name: workload });
    const outcomes: string[] = [];
    let fail = quiet;
    const first = read(
      () =>
        new Promise((_, failed) => {
          fail = () => failed(new PortError("invalid", "too late"));
        }),
      { pool, onTrouble: ({ outcome }) => void outcomes.push(outcome) },
    );
    await putNumbers(1);
    await expect.poll(() => fail === quiet, soon).toBe(false);
    const stopped = first.stop();
    await postgres.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1",
      [workload],
    );
    const seen: number[] = [];
    read(async (batch) => void seen.push(...bodiesOf(batch)));
    const done = { waiting: 0, active: 0, dead: 0 };
    await expect.poll(() => admin.depth(), soon).toEqual(done);
    fail();
    await stopped;
    await pool.end();
    expect(outcomes).toEqual(["reject", "receive"]);
    expect(await admin.depth()).toEqual(done);
    expect(seen).toEqual([0]);
  });

  it("repeats, and skips nothing, when its process is killed in the middle again and again", async () => {
    const { name, workload, put, waiting } = open({ partitions: 3 });
    await put(Array.from({ length: 400 }, (_, body) => ({ key: `k${body % 30}`, body })));
    const program = path.join(import.meta.dirname, "stream-program.ts");
    const seen = new Map<string, number[]>();
    let kills = 0;
    for (; (await waiting()) > 0 && kills < 30; kills++) {
      const child = spawn(process.execPath, [program, name, workload], {
        env: { ...process.env, DATABASE_URL: postgres.url },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let lines = 0;
      const reader = createInterface({ input: child.stdout });
      const closed = once(reader, "close");
      reader.on("line", (line) => {
        const [shard = "", sequence] = line.split(" ");
        seen.set(shard, [...(seen.get(shard) ?? []), Number(sequence)]);
        if (++lines === 60) child.kill("SIGKILL");
      });
      const done = async () => {
        while (child.exitCode === null && child.signalCode === null && (await waiting()) > 0)
          await sleep(100);
        child.kill("SIGKILL");
      };
      await done();
      await closed;
    }
    expect(kills).toBeGreaterThan(3);
    expect(await waiting()).toBe(0);
    for (const sequences of seen.values()) {
      let highest = 0;
      for (const sequence of sequences) {
        // It may go back to what was not noted as done, and never jumps ahead.
        expect(sequence).toBeLessThanOrEqual(highest + 1);
        highest = Math.max(highest, sequence);
      }
    }
    const { rows } = await postgres.pool.query(
      "select sum(head)::int as count from spillway.stream_shards where stream = $1",
      [name],
    );
    const distinct = [...seen.values()].map((sequences) => new Set(sequences).size);
    expect(distinct.reduce((sum, count) => sum + count, 0)).toBe(rows[0].count);
  });

  it("removes records that all consumers have read when their time is over, and no others", async () => {
    const { name, workload, putNumbers, read, waiting } = open();
    const { pool } = postgres;
    const kept = async () =>
      (
        await pool.query(
          "select seq::int from spillway.stream_records where stream = $1 order by seq",
          [name],
        )
      ).rows.map(({ seq }) => seq);
    await putNumbers(6);
    await read(async () => {}).stop();
    await removeOld(pool, name, 0);
    expect(await kept()).toHaveLength(6);
    const reader = read(async () => {});
    await expect.poll(waiting, soon).toBe(0);
    await reader.stop();
    await pool.query(
      `update spillway.stream_records set at = now() - interval '25 hours'
       where stream = $1 and seq <= 4`,
      [name],
    );
    await pool.query(
      "update spillway.stream_readers set seq = 3 where stream = $1 and consumer = $2",
      [name, workload],
    );
    await removeOld(pool, name, 24);
    expect(await kept()).toEqual([4, 5, 6]);
    await declareReaders(pool, { streams: {}, tables: {} });
    await removeOld(pool, name, 24);
    expect(await kept()).toEqual([4, 5, 6]);
  });
});
