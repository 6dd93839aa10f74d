import { describe, expect, test } from "vitest";
import { type Host, hosts, place, placementFaults } from "../../planner/index.ts";
import { job, onIdentity, socket, type Workload, workflow } from "../../spec/index.ts";
import { api, consumer, load } from "./workloads.ts";

const minute = 60_000;
const host = (workload: Workload) => place("x", workload).host;

/** Questions and kinds of the reasons against a host, such as "duration limit". */
const against = (workload: Workload, rejected: Host) =>
  place("x", workload)
    .rejected.filter((r) => r.host === rejected)
    .flatMap(({ because }) => because.map(({ question, kind }) => `${question} ${kind}`));

const texts = (workload: Workload) => place("x", workload).because.map(({ text }) => text);

describe("duration", () => {
  const lasting = (ms: number) => consumer({ load: load({ ms: { p50: 10, p99: ms } }) });

  test("up to 30 s a function does it", () => {
    expect(host(lasting(30_000))).toBe("function");
    expect(against(lasting(30_000), "container")).toEqual(["cost advice"]);
  });

  test("over 30 s it goes to a container by advice", () => {
    expect(host(lasting(30_001))).toBe("container");
    expect(against(lasting(30_001), "function")).toEqual(["duration advice"]);
  });

  test("up to 15 min a function is a matter of advice, over it a limit", () => {
    expect(against(lasting(15 * minute), "function")).toEqual(["duration advice"]);
    expect(against(lasting(15 * minute + 1), "function")).toEqual(["duration limit"]);
  });

  test("the reason has both numbers", () => {
    expect(texts(lasting(20 * minute))).toContain(
      "p99 20 min is over the 15 min that a function may run",
    );
  });

  test("the maximum decides where one is declared, however quick the median", () => {
    const rarely = consumer({ load: load({ ms: { p50: 1, p99: 100, max: 16 * minute } }) });
    expect(host(rarely)).toBe("container");
    expect(texts(rarely)).toContain("maximum 16 min is over the 15 min that a function may run");
  });

  test("the mean does not decide", () => {
    const skewed = consumer({ load: load({ ms: { p50: 1, p99: 31_000 } }) });
    expect(host(skewed)).toBe("container");
  });

  test("an http workload over the gateway's 30 s cannot be a function", () => {
    const slow = (ms: number) => api({ load: load({ ms: { p50: 10, p99: ms } }) });
    expect(against(slow(30_001), "function")).toEqual(["duration limit"]);
    expect(place("x", slow(30_001))).toMatchObject({ host: "container", edge: "load-balancer" });
    expect(place("x", slow(30_000))).toMatchObject({ host: "function", edge: "gateway" });
  });

  test("a workflow is judged by its longest step, not by its whole run", () => {
    const saga = (timeoutSeconds: number) =>
      workflow({
        code: "functions/saga",
        steps: [{ name: "a", timeoutSeconds: 1 }],
        compensations: [{ name: "b", timeoutSeconds }],
        load: load({ ms: { p50: 10 * minute, p99: 60 * minute } }),
      });
    expect(host(saga(30))).toBe("function");
    expect(host(saga(31))).toBe("container");
  });
});

describe("traffic shape", () => {
  const steady = (perDay: number) =>
    consumer({ load: load({ perDay, shape: "steady", ms: { p50: 100, p99: 100 } }) });

  test("a steady load that keeps an instance busy all day is baseline", () => {
    expect(host(steady(864_000))).toBe("container");
    expect(against(steady(864_000), "function")).toEqual(["shape advice"]);
  });

  test("below that it is not", () => {
    expect(against(steady(860_000), "function")).not.toContain("shape advice");
  });

  test("requests in bursts get a container with overflow, where a container it must be", () => {
    const bulky = api({ packageMb: 2_000, load: load({ shape: "bursty" }) });
    expect(host(bulky)).toBe("container-with-overflow");
    expect(against(bulky, "container")).toEqual(["shape advice"]);
  });

  test("events in bursts need no overflow: their queue waits", () => {
    const bulky = consumer({ packageMb: 2_000, load: load({ shape: "bursty" }) });
    expect(host(bulky)).toBe("container");
    expect(against(bulky, "container-with-overflow")).toContain("shape limit");
  });

  test("no overflow where the function twin could not do it", () => {
    const held = api({ state: "memory", load: load({ shape: "bursty" }) });
    expect(host(held)).toBe("container");
  });
});

