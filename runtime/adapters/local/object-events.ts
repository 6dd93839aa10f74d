import { randomUUID } from "node:crypto";
import type { Pool } from "pg";
import type { Queue as QueueSpec } from "../../../spec/index.ts";
import type { ObjectStored } from "../../ports/index.ts";
import { asDb, type Boss, payloadOf } from "./boss.ts";
import { limited } from "./limited.ts";
import { inTransaction } from "./transaction.ts";

/** A queue that hears of the objects under a prefix. */
export interface ObjectSubscriber {
  readonly prefix: string;
  readonly queue: string;
  readonly options: QueueSpec;
}

export interface ObjectEventsArgs {
  /** Of the object store. */
  readonly name: string;
  readonly pool: Pool;
  readonly boss: Boss;
  readonly subscribers: readonly ObjectSubscriber[];
}

/** Writes at a time: those of one key wait for each other, and should not hold every connection. */
const atOnce = 8;

type Stored = Pick<ObjectStored, "key" | "bytes" | "etag">;

export interface ObjectEvents {
  /**
   * Stores by `write` and tells the subscribers of the key: neither is answered without the other.
   * Writes of one key come one after the other, so that the later event is of the later object.
   * @param write gives false where nothing was stored, of which nobody is told
   */
  storing(object: Stored, write: () => Promise<boolean>): Promise<boolean>;
  /**
   * Tells of what was stored by a process that died before it could.
   * @param etagOf the object of a key as it is stored now
   */
  recover(etagOf: (key: string) => Promise<string | undefined>): Promise<void>;
}

/**
 * Files know no transactions: what is going to be stored is noted first, and told with the note's
 * removal. A note that is left means that a process died between the two.
 */
export function objectEvents(args: ObjectEventsArgs): ObjectEvents {
  const { name, pool, boss, subscribers } = args;
  const slots = limited(atOnce);
  const of = (key: string) => subscribers.filter(({ prefix }) => key.startsWith(prefix));

  const tell = async (client: Parameters<typeof asDb>[0], { key, bytes, etag }: Stored) => {
    const { rows } = await client.query<{ version: string }>(
      "select lpad(nextval('spillway.object_versions')::text, 40, '0') as version",
    );
    const event: ObjectStored = { key, bytes, etag, version: rows[0]?.version ?? "" };
    for (const { queue } of of(key))
      await boss.boss.insert(
        queue,
        [{ id: randomUUID(), data: payloadOf(JSON.stringify(event)) }],
        {
          db: asDb(client),
        },
      );
  };
  const settled = async (id: string, object: Stored, write: () => Promise<boolean>) => {
    for (const { queue, options } of of(object.key)) await boss.ready(queue, options);
    const stored = await slots(() =>
      inTransaction(pool, async (client) => {
        await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [
          JSON.stringify([name, object.key]),
        ]);
        const done = await write();
        await client.query("delete from spillway.object_notes where id = $1", [id]);
        if (done) await tell(client, object);
        return done;
      }),
    );
    if (stored) for (const { queue } of of(object.key)) boss.news.emit(queue);
    return stored;
  };

  return {
    async storing(object, write) {
      if (of(object.key).length === 0) return write();
      const id = randomUUID();
      const { key, bytes, etag } = object;
      await pool.query(
        "insert into spillway.object_notes (id, store, key, bytes, etag) values ($1, $2, $3, $4, $5)",
        [id, name, key, bytes, etag],
      );
      return settled(id, object, write);
    },
    async recover(etagOf) {
      const { rows } = await pool.query<Stored & { id: string }>(
        "select id, key, bytes::float8 as bytes, etag from spillway.object_notes where store = $1 order by noted_at",
        [name],
      );
      for (const { id, ...object } of rows)
        await settled(id, object, async () => (await etagOf(object.key)) === object.etag);
    },
  };
}
