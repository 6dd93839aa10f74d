import { expect, test } from "vitest";
import { replicasOf } from "../../local/replicas.ts";
import { StartFault } from "../../local/settings.ts";
import { type Host, placeAll } from "../../planner/index.ts";
import {
  cache,
  defineSystem,
  http,
  identity,
  onMessage,
  queue,
  socket,
  stream,
  workflow,
} from "../../spec/index.ts";

const load = { perDay: 1, shape: "steady", ms: { p50: 1, p99: 2 }, memoryMb: 128 } as const;
const routes = (path: string) => ({ code: `functions${path}`, routes: [`GET ${path}`], load });
const system = defineSystem({
  name: "lab",
  stores: { live: cache() },
  channels: { jobs: queue(), facts: stream() },
  services: { users: identity() },
  workloads: {
    steady: http(routes("/steady")),
    spilling: http(routes("/spilling")),
    small: http(routes("/small")),
    signIn: http({ ...routes("/sign-in"), uses: { users: "sign-in" } }),
    work: onMessage({ code: "functions/work", queue: "jobs", load }),
    reads: onMessage({ code: "functions/reads", stream: "facts", load }),
    talk: socket({ code: "functions/talk", path: "/talk", uses: { live: "read-write" }, load }),
    saga: workflow({ code: "functions/saga", steps: [{ name: "only", timeoutSeconds: 5 }], load }),
  },
});
const overrides: Readonly<Record<string, Host>> = {
  steady: "container",
  spilling: "container-with-overflow",
  small: "function",
  signIn: "container",
  work: "gpu-container",
  talk: "container",
  saga: "container",
};
const placed = placeAll(system, { overrides });

test("what answers on a port has two, what a queue feeds has one", () => {
  expect(Object.fromEntries(replicasOf(system, placed))).toEqual({
    steady: 2,
    spilling: 2,
    work: 1,
    talk: 2,
  });
});

test("a number is for all that answer on a port, a workload's own goes before", () => {
  const counts = replicasOf(system, placed, { listening: 3, byName: { work: 4, talk: 1 } });
  expect(Object.fromEntries(counts)).toEqual({ steady: 3, spilling: 3, work: 4, talk: 1 });
});

test.each(["small", "saga", "nobody"])("replicas of %s are refused: it has no process", (name) => {
  expect(() => replicasOf(system, placed, { byName: { [name]: 2 } })).toThrow(
    new StartFault(
      `start "SPILLWAY_REPLICAS": workload "${name}" has no process of its own; use one of steady, spilling, work, talk`,
    ),
  );
});
