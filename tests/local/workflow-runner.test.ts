import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import type { Pool } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  startWorkflowRunner,
  type WorkflowRunner,
  type WorkflowRunnerOptions,
  type WorkflowTrouble,
} from "../../local/workflow-runner.ts";
import type { Postgres } from "../../runtime/adapters/local/postgres.ts";
import { workflow } from "../../runtime/adapters/local/workflow.ts";
import { openPool } from "../../runtime/adapters/pool.ts";
import type { StepHandlers } from "../../runtime/entries/steps.ts";
import { PortError } from "../../runtime/ports/index.ts";
import type { Saga } from "../../spec/index.ts";
import { temporaryDatabase } from "../contract/local/database.ts";

const limit = { timeoutSeconds: 60 };
const two: Saga = {
  steps: [
    { name: "first", ...limit },
    { name: "second", ...limit },
  ],
};
const forever = () => new Promise<never>(() => {});

describe("a workflow runner", () => {
  let postgres: Postgres;
  const runners: WorkflowRunner[] = [];
  const pools: Pool[] = [];
  beforeAll(async () => {
    postgres = await temporaryDatabase();
    await postgres.pool.query("create table public.calls (workflow text, step text)");
  });
  afterEach(async () => {
    await Promise.all(runners.splice(0).map((runner) => runner.stop()));
    await Promise.all(pools.splice(0).map((pool) => pool.end()));
  });
  afterAll(() => postgres?.stop());

  /** Another process, as far as the database can tell. */
  const otherPool = () => {
    const pool = openPool({ connectionString: postgres.url });
    pools.push(pool);
    return pool;
  };
  const newName = () => `saga-${randomUUID()}`;
  const run = (
    name: string,
    saga: Saga,
    steps: StepHandlers,
    more: Partial<WorkflowRunnerOptions> = {},
  ) => {
    const troubles: WorkflowTrouble[] = [];
    const { pool = postgres.pool } = more;
    const options = { name, workflow: saga, steps, pool, graceMs: 100, ...more };
    const runner = startWorkflowRunner({ onTrouble: (one) => troubles.push(one), ...options });
    runners.push(runner);
    return { ...runner, port: workflow({ name, pool }), troubles };
  };
  const until = async <T>(ask: () => Promise<T> | T, holds: (answer: T) => boolean): Promise<T> => {
    for (const end = Date.now() + 30_000; Date.now() < end; ) {
      const answer = await ask();
      if (holds(answer)) return answer;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error("it did not come within 30 s");
  };
  type Port = ReturnType<typeof workflow>;
  const ended = (port: Port, id: string) =>
    until(
      () => port.status(id),
      (one) => one !== undefined && one.status !== "running",
    );
  const row = async (name: string) => {
    const { rows } = await postgres.pool.query<{ owner: string | null; wait: number }>(
      `select owner::text, extract(epoch from wake_at - clock_timestamp())::float8 as wait
       from spillway.executions where workflow = $1`,
      [name],
    );
    return rows[0];
  };

  it("forgets what ended 90 days ago, and nothing younger", async () => {
    const name = newName();
    await postgres.pool.query(
      `insert into spillway.executions (workflow, id, input, status, ended_at)
       select $1, id, '{}', status, now() - days * interval '1 day'
       from (values ('old', 'done', 91), ('young', 'stuck', 89)) as one (id, status, days)`,
      [name],
    );
    const { port } = run(name, two, { first: async () => null, second: async () => null });
    await until(
      () => port.status("old"),
      (status) => status === undefined,
    );
    expect(await port.status("young")).toMatchObject({ status: "stuck" });
  });

  it("wants a handler for each step and compensation", () => {
    const saga = { ...two, compensations: [{ name: "undo", ...limit }], onFailure: "undo" };
    const steps = { first: async () => null, second: async () => null };
    expect(() => run("saga", saga, steps)).toThrow(
      'workflow "saga": create returns nothing named undo; return a handler for each step',
    );
  });

  it("goes on after kill -9 in the middle of a step, with that step", async () => {
    const name = newName();
    const program = path.join(import.meta.dirname, "fixtures/workflow/process.ts");
    const child = spawn(process.execPath, [program, postgres.url, name], { stdio: "inherit" });
    const port = workflow({ name, pool: postgres.pool });
    await port.start("a", { order: 7 });
    const calls = async () => {
      const { rows } = await postgres.pool.query<{ step: string }>(
        "select step from public.calls where workflow = $1",
        [name],
      );
      return rows.map(({ step }) => step);
    };
    await until(calls, (steps) => steps.includes("second"));
    child.kill("SIGKILL");
    await once(child, "exit");

    const contexts: unknown[] = [];
    run(name, two, {
      first: async (context) => void contexts.push(["first", context]),
      second: async (context) => void contexts.push(["second", context]),
    });
    expect(await ended(port, "a")).toMatchObject({ status: "done" });
    expect(await calls()).toEqual(["first", "second"]);
    expect(contexts).toEqual([
      ["second", { id: "a", input: { order: 7 }, results: { first: "kept" } }],
    ]);
  });

  it("takes over where the other's connection is lost, and what that one finds is dropped", async () => {
    const name = newName();
    const gate = Promise.withResolvers<string>();
    let calls = 0;
    run(
      name,
      two,
      {
        first: async () => {
          calls++;
          return gate.promise;
        },
        second: forever,
      },
      { pool: otherPool() },
    );
    const { port } = run(name, two, { first: async () => "mine", second: async () => null });
    const elsewhere = workflow({ name, pool: pools[0] as Pool });
    // Whichever takes it: until it is the first one's, try with another execution.
    const id = await until(
      async () => {
        const one = `run-${randomUUID()}`;
        await elsewhere.start(one, {});
        await until(
          async () => calls > 0 || (await port.status(one))?.status === "done",
          (isTaken) => isTaken,
        );
        return calls > 0 ? one : "";
      },
      (one) => one !== "",
    );
    await postgres.pool.query(
      `select pg_terminate_backend(pid) from pg_locks
       where locktype = 'advisory' and objsubid = 1
         and ((classid::bigint << 32) | objid::bigint) =
           (select owner from spillway.executions where workflow = $1 and id = $2)`,
      [name, id],
    );
    expect(await ended(port, id)).toMatchObject({ status: "done" });
    gate.resolve("too late");
    const { rows } = await postgres.pool.query(
      "select history from spillway.executions where workflow = $1 and id = $2",
      [name, id],
    );
    expect(rows[0]?.history).toMatchObject([{ step: "first", result: "mine" }, { step: "second" }]);
  });

  it("shares executions with other processes, each with one of them", async () => {
    const name = newName();
    const calls: string[] = [];
    const steps = {
      first: async ({ id }: { readonly id: string }) => void calls.push(`${id} first`),
      second: async ({ id }: { readonly id: string }) => void calls.push(`${id} second`),
    };
    const { port } = run(name, two, steps);
    run(name, two, steps, { pool: otherPool() });
    run(name, two, steps, { pool: otherPool() });
    const ids = Array.from({ length: 100 }, (_, n) => `run-${n}`);
    await Promise.all(ids.map((id) => port.start(id, {})));
    for (const id of ids) expect((await ended(port, id))?.status).toBe("done");
    expect(calls.toSorted()).toEqual(ids.flatMap((id) => [`${id} first`, `${id} second`]).sort());
  });

  it("stores a wait, and goes on with it after a restart", async () => {
    const name = newName();
    const retry = { attempts: 1, backoffSeconds: 200, factor: 1 };
    const saga: Saga = { steps: [{ name: "first", ...limit, retry }] };
    let calls = 0;
    const steps = {
      first: async () => {
        if (++calls === 1) throw new PortError("unavailable", "busy");
      },
    };
    const before = run(name, saga, steps);
    await before.port.start("a", {});
    const waiting = await until(
      () => row(name),
      (one) => (one?.wait ?? 0) > 100,
    );
    expect(waiting).toMatchObject({ owner: null });
    await before.stop();

    const { port, executions } = run(name, saga, steps);
    expect((await executions(1))[0]?.steps).toEqual([
      {
        name: "first",
        kind: "step",
        state: "running",
        tries: 1,
        reason: "busy",
        nextTryAt: expect.any(Date),
      },
    ]);
    await run(newName(), two, { first: async () => null, second: async () => null }).stop();
    expect(calls).toBe(1);
    const left = (await row(name))?.wait ?? 0;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(waiting?.wait ?? 0);
    await postgres.pool.query(
      "update spillway.executions set wake_at = clock_timestamp() where workflow = $1",
      [name],
    );
    expect(await ended(port, "a")).toMatchObject({ status: "done" });
    expect(calls).toBe(2);
  });

  it("waits no longer than was declared where the clock was set back", async () => {
    const name = newName();
    const { port } = run(name, two, { first: async () => null, second: async () => null });
    await postgres.pool.query(
      `insert into spillway.executions (workflow, id, input, wake_at)
       values ($1, 'a', '{}', clock_timestamp() + interval '1 hour')`,
      [name],
    );
    expect(await ended(port, "a")).toMatchObject({ status: "done" });
  });

  it("fails a try that ended its process five times, instead of ending a sixth", async () => {
    const name = newName();
    await postgres.pool.query(
      `insert into spillway.executions (workflow, id, input, begun) values ($1, 'a', '{}', 5)`,
      [name],
    );
    let calls = 0;
    const deadly = async () => void calls++;
    const { port, troubles } = run(name, two, { first: deadly, second: deadly });
    expect(await ended(port, "a")).toMatchObject({
      status: "compensated",
      failed: { step: "first", reason: "the process ended 5 times while it was at work" },
    });
    expect(calls).toBe(0);
    expect(troubles).toMatchObject([{ execution: "a", step: "first" }]);
  });

  it("has no more tries under way than allowed, and none that only wait", async () => {
    const name = newName();
    const saga: Saga = {
      steps: [
        { name: "first", ...limit, retry: { attempts: 1, backoffSeconds: 300, factor: 1 } },
        { name: "second", ...limit },
      ],
    };
    let busy = 0;
    let most = 0;
    const full = Promise.withResolvers<void>();
    const { port, executions } = run(
      name,
      saga,
      {
        first: async ({ input }) => {
          if (input.waits) throw new PortError("unavailable", "later");
          most = Math.max(most, ++busy);
          if (busy === 3) full.resolve();
          await full.promise;
          busy--;
        },
        second: async () => null,
      },
      { concurrency: 3 },
    );
    for (let n = 0; n < 6; n++) await port.start(`waits-${n}`, { waits: true });
    const ids = Array.from({ length: 20 }, (_, n) => `run-${n}`);
    await Promise.all(ids.map((id) => port.start(id, {})));
    for (const id of ids) expect((await ended(port, id))?.status).toBe("done");
    expect(most).toBe(3);
    const all = await executions(100);
    expect(all.filter(({ status }) => status === "running")).toHaveLength(6);
  });

  it("lets a try end when it is stopped, and goes on from there at the next start", async () => {
    const name = newName();
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<string>();
    const calls: string[] = [];
    const first = async () => {
      calls.push("first");
      begun.resolve();
      return gate.promise;
    };
    const second = async () => void calls.push("second");
    const before = run(name, two, { first, second }, { graceMs: 20_000 });
    await before.port.start("a", {});
    await begun.promise;
    const stopped = before.stop();
    gate.resolve("in time");
    await stopped;
    expect(calls).toEqual(["first"]);
    const { port } = run(name, two, { first, second });
    expect(await ended(port, "a")).toMatchObject({ status: "done" });
    expect(calls).toEqual(["first", "second"]);
  });

  it("leaves a try that does not end in time to the next start", async () => {
    const name = newName();
    const begun = Promise.withResolvers<void>();
    const steps = {
      first: () => {
        begun.resolve();
        return forever();
      },
      second: async () => null,
    };
    const before = run(name, two, steps, { graceMs: 10 });
    await before.port.start("a", {});
    await begun.promise;
    await before.stop();
    expect(await row(name)).toMatchObject({ owner: null });
    const { port } = run(name, two, { ...steps, first: async () => null });
    expect(await ended(port, "a")).toMatchObject({ status: "done" });
  });

  it("drops what a try finds that was given up", async () => {
    const name = newName();
    const gate = Promise.withResolvers<string>();
    let calls = 0;
    const retry = { attempts: 1, backoffSeconds: 1, factor: 1 };
    const saga: Saga = {
      steps: [{ name: "first", timeoutSeconds: 5, retry }, ...two.steps.slice(1)],
    };
    const results: unknown[] = [];
    const { port } = run(
      name,
      saga,
      {
        first: async () => (++calls === 1 ? gate.promise : "in time"),
        second: async (context) => {
          gate.resolve("too late");
          results.push(context.results);
        },
      },
      { millis: (seconds) => (seconds === 5 ? 20 : seconds === 60 ? 60_000 : 1) },
    );
    await port.start("a", {});
    expect(await ended(port, "a")).toMatchObject({ status: "done" });
    expect(results).toEqual([{ first: "in time" }]);
  });

  it("keeps what a handler does to its context from the next one", async () => {
    const name = newName();
    const seen: unknown[] = [];
    const { port } = run(name, two, {
      first: async ({ input }) => {
        (input as Record<string, unknown>).order = "changed";
        return { seat: "7a" };
      },
      second: async (context) => void seen.push(context),
    });
    await port.start("a", { order: 7 });
    await ended(port, "a");
    expect(seen).toEqual([{ id: "a", input: { order: 7 }, results: { first: { seat: "7a" } } }]);
  });

  it("notes a try's end where the database does not answer at first", async () => {
    const name = newName();
    const { pool } = postgres;
    let refusals = 2;
    const calls: string[] = [];
    const flaky = new Proxy(pool, {
      get(target, key) {
        const value = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        if (key !== "query") return value.bind(target);
        return (text: string, values: unknown[]) =>
          /set history/.test(text) && refusals-- > 0
            ? Promise.reject(new Error("the connection was reset"))
            : target.query(text, values);
      },
    });
    const { port, troubles } = run(
      name,
      two,
      {
        first: async () => void calls.push("first"),
        second: async () => void calls.push("second"),
      },
      { pool: flaky },
    );
    await port.start("a", {});
    expect(await ended(port, "a")).toMatchObject({ status: "done" });
    expect(calls).toEqual(["first", "second"]);
    expect(troubles.map(({ error }) => String(error))).toEqual(
      Array(2).fill("Error: the connection was reset"),
    );
  });

  describe("shows", () => {
    const saga: Saga = {
      steps: [
        { name: "book", ...limit, compensate: "unbook" },
        { name: "pay", ...limit, compensate: "refund" },
        { name: "confirm", ...limit },
      ],
      compensations: [
        { name: "unbook", ...limit },
        { name: "refund", ...limit, retry: { attempts: 0, backoffSeconds: 1, factor: 1 } },
        { name: "tell", ...limit },
      ],
      onFailure: "tell",
    };
    const nothing = Object.fromEntries(
      [...saga.steps, ...(saga.compensations ?? [])].map(({ name }) => [name, async () => null]),
    );
    const refuse = (reason: string) => async () => {
      throw new PortError("denied", reason);
    };
    const told = (views: Awaited<ReturnType<WorkflowRunner["executions"]>>) =>
      views.map(({ status, steps }) => [
        status,
        ...steps.map(({ name, kind, state }) => `${kind} ${name}: ${state}`),
      ]);

    it("where an execution is", async () => {
      const begun = Promise.withResolvers<void>();
      const pay = () => {
        begun.resolve();
        return forever();
      };
      const { port, executions } = run(newName(), saga, { ...nothing, pay });
      await port.start("a", {});
      await begun.promise;
      expect(told(await executions(10))).toEqual([
        [
          "running",
          "step book: done",
          "step pay: running",
          "step confirm: pending",
          "compensation unbook: pending",
          "compensation refund: pending",
          "onFailure tell: pending",
        ],
      ]);
    });

    it("what was done, undone and not needed, in its order, the newest execution first", async () => {
      const pay = async ({ input }: { readonly input: { readonly [key: string]: unknown } }) => {
        if (input.declined) return refuse("card declined")();
        return null;
      };
      const { port, executions } = run(newName(), saga, { ...nothing, pay: pay as never });
      await port.start("a", {});
      await ended(port, "a");
      await port.start("b", { declined: true });
      await ended(port, "b");
      expect(told(await executions(10))).toEqual([
        [
          "compensated",
          "step book: compensated",
          "step pay: failed",
          "compensation refund: done",
          "compensation unbook: done",
          "onFailure tell: done",
          "step confirm: skipped",
        ],
        [
          "done",
          "step book: done",
          "step pay: done",
          "step confirm: done",
          "compensation unbook: skipped",
          "compensation refund: skipped",
          "onFailure tell: skipped",
        ],
      ]);
      expect(await executions(1)).toMatchObject([
        {
          id: "b",
          input: { declined: true },
          startedAt: expect.any(Date),
          endedAt: expect.any(Date),
          failed: { step: "pay", reason: "card declined" },
        },
      ]);
    });

    it("why it is stuck", async () => {
      const steps = { ...nothing, pay: refuse("card declined"), refund: refuse("no such charge") };
      const { port, executions } = run(newName(), saga, steps);
      await port.start("a", {});
      await ended(port, "a");
      const [view] = await executions(1);
      expect(view?.status).toBe("stuck");
      expect(view?.steps.filter(({ reason }) => reason)).toEqual([
        { name: "pay", kind: "step", state: "failed", tries: 1, reason: "card declined" },
        {
          name: "refund",
          kind: "compensation",
          state: "failed",
          tries: 1,
          reason: "no such charge",
        },
      ]);
    });
  });
});