describe("state", () => {
  test.each(["memory", "connections", "disk"] as const)("%s is kept by containers", (state) => {
    expect(host(api({ state }))).toBe("container");
    expect(against(api({ state }), "function")).toEqual(["state limit"]);
  });

  test("sockets are held by containers, reached over the load balancer", () => {
    const chat = socket({ code: "functions/chat", path: "/chat", load: load() });
    expect(place("x", chat)).toMatchObject({ host: "container", edge: "load-balancer" });
  });

  test("a GPU is had on GPU instances alone", () => {
    const model = consumer({ gpu: true });
    expect(host(model)).toBe("gpu-container");
    for (const other of hosts.filter((h) => h !== "gpu-container"))
      expect(against(model, other)).toContain("state limit");
  });

  test("identity hooks are functions", () => {
    const hook = onIdentity({ code: "functions/hook", hooks: ["pre-token"], load: load() });
    expect(host(hook)).toBe("function");
    expect(against(hook, "container")).toContain("state limit");
  });
});

describe("package size", () => {
  const packed = (packageMb: number) => consumer({ packageMb });

  test("up to 250 MB it is a zip", () => expect(host(packed(250))).toBe("function"));

  test("over 250 MB it is an image", () => {
    expect(host(packed(251))).toBe("function-image");
    expect(against(packed(251), "function")).toEqual(["package limit"]);
  });

  test("up to 1 GB an image, over it a container by advice", () => {
    expect(host(packed(1_024))).toBe("function-image");
    expect(host(packed(1_025))).toBe("container");
    expect(against(packed(1_025), "function-image")).toEqual(["package advice"]);
  });

  test("up to 10 GB an image is a matter of advice, over it a limit", () => {
    expect(against(packed(10_240), "function-image")).toEqual(["package advice"]);
    expect(against(packed(10_241), "function-image")).toEqual(["package limit"]);
  });

  test("memory over 10 GB is no function's", () => {
    const hungry = (memoryMb: number) => consumer({ load: load({ memoryMb, perDay: 1 }) });
    expect(against(hungry(10_240), "function")).toEqual([]);
    expect(against(hungry(10_241), "function")).toEqual(["package limit"]);
  });

  test("bodies over 6 MiB are no function's, over 10 MiB they pass the gateway by", () => {
    const MiB = 1_048_576;
    const upload = (maxBodyBytes: number) => place("x", api({ maxBodyBytes }));
    expect(upload(6 * MiB)).toMatchObject({ host: "function", edge: "gateway" });
    expect(upload(6 * MiB + 1)).toMatchObject({ host: "container", edge: "gateway" });
    expect(upload(10 * MiB + 1)).toMatchObject({ host: "container", edge: "load-balancer" });
  });
});

describe("cost", () => {
  test("decides between the hosts that are left", () => {
    const quiet = api({ load: load({ perDay: 1_000 }) });
    const busy = api({ load: load({ perDay: 20_000_000, memoryMb: 1_024 }) });
    expect(host(quiet)).toBe("function");
    expect(against(quiet, "container")).toEqual(["cost advice"]);
    expect(host(busy)).toBe("container");
    expect(against(busy, "function")).toEqual(["cost advice"]);
  });

  test("names what the hosts cost, also of those ruled out before", () => {
    const [text] = place("x", api({ load: load({ perDay: 1_000 }) }))
      .because.filter(({ question }) => question === "cost")
      .map((reason) => reason.text);
    expect(text).toMatch(
      /^function \$0\.0\d, container \$\d+\.\d\d a month at list price; ruled out before: function-image \$0\.0\d/,
    );
  });
});

describe("latency", () => {
  const asked = (p99Ms: number, perDay = 10_000) =>
    api({ latency: { p99Ms }, load: load({ perDay }) });

  test("a p99 of 100 ms or more asks for nothing", () => {
    expect(place("x", asked(100)).concurrency?.provisioned).toBeUndefined();
  });

  test("a p99 under 100 ms asks a function for provisioned instances, and they are paid for", () => {
    const { host, concurrency, monthly } = place("x", asked(99));
    expect(host).toBe("function");
    expect(concurrency?.provisioned).toBe(1);
    expect(monthly.items.map(({ what }) => what)).toContain("1 provisioned instances");
  });

  test("or for a container, where the provisioned instances cost more", () => {
    const common = { load: load({ perDay: 1_500_000, memoryMb: 2_048 }) };
    const host = (workload: Workload) => place("x", workload, { network: "public-ip" }).host;
    const quick = api({ ...common, latency: { p99Ms: 99 } });
    expect(host(api(common))).toBe("function");
    expect(host(quick)).toBe("container");
    expect(place("x", quick, { network: "public-ip" }).because).toContainEqual({
      question: "latency",
      kind: "advice",
      text: "p99 of 99 ms is asked for, under 100 ms, and a cold start takes 114 ms: containers are there already",
    });
  });

  test("an objective below the work itself is said", () => {
    expect(texts(asked(80))).toContain(
      "p99 of 80 ms is asked for, and the load says 90 ms: no host mends that",
    );
  });
});

