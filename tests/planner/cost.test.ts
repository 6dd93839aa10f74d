import { describe, expect, test } from "vitest";
import {
  awsUsEast1,
  type CostOptions,
  costOf,
  demandOf,
  explain,
  type Host,
  monthHours,
  type PriceList,
  place,
  priced,
  taskSize,
  totalOf,
} from "../../planner/index.ts";
import { job, type Workload } from "../../spec/index.ts";
import { api, consumer, load } from "./workloads.ts";

const perDay = (perMonth: number) => perMonth / (monthHours / 24);

const item = (host: Host, workload: Workload, what: string, options?: CostOptions) =>
  costOf(host, workload, options).items.find((i) => i.what === what)?.amount;
const whats = (host: Host, workload: Workload, options?: CostOptions) =>
  costOf(host, workload, options).items.map(({ what }) => what);

describe("prices", () => {
  test("every price has an amount or is unknown, a unit, a page, and when it was checked", () => {
    expect(Object.keys(awsUsEast1.prices).sort()).toEqual([...priced].sort());
    for (const price of Object.values(awsUsEast1.prices)) {
      expect(price.amount === "unknown" || price.amount > 0).toBe(true);
      expect(price.unit).not.toBe("");
      expect(price.source).toMatch(/^https:\/\/aws\.amazon\.com\//);
      expect(price.checked).toMatch(/^(20\d\d(-\d\d(-\d\d)?)?|undated), .+|^never$/);
    }
  });

  test("the list has its region, its currency and its date", () => {
    expect(awsUsEast1).toMatchObject({ region: "us-east-1", currency: "USD" });
    expect(awsUsEast1.date).toMatch(/^20\d\d-\d\d-\d\d$/);
  });
});

describe("a function", () => {
  // AWS's own example: 3 million requests of 120 ms at 1,536 MB on x86 cost $2.73 a month.
  const example = consumer({
    load: load({ perDay: perDay(3e6), ms: { p50: 120, p99: 120 }, memoryMb: 1_536 }),
  });

  test("costs what AWS's own example says, once the free tier is taken off", () => {
    const { items, freeTier } = costOf("function", example, { architecture: "x86_64" });
    const billed = items.filter(({ what }) => what.startsWith("function"));
    const free = freeTier.filter(({ what }) => what.startsWith("function"));
    expect(Number(totalOf(billed)) - Number(totalOf(free))).toBeCloseTo(2.73, 2);
  });

  test("shows the free tier apart, and does not subtract it", () => {
    const { amount, items, freeTier } = costOf("function", example);
    expect(amount).toBe(totalOf(items));
    expect(freeTier.map(({ what, quantity }) => [what, quantity])).toEqual([
      ["function calls", 1],
      ["function time", 400_000],
      ["logs", expect.closeTo(3, 6)],
    ]);
  });

  test("costs less on arm64", () => {
    const time = (architecture: "arm64" | "x86_64") =>
      Number(item("function", example, "function time", { architecture }));
    expect(time("arm64") / time("x86_64")).toBeCloseTo(0.8, 3);
  });

  test("pays the gateway for requests, and not for events", () => {
    const busy = api({ load: load({ perDay: perDay(5e6) }) });
    expect(item("function", busy, "requests through the gateway")).toBeCloseTo(5);
    expect(whats("function", consumer())).not.toContain("requests through the gateway");
  });

  test("pays NAT where it joins the network for a database or a cache", () => {
    expect(whats("function", api(), { uses: [{ kind: "table" }] })).not.toContain("NAT gateway");
    for (const kind of ["sql", "cache"] as const)
      expect(whats("function", api(), { uses: [{ kind }] })).toContain("NAT gateway");
  });

  test("on provisioned instances pays for them all month, and less for its time", () => {
    const { items } = costOf("function", example, {}, 2);
    const kept = items.find(({ what }) => what === "2 provisioned instances");
    expect(kept?.quantity).toBe(2 * 1.5 * 730 * 3600);
    expect(items.find(({ what }) => what === "function time")?.price).toBe(0.0000077778);
  });
});

describe("a container", () => {
  const quiet = consumer({ load: load({ perDay: 100, memoryMb: 512 }) });

  test("of the smallest size costs the $9 a month that Fargate's guides say for x86", () => {
    const { items } = costOf("container", quiet, { architecture: "x86_64" });
    expect(totalOf(items.filter(({ what }) => what.startsWith("tasks")))).toBeCloseTo(9.01, 2);
  });

  test("that answers requests has two tasks and a share of the load balancer", () => {
    const whole = item("container", api(), "load balancer");
    expect(whole).toBeCloseTo(730 * 0.0225);
    const sharing = { loadBalancer: 3, nat: 1 };
    const third = item("container", api(), "load balancer, shared by 3", { sharing });
    expect(Number(third) * 3).toBeCloseTo(Number(whole));
    expect(whats("container", api())).toContain("tasks, 2 on average, CPU");
  });

  test("that consumes has one task and no load balancer", () => {
    expect(whats("container", quiet)).toContain("tasks, 1 on average, CPU");
    expect(whats("container", quiet)).not.toContain("load balancer");
  });

  test("pays for public addresses instead of NAT where the network says so", () => {
    const paid = whats("container", quiet, { network: "public-ip" });
    expect(paid).toContain("public addresses");
    expect(paid).not.toContain("NAT gateway");
  });

  test("of a job is paid for each run", () => {
    const report = job({
      code: "functions/report",
      queue: "q",
      load: load({ perDay: perDay(100), ms: { p50: 36_000, p99: 36_000 }, memoryMb: 2_048 }),
    });
    const cpu = costOf("container", report).items.find(({ what }) => what.endsWith("CPU"));
    expect(cpu).toMatchObject({
      what: "a task for each run, CPU",
      quantity: expect.closeTo(100 * 0.01 * 0.25),
    });
  });

  test("with overflow pays tasks for the everyday and a function for the peak", () => {
    const bursty = api({ load: load({ perDay: 5e6, shape: "bursty", memoryMb: 512 }) });
    const tasks = (host: Host) =>
      Number(costOf(host, bursty).items.find(({ what }) => what.endsWith("CPU"))?.amount);
    expect(tasks("container-with-overflow")).toBeLessThan(tasks("container") / 4);
    // Half of a bursty load lies in its peak; what exceeds the everyday level overflows.
    const calls = costOf("container-with-overflow", bursty).items.find(
      ({ what }) => what === "overflow function calls",
    );
    expect(calls?.quantity).toBeCloseTo((5 * 730 * (0.5 - (0.05 * 0.5) / 0.95)) / 24, 3);
  });

  test.each([
    [512, 0.25, 512],
    [513, 0.25, 513],
    [2_048, 0.25, 2_048],
    [2_049, 0.5, 2_049],
    [9_000, 2, 9_000],
    [122_880, 16, 122_880],
  ])("for %d MB is a Fargate size that allows it", (memoryMb, vCpu, mb) => {
    expect(taskSize(memoryMb)).toEqual({ vCpu, memoryMb: mb });
  });
});

describe("what is unknown", () => {
  const without: PriceList = {
    ...awsUsEast1,
    prices: {
      ...awsUsEast1.prices,
      "function requests": { amount: "unknown", unit: "million", source: "", checked: "never" },
    },
  };

  test("makes the sum unknown, never 0", () => {
    const cost = costOf("function", consumer(), { prices: without });
    expect(cost.amount).toBe("unknown");
    expect(cost.items.find(({ what }) => what === "function calls")?.amount).toBe("unknown");
    expect(cost.items.find(({ what }) => what === "function time")?.amount).toBeGreaterThan(0);
  });

  test("is said where cost cannot decide", () => {
    const lines = explain(place("x", consumer(), { prices: without }));
    expect(lines[0]).toBe("x: function, cost unknown");
    expect(lines.join("\n")).toContain("so cost cannot decide");
    expect(lines.join("\n")).toContain("at an unknown price a million");
  });

  test("is a GPU with more memory than the priced instance", () => {
    const model = (memoryMb: number) => consumer({ gpu: true, load: load({ memoryMb }) });
    expect(costOf("gpu-container", model(16_384)).amount).toBeGreaterThan(700);
    expect(costOf("gpu-container", model(16_385)).amount).toBe("unknown");
  });
});

describe("demand", () => {
  test.each(["steady", "business-hours", "bursty", "rare"] as const)(
    "of a %s load averages to what was declared",
    (shape) => {
      const d = demandOf(load({ perDay: 86_400, shape }));
      expect(d.perSecond).toBe(1);
      expect(d.peakTime * d.peakPerSecond + (1 - d.peakTime) * d.restPerSecond).toBeCloseTo(1);
    },
  );

  test("takes durations as log-normal between the percentiles, and at most p99", () => {
    const mean = (p50: number, p99: number) => demandOf(load({ ms: { p50, p99 } })).meanSeconds;
    expect(mean(100, 100)).toBeCloseTo(0.1);
    expect(mean(40, 200)).toBeCloseTo(0.0508, 4);
    expect(mean(1, 1_000_000)).toBe(1_000);
  });
});
