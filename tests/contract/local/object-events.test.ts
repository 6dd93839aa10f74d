import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Boss, openBoss } from "../../../runtime/adapters/local/boss.ts";
import { objectEvents } from "../../../runtime/adapters/local/object-events.ts";
import { objectStore } from "../../../runtime/adapters/local/object-store.ts";
import type { Postgres } from "../../../runtime/adapters/local/postgres.ts";
import { queueConsumer } from "../../../runtime/adapters/local/queue.ts";
import type { ObjectStored } from "../../../runtime/ports/index.ts";
import { queue as queueSpec } from "../../../spec/index.ts";
import { temporaryDatabase } from "./database.ts";
import { temporaryFolder } from "./folder.ts";

let postgres: Postgres;
let boss: Boss;
beforeAll(async () => {
  postgres = await temporaryDatabase();
  boss = await openBoss(postgres.pool);
});
afterAll(async () => {
  await boss.stop();
  await postgres.stop();
});

let made = 0;
/** A store of its own, whose uploads/ a queue of its own hears of. */
async function shop() {
  const name = `media${++made}`;
  const { folder, remove } = await temporaryFolder();
  const options = queueSpec();
  const subscribers = [{ prefix: "uploads/", queue: name, options }];
  const events = { pool: postgres.pool, boss, subscribers };
  const signing = { base: "http://127.0.0.1/_objects/x", key: async () => "a secret" };
  const open = () => objectStore({ name, folder, signing, events });
  /** The same files, of which nobody is told. */
  const silent = () => objectStore({ name, folder, signing });
  const consumer = queueConsumer({ name, boss, options });
  const told = async () => {
    const all: ObjectStored[] = [];
    for (;;) {
      const deliveries = await consumer.receive(10, 0);
      if (deliveries.length === 0) return all;
      for (const { message, done } of deliveries) {
        all.push(message.body as unknown as ObjectStored);
        await done();
      }
    }
  };
  return { name, remove, open, silent, told, events };
}

type Shop = Awaited<ReturnType<typeof shop>>;

describe("objects as they are stored", () => {
  it("are told of with key, size, etag and version, under the prefix alone", async () => {
    const { open, told, remove } = await shop();
    const store = open();
    await store.put("uploads/ä+ %.png", "abc");
    await store.put("processed/a.png", "abc");
    const etag = (await store.get("uploads/ä+ %.png"))?.etag;
    expect(await told()).toEqual([
      { key: "uploads/ä+ %.png", bytes: 3, etag, version: expect.stringMatching(/^\d{40}$/) },
    ]);
    await remove();
  });

  it("have rising versions, and the last event of a key is of what is stored", async () => {
    const { open, told, remove } = await shop();
    const store = open();
    await Promise.all(Array.from({ length: 20 }, (_, n) => store.put("uploads/a", `${n}`)));
    const events = (await told()).sort((a, b) => (a.version < b.version ? -1 : 1));
    expect(events).toHaveLength(20);
    expect(new Set(events.map(({ version }) => version)).size).toBe(20);
    expect(events.at(-1)?.etag).toBe((await store.get("uploads/a"))?.etag);
    await remove();
  });

  it("are not told of where ifAbsent kept them from being stored", async () => {
    const { open, told, remove } = await shop();
    const store = open();
    await store.put("uploads/a", "1", { ifAbsent: true });
    await expect(store.put("uploads/a", "2", { ifAbsent: true })).rejects.toThrow("exists");
    expect(await told()).toHaveLength(1);
    await remove();
  });

  describe("of a process that died between file and database", () => {
    /** Its note is there; its file as the test has it. */
    const died = async ({ name, events }: Shop, object: Omit<ObjectStored, "version">) => {
      const dying = objectEvents({ ...events, name }).storing(object, () => {
        throw new Error("killed");
      });
      await expect(dying).rejects.toThrow("killed");
    };

    it("are told of, once, at the next start", async () => {
      const one = await shop();
      await one.silent().put("uploads/a", "whole");
      const { key, bytes, etag } = (await one.silent().get("uploads/a")) ?? never();
      await died(one, { key, bytes, etag });
      expect(await one.told()).toEqual([]);
      await one.open().recover();
      await one.open().recover();
      expect(await one.told()).toMatchObject([{ key, bytes, etag }]);
      await one.remove();
    });

    it("are not told of where they were not stored, or are another one by now", async () => {
      const one = await shop();
      await one.silent().put("uploads/b", "another");
      for (const key of ["uploads/a", "uploads/b"]) await died(one, { key, bytes: 1, etag: "x" });
      await one.open().recover();
      expect(await one.told()).toEqual([]);
      await one.remove();
    });
  });
});

const never = (): never => {
  throw new Error("it was stored");
};
