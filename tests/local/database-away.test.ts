import { readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { lab, start, storefront, temporary } from "./harness.ts";

/** A host, and the process id of its Postgres. */
async function hostWithPostgres(system = lab) {
  const { folder, remove } = temporary();
  const host = await start(system, folder);
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

test("under a load of orders no process ends with it, and what was answered is there", async () => {
  const { host, pid } = await hostWithPostgres(storefront);
  const credentials = { email: "ada@example.com", password: "Analytical-Engine-1" };
  await host.post("/api/auth/sign-up", credentials);
  const code = /\b\d{6}\b/.exec((await host.state()).mails[0]?.text ?? "")?.[0];
  await host.post("/api/auth/confirm", { email: credentials.email, code });
  const signedIn = await host.post("/api/auth/sign-in", credentials);
  const { accessToken } = (await signedIn.json()) as { accessToken: string };
  const headers = { authorization: `Bearer ${accessToken}` };

  const answered = new Set<string>();
  const over = new AbortController();
  let orders = 0;
  const customer = async () => {
    while (!over.signal.aborted) {
      const key = { ...headers, "idempotency-key": `k-${++orders}` };
      const wish = { items: [{ sku: "print-a4", quantity: 1 }], email: credentials.email };
      const answer = await host.post("/api/v1/orders", wish, key);
      const { id } = (await answer.json()) as { id: string };
      if (answer.status === 201) answered.add(id);
      else await wait(20);
    }
  };
  const customers = Array.from({ length: 16 }, customer);
  for (let kills = 0; kills < 4; kills++) {
    const before = answered.size;
    await expect.poll(() => answered.size, { timeout: 30_000 }).toBeGreaterThan(before + 20);
    const server = pid();
    process.kill(server, "SIGKILL");
    await expect.poll(pid, { timeout: 30_000 }).not.toBe(server);
  }
  const before = answered.size;
  await expect.poll(() => answered.size, { timeout: 30_000 }).toBeGreaterThan(before + 20);
  over.abort();
  await Promise.all(customers);

  for (const id of answered) {
    const found = await fetch(`${host.url}/api/v1/orders/${id}`, { headers });
    expect(found.status).toBe(200);
  }
  expect(host.log()).not.toMatch(/Unhandled|its process ended/);
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
