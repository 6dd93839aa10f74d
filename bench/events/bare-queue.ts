/**
 * pg-boss by itself: `bare-queue.ts <schema> <queue> <batch> <loops>`, the database in DATABASE_URL.
 * At each line of its input it takes what the queue holds, until nothing is left.
 */
import { createInterface } from "node:readline";
import { PgBoss } from "pg-boss";

const [schema, name = "", batch, loops] = process.argv.slice(2);
const connectionString = process.env.DATABASE_URL;
const boss = new PgBoss({ connectionString, schema, schedule: false });
boss.on("error", (error) => console.error(error));
await boss.start();
await boss.createQueue(name);

async function empty(): Promise<void> {
  for (;;) {
    const jobs = await boss.fetch(name, { batchSize: Number(batch) });
    if (jobs.length === 0) return;
    await boss.complete(
      name,
      jobs.map(({ id }) => id),
    );
  }
}

process.once("SIGTERM", () => process.exit(0));
console.log("ready");
for await (const _ of createInterface(process.stdin))
  await Promise.all(Array.from({ length: Number(loops) }, empty));
