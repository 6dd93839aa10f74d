import path from "node:path";
import { pathToFileURL } from "node:url";
import { openBoss } from "../runtime/adapters/local/boss.ts";
import { startPostgres } from "../runtime/adapters/local/postgres.ts";
import { startConsumer } from "../runtime/entries/ecs/consumer.ts";
import type { System } from "../spec/index.ts";
import { openAdapters } from "./adapters.ts";
import { consumerOf } from "./triggers.ts";
import { loadWorkload } from "./workloads.ts";

/**
 * One workload's process on this machine: `node local/container.ts <workload>`, started by its
 * host. Drains and ends at SIGTERM, and when the host is gone.
 */
const [name = ""] = process.argv.slice(2);
const root = process.cwd();
const { SPILLWAY_DATA: folder = "", SPILLWAY_URL: url = "" } = process.env;
const stop = new Promise<void>((resolve) => {
  for (const signal of ["SIGTERM", "SIGINT", "disconnect"] as const)
    process.once(signal as "SIGTERM", () => resolve());
});

const { system } = (await import(pathToFileURL(path.join(root, "system.ts")).href)) as {
  system: System;
};
// The host's own, by DATABASE_URL: nothing is started here.
const postgres = await startPostgres(path.join(folder, "postgres"));
const boss = await openBoss(postgres.pool);
const adapters = await openAdapters({
  system,
  root,
  boss,
  pool: postgres.pool,
  databaseUrl: postgres.url,
  folder,
  url,
  hooks: {},
});
const loaded = await loadWorkload(name, { system, root, adapters });
if (loaded.status !== "running" || loaded.run.kind !== "queue") {
  console.error(`workload "${name}": ${"reason" in loaded ? loaded.reason : "no queue starts it"}`);
  process.exit(1);
}
const { source, handler } = loaded.run;
const consumer = startConsumer({ ...consumerOf(system, name, source, boss), handler });
await stop;
const left = await consumer.stop();
await adapters.close();
await boss.stop();
await postgres.stop();
process.exit(left === 0 ? 0 : 1);
