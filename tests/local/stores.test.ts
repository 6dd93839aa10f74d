import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { copyOf, type Started, start, temporary } from "./harness.ts";

const fixture = path.join(import.meta.dirname, "fixtures/stores");

describe("a database and a cache on this machine", () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  const folder = () => {
    const made = temporary();
    ends.push(made.remove);
    return made.folder;
  };
  const started = async (project: string, data: string) => {
    const host = await start(project, data);
    ends.push(() => host.end("SIGKILL"));
    return host;
  };
  const get = async (host: Started, route: string) => (await fetch(host.url + route)).json();

  test("serve the workloads, across processes, and keep what was answered over kill -9", async () => {
    const data = folder();
    const host = await started(fixture, data);
    const { workloads } = await host.state();
    expect(workloads.map(({ name, status, host: on }) => [name, status, on])).toEqual([
      ["orders", "running", expect.any(String)],
      ["ships", "running", "container"],
    ]);
    for (const [index, id] of ["a", "b"].entries()) {
      const answer = await host.post("/orders", { id });
      expect([answer.status, await answer.json()]).toEqual([201, { count: index + 1 }]);
    }
    expect((await host.post("/orders", { id: "a" })).status).toBe(409);
    const shipped = ["a", "b"].map((id) => ({ id, shipped: true }));
    await expect.poll(() => get(host, "/orders"), { timeout: 20_000 }).toEqual(shipped);
    await expect.poll(() => get(host, "/heard"), { timeout: 20_000 }).toHaveLength(2);
    const heard = (await get(host, "/heard")) as string[];
    expect(heard.map((line) => line.split(" ")[0]).toSorted()).toEqual(["a", "b"]);
    expect(heard.every((line) => !line.endsWith(` ${host.child.pid}`))).toBe(true);
    await host.end("SIGKILL");

    const again = await started(fixture, data);
    expect(await get(again, "/orders")).toEqual(shipped);
    expect((await again.post("/orders", { id: "c" })).status).toBe(201);
    expect(await again.end()).toBe(0);
  });

  test("say which migration fails, and let the rest of the system run", async () => {
    const { folder: project, remove } = await copyOf(fixture);
    ends.push(remove);
    const migration = path.join(project, "functions/orders/migrations/0002-broken.sql");
    await writeFile(migration, "select * from nowhere");
    const host = await started(project, folder());
    const answer = (await get(host, "/orders")) as { detail: string };
    expect(answer.detail).toMatch(
      /^sql "ledger": migration 0002-broken\.sql fails: relation "nowhere"/,
    );
    expect(host.log()).toContain('workload "orders": sql "ledger": migration 0002-broken.sql');
    expect((await fetch(`${host.url}/_spillway/api/state`)).status).toBe(200);
  });
});
