import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ServiceState } from "../../../local/containers/service.ts";
import type { WorkloadState } from "../../../local/state.ts";
import { contrasts, launch, openPage, type Served, serveDashboard } from "./served.ts";

const since = new Date("2026-11-21T09:00:00Z");
const workload = (name: string, kind: string): WorkloadState => ({
  name,
  kind,
  trigger: "1 route",
  status: "running",
  host: "container-with-overflow",
  because: [],
});
const quiet = { inFlight: 0, admitted: 0, spilled: 0, refused: 0, spilledShare: 0 };
const replica = { status: "healthy", since, restarts: 0, inFlight: 0 } as const;

const busy: ServiceState = {
  status: "running",
  replicas: [
    { ...replica, pid: 4001, port: 40_001, inFlight: 3 },
    { ...replica, pid: 4002, port: 40_002, status: "draining", restarts: 2 },
  ],
  inFlight: 3,
  admitted: 1_200,
  spilled: 300,
  refused: 4,
  spilledShare: 0.2,
};
const failed: ServiceState = {
  ...quiet,
  status: "failed",
  reason: '<img src=x onerror="document.title=1">',
  replicas: [{ ...replica, pid: 4003, status: "ended", restarts: 7 }],
};
const built: ServiceState = { ...quiet, status: "failed", reason: "no", replicas: [] };

describe("workloads with processes of their own", () => {
  let states: ReadonlyMap<string, ServiceState> = new Map();
  let served: Served;
  let browser: Browser;
  beforeAll(async () => {
    const workloads = [
      workload("busy", "http"),
      workload("live", "socket"),
      workload("down", "onMessage"),
    ];
    const fixed = { system: "lab", url: "", startedAt: since, routes: [], workloads };
    [served, browser] = await Promise.all([
      serveDashboard({ fixed, containers: () => states }),
      launch(),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
  });
  afterEach(() => {
    states = new Map();
  });

  test("are in the state, with what the placement says of them", async () => {
    states = new Map([
      ["busy", busy],
      ["down", built],
    ]);
    await expect
      .poll(async () => (await served.state()).workloads)
      .toMatchObject([
        {
          name: "busy",
          status: "running",
          host: "container-with-overflow",
          container: {
            inFlight: 3,
            spilled: 300,
            spilledShare: 0.2,
            replicas: [{ pid: 4001 }, {}],
          },
        },
        { name: "live" },
        { name: "down", status: "failed", reason: "no", container: { replicas: [] } },
      ]);
  });

  test("are shown with their replicas and with what went where", async () => {
    states = new Map([["busy", busy]]);
    const { page, complaints } = await openPage(browser, served.url);
    const card = page.locator("#container-list article", { hasText: "busy" });
    await card.waitFor();
    const figures = await card.locator("dl div").allInnerTexts();
    expect(figures.map((text) => text.split(/\s*\n\s*/))).toEqual([
      ["In flight", "3"],
      ["Admitted", "1,200"],
      ["Refused", "4"],
      ["Spilled", "300 20 % now"],
    ]);
    const rows = await card.locator("tbody tr").allInnerTexts();
    expect(rows.map((text) => text.split(/\s*\t\s*/).slice(0, 5))).toEqual([
      ["4001", "healthy", "40001", "3", "0"],
      ["4002", "draining", "40002", "0", "2"],
    ]);
    expect(await page.locator("#count-containers").innerText()).toBe("1/2");
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("of sockets are shown with how many are open", async () => {
    states = new Map([
      ["live", { ...busy, replicas: [{ ...replica, pid: 4003, port: 40_003, inFlight: 3 }] }],
    ]);
    const { page, complaints } = await openPage(browser, served.url);
    const card = page.locator("#container-list article", { hasText: "live" });
    await card.waitFor();
    const figures = await card.locator("dl div").allInnerTexts();
    expect(figures.map((text) => text.split(/\s*\n\s*/))).toEqual([["Open sockets", "3"]]);
    expect(await card.locator("th").allInnerTexts()).toContain("Open sockets");
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("that do not run say why, as text", async () => {
    states = new Map([["down", failed]]);
    const { page, complaints } = await openPage(browser, served.url);
    const card = page.locator("#container-list article", { hasText: "down" });
    await card.getByText('<img src=x onerror="document.title=1">').waitFor();
    await card.getByText("0 of 1 healthy").waitFor();
    expect(await card.locator("dl").count()).toBe(0);
    expect(await contrasts(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("are left out where there are none", async () => {
    const { page } = await openPage(browser, served.url);
    expect(await page.locator("#containers").isVisible()).toBe(false);
    expect(await page.locator("#count-containers").isVisible()).toBe(false);
    await page.close();
  });
});