describe("concurrency", () => {
  // 864,000 a day are 10/s; business hours peak at 3 times that; all take 100 ms.
  const known = load({ perDay: 864_000, ms: { p50: 100, p99: 100 } });

  test("is the peak rate times the duration (Little's law), plus 10 % where provisioned", () => {
    const asked = api({ load: known, latency: { p99Ms: 99 } });
    expect(place("x", asked, { override: "function" }).concurrency).toEqual({
      expected: 3,
      provisioned: 4,
    });
  });

  test("has a cap where a database is behind it: what the throttle lets through", () => {
    const reserved = (perSecond?: number) =>
      place("x", api({ load: known, throttle: perSecond ? { perSecond, burst: 1 } : undefined }), {
        override: "function",
        uses: [{ kind: "sql" }],
        throttlePerSecond: 500,
      }).concurrency?.reserved;
    expect(reserved()).toBe(50);
    expect(reserved(2_000)).toBe(200);
    expect(reserved(1)).toBe(10);
  });

  test("has no cap elsewhere, as a cap turns requests away", () => {
    expect(
      place("x", api({ load: known }), { override: "function", uses: [{ kind: "table" }] })
        .concurrency,
    ).toEqual({ expected: 3 });
  });

  test("belongs to functions, and to the overflow's twin", () => {
    const bulky = api({ packageMb: 2_000, load: load({ shape: "bursty" }) });
    expect(place("x", bulky).concurrency).toBeDefined();
    expect(place("x", consumer({ packageMb: 2_000 })).concurrency).toBeUndefined();
  });
});

describe("what no host can do", () => {
  test("is a job of more than 12 h, at which its message would be delivered beside it", () => {
    const lasting = (hours: number) =>
      job({
        code: "functions/x",
        queue: "inbox",
        load: load({ ms: { p50: minute, p99: 60 * minute, max: hours * 60 * minute } }),
      });
    expect(place("x", lasting(12))).toMatchObject({ host: "container", unmet: [] });
    const placed = place("x", lasting(13));
    expect(placed.host).toBe("container");
    expect(placementFaults([placed])).toEqual([
      'Placement "x": maximum 13 h is over the 12 h for which SQS hides the message of a job; it would run twice at once then; no host can, change the workload',
    ]);
  });

  test("is named in unmet, and nothing throws", () => {
    const hook = onIdentity({
      code: "functions/hook",
      hooks: ["pre-sign-up"],
      load: load({ ms: { p50: 10, p99: 5_001 } }),
    });
    expect(place("x", hook).unmet).toEqual([
      {
        question: "duration",
        kind: "limit",
        text: "p99 5.001 s is over the 5 s in which an identity hook must answer",
      },
    ]);
  });

  test("is nothing for a hook within its 5 s", () => {
    const hook = onIdentity({
      code: "functions/hook",
      hooks: ["pre-sign-up"],
      load: load({ ms: { p50: 10, p99: 5_000 } }),
    });
    expect(place("x", hook).unmet).toEqual([]);
  });
});

describe("an override from stack config", () => {
  const quiet = api({ load: load({ perDay: 1_000 }) });

  test("wins against advice, and is printed with what it costs", () => {
    const placement = place("x", quiet, { override: "container" });
    expect(placement.host).toBe("container");
    expect(placement.because).toContainEqual({
      question: "override",
      kind: "advice",
      text: expect.stringMatching(
        /^stack config asks for container instead of function: \$\d+\.\d\d instead of \$0\.0\d a month, \$\d+\.\d\d more$/,
      ),
    });
    expect(placement.rejected.find((r) => r.host === "function")?.because).toHaveLength(1);
  });

  test("prices the host that it asks for", () => {
    expect(place("x", quiet, { override: "container" }).monthly.items.map((i) => i.what)).toContain(
      "load balancer",
    );
  });

  test("that says what is advised anyway adds nothing", () => {
    expect(place("x", quiet, { override: "function" })).toEqual(place("x", quiet));
  });

  test("against a limit is refused, with the limit and the remedy", () => {
    const report = job({
      code: "functions/report",
      queue: "q",
      load: load({ ms: { p50: 60_000, p99: 1_500_000, max: 3_000_000 } }),
    });
    expect(() => place("report", report, { override: "function" })).toThrow(
      new Error(
        'Placement "report": override "function", but maximum 50 min is over the 15 min that a function may run; use container or change the workload',
      ),
    );
  });

  test("that is no host is refused, with the hosts that there are", () => {
    expect(() => place("x", quiet, { override: "lambda" })).toThrow(
      new Error(
        'Placement "x": override "lambda"; use one of function, function-image, container, container-with-overflow, gpu-container',
      ),
    );
  });
});

describe("an ordered log", () => {
  const reader = (from: object) => {
    const { queue: _, ...rest } = consumer() as Extract<Workload, { kind: "onMessage" }>;
    return { ...rest, ...from } as Workload;
  };

  test.each([{ stream: "clicks" }, { changes: "catalog" }])(
    "of %j is read by a function",
    (from) => {
      expect(host(reader(from))).toBe("function");
      expect(against(reader(from), "container")).toContain("state limit");
    },
  );
});
