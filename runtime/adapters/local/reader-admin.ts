import type { Pool, PoolClient } from "pg";
import { queue as queueSpec } from "../../../spec/index.ts";
import type { Json, QueueAdmin, StreamRecord, TableChange } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { asDb, type Boss, deadLettersOf, payloadOf, schema } from "./boss.ts";
import { guarded } from "./postgres-faults.ts";
import { queueAdmin } from "./queue.ts";
import type { SetAside } from "./reading.ts";
import { append } from "./stream.ts";
import { inTransaction } from "./transaction.ts";

/** A reader's failure queue is of dead letters alone: nothing is ever delivered from it. */
const options = queueSpec();

/** Puts what a workload could not take into its dead letters, as they list it. */
export const deadLettersInto =
  ({ workload, boss }: { readonly workload: string; readonly boss: Boss }): SetAside =>
  async (client, body, reason) => {
    await boss.ready(workload, options);
    const letter = { data: payloadOf(body, reason) };
    await boss.boss.insert(deadLettersOf(workload), [letter], { db: asDb(client) });
  };

interface Source {
  /** How many records the workload has not read yet. */
  waiting(pool: Pool): Promise<number>;
  /** Puts a dead letter back, behind all others. */
  again(client: PoolClient, body: Json): Promise<void>;
}

/**
 * What operators see and do of a workload that reads a stream.
 * @param options.partitions as the stream has it
 */
export const streamReaderAdmin = ({
  stream,
  workload,
  boss,
  partitions = 4,
}: {
  readonly stream: string;
  readonly workload: string;
  readonly boss: Boss;
  readonly partitions?: number;
}): QueueAdmin =>
  readerAdmin(workload, boss, {
    waiting: (pool) =>
      count(
        pool,
        `select sum(head - coalesce(seq, 0))::float as count from spillway.stream_shards shard
         left join spillway.stream_readers reader
           on reader.stream = shard.stream and reader.shard = shard.shard and consumer = $2
         where shard.stream = $1`,
        [stream, workload],
      ),
    async again(client, letter) {
      const { key, body } = letter as unknown as StreamRecord;
      const records = [{ key, text: JSON.stringify(body) }];
      await append(client, { stream, partitions, records });
    },
  });

/** What operators see and do of a workload that reads a table's changes. */
export const changesReaderAdmin = ({
  table,
  workload,
  boss,
}: {
  readonly table: string;
  readonly workload: string;
  readonly boss: Boss;
}): QueueAdmin =>
  readerAdmin(workload, boss, {
    waiting: (pool) =>
      count(pool, "select count(*)::float from spillway.changes where tbl = $1 and consumer = $2", [
        table,
        workload,
      ]),
    async again(client, letter) {
      const { id, key, before, after, at } = letter as unknown as TableChange;
      const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
      await client.query(
        `insert into spillway.changes (tbl, consumer, shard, id, pk, sk, before, after, at)
         values ($1, $2, spillway.shard_of($4, $5), $3, $4, $5, $6, $7, $8)`,
        [table, workload, id, key.pk, key.sk, json(before), json(after), at],
      );
    },
  });

async function count(pool: Pool, sql: string, values: readonly string[]): Promise<number> {
  const { rows } = await pool.query<{ count: number | null }>(sql, [...values]);
  return rows[0]?.count ?? 0;
}

function readerAdmin(workload: string, boss: Boss, source: Source): QueueAdmin {
  const fault = faultsOf("workload", workload);
  const own = queueAdmin({ name: workload, boss, options });
  const dead = deadLettersOf(workload);
  return {
    ...own,
    async depth() {
      const [depth, waiting] = await Promise.all([
        own.depth(),
        guarded(fault, () => source.waiting(boss.pool)),
      ]);
      return { ...depth, waiting };
    },
    async redrive(id) {
      const found = await guarded(fault, () =>
        inTransaction(boss.pool, async (client) => {
          const { rows } = await client.query<{ id: string; body: string }>(
            `select id, data ->> 'body' as body from ${schema}.job
             where name = $1 and id::text = $2 and state < 'active' for update`,
            [dead, id],
          );
          const [letter] = rows;
          if (!letter) return false;
          await boss.boss.deleteJob(dead, letter.id, { db: asDb(client) });
          await source.again(client, JSON.parse(letter.body) as Json);
          return true;
        }),
      );
      if (!found)
        throw fault(
          "not-found",
          `no dead letter ${JSON.stringify(id.slice(0, 40))}; list them anew`,
        );
    },
  };
}
