/**
 * A process that reads a stream, for tests that end it from outside:
 * `DATABASE_URL=… node stream-program.ts <stream> <consumer>`.
 * It prints the shard and the sequence of each record that it is given.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "pg";
import { streamReader } from "../../../runtime/adapters/local/stream-reader.ts";

const [name = "", consumer = ""] = process.argv.slice(2);
const pool = new Pool({ connectionString: process.env.DATABASE_URL });
pool.on("error", () => {});
streamReader({
  name,
  consumer,
  pool,
  batch: 7,
  retentionHours: 24,
  async handler({ shard, records }) {
    // Unbuffered on Linux and macOS: what was printed has been read or can be.
    for (const { sequence } of records) process.stdout.write(`${shard} ${sequence}\n`);
    await sleep(3);
  },
  setAside: async () => {},
  onTrouble: () => {},
});
