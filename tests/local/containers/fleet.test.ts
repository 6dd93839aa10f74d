import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fleet, type JsonState, type Started, start, temporary } from "../harness.ts";

const containerOf = ({ workloads }: JsonState, name: string) => {
  const container = workloads.find((one) => one.name === name)?.container;
  if (!container) throw new Error(`workload ${name} has no processes of its own`);
  return container;
};
const healthy = (state: JsonState, name: string) =>
  containerOf(state, name).replicas.filter(({ status }) => status === "healthy");

/** What runs on this machine, by its process id: the parent's id and the command. */
const processes = () =>
  new Map(
    execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map((line) => {
        const [, pid, parent, command = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
        return [Number(pid), { parent: Number(parent), command }] as const;
      }),
  );

describe("workloads on containers", () => {
  const data = temporary();
  let host: Started;
  beforeAll(async () => {
    host = await start(fleet, data.folder, {
      // One request at a time; without a function the others wait.
      SPILLWAY_ADMISSION: JSON.stringify({ floor: 1, ceiling: 1, waiting: 100, waitMs: 5_000 }),
      SPILLWAY_REPLICAS: "burst=1",
    });
  });
  afterAll(async () => {
    await host?.end("SIGKILL");
    data.remove();
  });
  const get = async (route: string) => {
    const response = await fetch(host.url + route);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test("have processes of their own, with the image's command in a folder laid out like it", async () => {
    const state = await host.state();
    const all = processes();
    for (const [name, count] of [
      ["web", 2],
      ["burst", 1],
      ["jobs", 1],
    ] as const) {
      const replicas = healthy(state, name);
      expect(replicas).toHaveLength(count);
      for (const { pid = 0 } of replicas) {
        expect(all.get(pid)?.parent).toBe(host.child.pid);
        expect(all.get(pid)?.command).toMatch(new RegExp(`node workloads/${name}/index\\.mjs$`));
      }
    }
    const { body } = await get("/who");
    expect(path.dirname(String(body.cwd))).toBe(
      realpathSync(path.join(data.folder, "programs/web")),
    );
    const ports = healthy(state, "web").map(({ port }) => port);
    expect(new Set(ports).size).toBe(2);
  });

  test("share the requests", async () => {
    const pids = healthy(await host.state(), "web").map(({ pid }) => pid);
    const seen = await Promise.all(Array.from({ length: 8 }, () => get("/who")));
    expect(new Set(seen.map(({ body }) => body.pid))).toEqual(new Set(pids));
  });

  test("see a request as it was sent, with the client's address and the gateway's id", async () => {
    const response = await fetch(`${host.url}/echo?a=%20b`, {
      method: "POST",
      body: "x".repeat(500_000),
      headers: { "x-forwarded-for": "192.0.2.1", "x-amzn-trace-id": "forged" },
    });
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).toEqual({
      requestId: response.headers.get("x-request-id"),
      clientIp: "127.0.0.1",
      target: "/echo?a=%20b",
      forwarded: "192.0.2.1, 127.0.0.1",
      bytes: 500_000,
    });
    expect(body.requestId).not.toBe("forged");
  });

  test("work on a queue", async () => {
    expect((await host.post("/jobs", { id: "j-1" })).status).toBe(202);
    const state = await host.until(({ tables }) =>
      tables.some(({ items }) => items.some(({ pk }) => pk === "JOB")),
    );
    const done = state.tables[0]?.items.find(({ pk }) => pk === "JOB");
    expect(done?.document).toEqual({ pid: healthy(state, "jobs")[0]?.pid });
  });

  test("spill into the function what they cannot hold", async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => get("/burst/300")));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const hosts = answers.map(({ body }) => body.host);
    expect(hosts).toContain("container");
    expect(hosts).toContain("function");
    const spilled = hosts.filter((one) => one === "function").length;
    const state = await host.until((now) => containerOf(now, "burst").spilled === spilled);
    const burst = containerOf(state, "burst");
    expect(burst).toMatchObject({ admitted: 4 - spilled, refused: 0, inFlight: 0 });
    expect(burst.spilledShare).toBeCloseTo(spilled / 4);
  });

  test("that do not come up are failed with the reason, and started again later each time", async () => {
    const state = await host.until((now) =>
      now.workloads.some(
        ({ name, container }) =>
          name === "faulty" && container?.replicas.every(({ restarts }) => restarts > 0),
      ),
    );
    expect(state.workloads.find(({ name }) => name === "faulty")).toMatchObject({
      status: "failed",
      reason: "there is no licence here",
    });
    expect(await get("/faulty")).toMatchObject({
      status: 503,
      body: { code: "unavailable", detail: "No replica is healthy: there is no licence here" },
    });
    for (const seconds of [1, 2])
      expect(host.log()).toContain(
        `workload "faulty": there is no licence here; it is started again in ${seconds} s`,
      );
  });

  test("lose no answered request when one is killed, and have another in its place", async () => {
    const before = healthy(await host.state(), "web");
    const [victim] = before;
    const answered: string[] = [];
    let failed = 0;
    let on = true;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let n = 0; on; n++) {
        const id = `k-${writer}-${n}`;
        const response = await host.post("/notes", { id });
        if (response.status === 201) answered.push(id);
        // Its end is not known: it may have been stored.
        else if ([502, 503].includes(response.status)) failed += 1;
        else throw new Error(`status ${response.status}`);
      }
    });
    await sleep(300);
    process.kill(victim?.pid ?? 0, "SIGKILL");
    const state = await host.until((now) => {
      const able = healthy(now, "web");
      return able.length === 2 && able.every(({ pid }) => pid !== victim?.pid);
    });
    on = false;
    await Promise.all(writers);
    expect(
      containerOf(state, "web")
        .replicas.map(({ restarts }) => restarts)
        .toSorted(),
    ).toEqual([0, 1]);
    expect(failed).toBeLessThanOrEqual(4);
    expect(answered.length).toBeGreaterThan(0);
    // Beside them the job's document, and what was stored without an answer.
    const totalOf = ({ tables }: JsonState) => tables[0]?.total ?? 0;
    const total = totalOf(await host.until((now) => totalOf(now) > answered.length));
    expect(total).toBeLessThanOrEqual(answered.length + 1 + failed);
  });

  test("answer what they have begun when the host is told to stop, and end with it", async () => {
    const pids = (await host.state()).workloads.flatMap(
      ({ container }) => container?.replicas.map(({ pid = 0 }) => pid) ?? [],
    );
    const last = get("/wait/1500");
    await host.until((now) => containerOf(now, "web").inFlight === 1);
    expect(await host.end()).toBe(0);
    expect(await last).toMatchObject({ status: 200, body: { version: "one" } });
    expect(pids.filter((pid) => processes().has(pid))).toEqual([]);
  });
});

test("replicas end by themselves where their host is killed", async () => {
  const data = temporary();
  const host = await start(fleet, data.folder);
  try {
    const pids = (await host.state()).workloads.flatMap(
      ({ container }) => container?.replicas.map(({ pid = 0 }) => pid) ?? [],
    );
    expect(pids.length).toBeGreaterThan(4);
    await host.end("SIGKILL");
    await expect
      .poll(() => pids.filter((pid) => processes().has(pid)), { timeout: 20_000 })
      .toEqual([]);
  } finally {
    await host.end("SIGKILL");
    data.remove();
  }
});
