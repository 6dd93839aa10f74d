/**
 * A process that owns a database, for tests that end it from outside:
 * `node owner.ts <folder> hold | send | leave`.
 * It prints a line when it is ready, and for `send` the id of each message that was answered.
 */
import { openBoss } from "../../../runtime/adapters/local/boss.ts";
import { migrate, startPostgres } from "../../../runtime/adapters/local/postgres.ts";
import { queue } from "../../../runtime/adapters/local/queue.ts";

const [folder = "", task = ""] = process.argv.slice(2);
const postgres = await startPostgres(folder);
await migrate(postgres.pool);
if (task === "send") {
  const boss = await openBoss(postgres.pool);
  const options = { maxReceives: 5, visibilitySeconds: 30, maxBytes: 262_144 };
  const { send } = queue({ name: "inbox", boss, options });
  // Unbuffered on Linux and macOS: what was printed has been read or can be.
  const worker = async () => {
    for (;;) process.stdout.write(`${(await send({ text: "x".repeat(200) })).id}\n`);
  };
  await Promise.all(Array.from({ length: 50 }, worker));
}
process.stdout.write("ready\n");
if (task === "leave") process.exit(0);
setInterval(() => {}, 60_000);
