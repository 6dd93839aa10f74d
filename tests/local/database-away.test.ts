import { readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { lab, start, temporary } from "./harness.ts";

/** A host, and the process id of its Postgres. */
async function hostWithPostgres() {
  const { folder, remove } = temporary();
  const host = await start(lab, folder);
  onTestFinished(async () => {
    host.child.kill("SIGKILL");
    remove();
  });
  const data = path.join(folder, "postgres/data");
  const pid = () => Number(readFileSync(path.join(data, "postmaster.pid"), "utf8").split("\n")[0]);
  return { host, data, pid };
}

test("a Postgres that is killed comes back, and queues go on beside what was stored", async () => {
  const { host, pid } = await hostWithPostgres();
  const send = async (id: string) => (await host.post("/notes/jobs", { id, ms: 1 })).status;
  const done = async () => (await host.state()).tables[0]?.items.map(({ pk }) => pk).toSorted();
  const patient = { timeout: 30_000 };
  expect(await send("before")).toBe(202);
  await expect.poll(done, patient).toEqual(["JOB#before"]);
  process.kill(pid(), "SIGKILL");
  await expect.poll(host.log, patient).toContain("takes connections again");
  await expect.poll(() => send("after"), patient).toBe(202);
  await expect.poll(done, patient).toEqual(["JOB#after", "JOB#before"]);
  expect(host.log()).toContain("its server has ended by itself (SIGKILL); it is started again");
  expect(await host.end()).toBe(0);
});

test("SIGTERM while it cannot be started ends by itself, with exit code 1", async () => {
  const { host, data, pid } = await hostWithPostgres();
  expect((await host.post("/notes/jobs", { id: "open", ms: 500 })).status).toBe(202);
  const server = pid();
  renameSync(data, `${data}.away`);
  process.kill(server, "SIGKILL");
  await expect.poll(host.log, { timeout: 30_000 }).toContain("it is tried again in");
  expect(await host.end()).toBe(1);
  expect(host.log()).toMatch(/was away at the stop|the database does not answer/);
});
