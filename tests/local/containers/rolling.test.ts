import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyOf, fleet, type JsonState, type Started, start, temporary } from "../harness.ts";

const pidsOf = ({ workloads }: JsonState, name: string) =>
  workloads
    .find((one) => one.name === name)
    ?.container?.replicas.map(({ pid }) => pid)
    .toSorted();

describe("changed code", () => {
  const data = temporary();
  let project: Awaited<ReturnType<typeof copyOf>>;
  let host: Started;
  beforeAll(async () => {
    project = await copyOf(fleet);
    host = await start(project.folder, data.folder, { SPILLWAY_WATCH: "on" });
  });
  afterAll(async () => {
    await host?.end("SIGKILL");
    await project?.remove();
    data.remove();
  });
  const save = (file: string, text: string) => writeFile(path.join(project.folder, file), text);
  const saveVersion = (version: string) =>
    save("functions/web/version.ts", `export const version = ${JSON.stringify(version)};\n`);
  const version = async () => {
    const response = await fetch(`${host.url}/who`);
    return ((await response.json()) as { version: string }).version;
  };
  /** Until each replica says it. */
  const everywhere = (wanted: string) =>
    expect
      .poll(async () => new Set(await Promise.all([version(), version(), version(), version()])), {
        timeout: 60_000,
      })
      .toEqual(new Set([wanted]));

  test("takes the place of what runs, without a request that fails, and of nothing else", async () => {
    const before = await host.state();
    const statuses = new Map<number, number>();
    const seen = new Set<string>();
    let on = true;
    const clients = Array.from({ length: 4 }, async (_, client) => {
      for (let n = 0; on; n++) {
        const response =
          n % 2 === 0
            ? await fetch(`${host.url}/wait/20`)
            : await host.post("/notes", { id: `r-${client}-${n}` });
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        const body = (await response.json()) as { version?: string };
        if (body.version) seen.add(body.version);
      }
    });
    await saveVersion("two");
    await everywhere("two");
    // The last of the old ones has drained by then, too.
    const after = await host.until((state) => pidsOf(state, "web")?.length === 2, 60);
    on = false;
    await Promise.all(clients);
    expect([...statuses.keys()].toSorted()).toEqual([200, 201]);
    expect(seen).toEqual(new Set(["one", "two"]));
    expect(pidsOf(after, "web")?.some((pid) => pidsOf(before, "web")?.includes(pid))).toBe(false);
    for (const other of ["burst", "jobs"])
      expect(pidsOf(after, other)).toEqual(pidsOf(before, other));
  });

  test("that cannot be built is told in one line, and what ran before goes on", async () => {
    const before = await host.state();
    await save("functions/web/version.ts", "export const version = ;\n");
    const { workloads } = await host.until(({ workloads: all }) =>
      all.some(({ name, reason }) => name === "web" && reason !== undefined),
    );
    expect(workloads.find(({ name }) => name === "web")).toMatchObject({
      status: "running",
      reason: 'it cannot be built: functions/web/version.ts:1: Unexpected ";"',
    });
    const lines = host.log().split("\n");
    expect(lines.filter((line) => line.includes("cannot be built"))).toEqual([
      'workload "web": it cannot be built: functions/web/version.ts:1: Unexpected ";"; what ran before goes on',
    ]);
    expect(await version()).toBe("two");
    expect(pidsOf(await host.state(), "web")).toEqual(pidsOf(before, "web"));
    await saveVersion("two");
    await host.until(({ workloads: all }) =>
      all.every(({ name, reason }) => name !== "web" || reason === undefined),
    );
    expect(pidsOf(await host.state(), "web")).toEqual(pidsOf(before, "web"));
  });

  test("that does not start is told in one line, and what ran before goes on", async () => {
    const before = await host.state();
    const text = 'export const version = process.pid > 0 ? fail() : "";\n';
    await save(
      "functions/web/version.ts",
      `${text}function fail(): string {\n  throw new Error("not today");\n}\n`,
    );
    await host.until(({ workloads }) =>
      workloads.some(({ name, reason }) => name === "web" && reason?.includes("not today")),
    );
    expect(host.log()).toContain(
      'workload "web": its new code does not start: not today; what ran before goes on',
    );
    expect(await version()).toBe("two");
    expect(pidsOf(await host.state(), "web")).toEqual(pidsOf(before, "web"));
  });

  test("brings up what could not start", async () => {
    await save(
      "functions/faulty/index.ts",
      'import { createApp } from "../../../../../../runtime/http/app.ts";\n' +
        'export const create = () => createApp().get("/faulty", (c) => c.text("mended"));\n',
    );
    await expect
      .poll(async () => (await fetch(`${host.url}/faulty`)).text(), { timeout: 60_000 })
      .toBe("mended");
    const { workloads } = await host.until(({ workloads: all }) =>
      all.every(({ status }) => status === "running"),
    );
    expect(workloads.find(({ name }) => name === "faulty")?.reason).toBeUndefined();
  });

  test("of the declaration takes a start, which is said", async () => {
    await save(
      "system.ts",
      'export { system } from "../../../../tests/local/fixtures/fleet/system.ts";\n',
    );
    await expect
      .poll(() => host.log(), { timeout: 30_000 })
      .toContain("system.ts: it has changed; start again for it to count");
  });
});
