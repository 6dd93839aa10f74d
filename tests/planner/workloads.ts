import fc from "fast-check";
import {
  type Http,
  http,
  job,
  type Load,
  onIdentity,
  onMessage,
  onObject,
  onSchedule,
  socket,
  type Workload,
  workflow,
} from "../../spec/index.ts";

/** A small, quick, quiet load; parts may be changed. */
export const load = (parts: Partial<Load> = {}): Load => ({
  perDay: 10_000,
  shape: "business-hours",
  ms: { p50: 20, p99: 90 },
  memoryMb: 256,
  ...parts,
});

/** An HTTP workload that is fine anywhere; parts may be changed. */
export const api = (parts: Partial<Http> = {}): Http =>
  http({ code: "functions/api", routes: ["GET /"], load: load(), ...parts });

/** A consumer that is fine anywhere. */
export const consumer = (parts: Partial<Parameters<typeof onMessage>[0]> = {}): Workload =>
  onMessage({ code: "functions/consumer", queue: "inbox", load: load(), ...parts });

const figure = (max: number) =>
  fc.double({ min: 0.001, max, noNaN: true, noDefaultInfinity: true });

const anyLoad: fc.Arbitrary<Load> = fc
  .record({
    perDay: figure(1e9),
    shape: fc.constantFrom("steady", "business-hours", "bursty", "rare"),
    p50: figure(5_000),
    tail: fc.double({ min: 1, max: 1_000, noNaN: true }),
    over: fc.option(fc.double({ min: 1, max: 10, noNaN: true }), { nil: undefined }),
    memoryMb: figure(200_000),
  })
  .map(({ perDay, shape, p50, tail, over, memoryMb }) => {
    const p99 = p50 * tail;
    return {
      perDay,
      shape,
      ms: { p50, p99, max: over === undefined ? undefined : p99 * over },
      memoryMb,
    };
  });

/** Any workload that `defineSystem` accepts, as far as placement looks at it. */
export const anyWorkload: fc.Arbitrary<Workload> = fc
  .record({
    code: fc.constant("functions/x"),
    load: anyLoad,
    state: fc.constantFrom("none", "memory", "connections", "disk", undefined),
    packageMb: fc.option(figure(20_000), { nil: undefined }),
    gpu: fc.option(fc.boolean(), { nil: undefined }),
    latency: fc.option(fc.record({ p99Ms: figure(1_000) }), { nil: undefined }),
  })
  .chain((common) =>
    fc.oneof(
      fc
        .option(figure(20_000_000), { nil: undefined })
        .map((maxBodyBytes) => http({ ...common, routes: ["GET /"], maxBodyBytes })),
      fc.constant(onMessage({ ...common, queue: "q" })),
      fc.constant(onObject({ ...common, store: "s", prefix: "p/" })),
      fc.constant(onSchedule({ ...common, cron: "0 6 * * *" })),
      fc.constant(onIdentity({ ...common, hooks: ["pre-token"] })),
      fc.constant(socket({ ...common, path: "/s" })),
      fc.constant(job({ ...common, queue: "q" })),
      figure(3_000).map((timeoutSeconds) =>
        workflow({ ...common, steps: [{ name: "a", timeoutSeconds }] }),
      ),
    ),
  );
