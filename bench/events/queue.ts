import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startPostgres } from "../../runtime/adapters/local/postgres.ts";
import { type Bench, ratio, result, shown } from "../result.ts";
import { startChild } from "./child.ts";
import { watch } from "./drained.ts";

const root = path.resolve(import.meta.dirname, "../..");
const messages = 4000;
/** Of the local host: messages that a consumer takes at a time, and works on at a time. */
const batch = 10;
const concurrency = 20;
const bare = { schema: "bare_queues", queue: "bare" };
const hosts = "spillway_queues";

/**
 * `npm start` of a small project against pg-boss by itself, on one database: messages that lie in
 * the queue already, until none is left.
 */
export const queue: Bench = async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "spillway-bench-"));
  const postgres = await startPostgres(path.join(folder, "postgres"));
  const ends: (() => Promise<void>)[] = [];
  try {
    const { pool, url } = postgres;
    const host = await startChild(path.join(root, "cli/spillway.mjs"), ["start"], {
      cwd: path.join(import.meta.dirname, "project"),
      env: { DATABASE_URL: url, PORT: "0", SPILLWAY_DATA: path.join(folder, "data") },
    });
    ends.push(host.stop);
    const boss = await startChild(
      path.join(import.meta.dirname, "bare-queue.ts"),
      [bare.schema, bare.queue, `${batch}`, `${concurrency / batch}`],
      { env: { DATABASE_URL: url } },
    );
    ends.push(boss.stop);
    const watched = async (schema: string, name: string) => {
      const one = await watch(pool, schema, name);
      ends.push(one.close);
      return one;
    };
    const plain = await watched(hosts, "plain");
    const marked = await watched(hosts, "marked");
    const alone = await watched(bare.schema, bare.queue);

    const idle = () => plain.drained(messages);
    const ours = await ratio(5, idle, () => alone.drained(messages, () => boss.tell("go")));
    const once = await ratio(3, () => marked.drained(messages), idle);
    return [
      result("queue: npm start / bare pg-boss", ours.ratio, "ratio", ">=", 0.8),
      shown("queue: npm start", ours.a, "messages/s"),
      shown("queue: bare pg-boss", ours.b, "messages/s"),
      shown("queue: effect-once / no-op handler", once.ratio, "ratio"),
      shown("queue: effect-once", once.a, "messages/s"),
    ];
  } finally {
    await Promise.all(ends.map((end) => end()));
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};
