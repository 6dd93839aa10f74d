import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import {
  type Replica,
  type ReplicaOptions,
  startReplica,
} from "../../../local/containers/replica.ts";
import { startService } from "../../../local/containers/service.ts";
import type { Release } from "../../../local/programs/build.ts";
import { temporary } from "../harness.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A program in plain JavaScript, where a built one would lie. */
function program(code: string, id = "one"): Release {
  const { folder, remove } = temporary();
  ends.push(remove);
  const file = "workloads/lab/index.mjs";
  mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
  writeFileSync(path.join(folder, file), code);
  return { id, folder, command: [file] };
}

/** Answers /healthz with what `health` says, and tells its port. */
const server = (health: string) => `
  import { createServer } from "node:http";
  const server = createServer((_, outgoing) => { ${health} });
  server.listen(0, "127.0.0.1", () =>
    process.send({ kind: "ready", port: server.address().port }));
  process.once("SIGTERM", () => process.exit(0));`;
const well = server("outgoing.end();");

const started = (release: Release, options: Partial<ReplicaOptions> = {}): Replica => {
  const replica = startReplica({ release, listens: true, env: {}, onChange: () => {}, ...options });
  ends.push(() => {
    if (replica.status !== "ended") process.kill(replica.pid ?? 0, "SIGKILL");
    return replica.ended;
  });
  return replica;
};

describe("a replica", () => {
  test("is healthy once /healthz says so", async () => {
    const replica = started(
      program(
        server("outgoing.statusCode = ready() ? 200 : 503; outgoing.end();") +
          `
      let asked = 0;
      function ready() { return ++asked > 2; }`,
      ),
    );
    expect([replica.status, replica.port]).toEqual(["starting", undefined]);
    expect(await replica.healthy).toBe(true);
    expect(replica.status).toBe("healthy");
    expect(replica.port).toBeGreaterThan(0);
  });

  test("without a port is healthy once it says so", async () => {
    const code = 'process.send({ kind: "ready" }); setInterval(() => {}, 1000);';
    const replica = started(program(code), { listens: false });
    expect(await replica.healthy).toBe(true);
  });

  test("that says why it fails is heard", async () => {
    const code = 'process.send({ kind: "failed", reason: "no licence" }, () => process.exit(1));';
    const replica = started(program(code));
    expect(await replica.healthy).toBe(false);
    expect(await replica.ended).toBe("no licence");
  });

  test("that ends without a word is told by its code or its signal", async () => {
    expect(await started(program("process.exit(3);")).ended).toBe("its process ended with code 3");
    const killed = started(program(well));
    await killed.healthy;
    process.kill(killed.pid ?? 0, "SIGKILL");
    expect(await killed.ended).toBe("its process ended with SIGKILL");
  });

  test("that is not healthy in time is ended", async () => {
    const replica = started(program("setInterval(() => {}, 1000);"), { times: { start: 300 } });
    expect(await replica.ended).toBe("it was not healthy within 0.3 s");
  });

  test("that hangs gets no more requests, and is ended", async () => {
    const seen: string[] = [];
    const replica = started(program(well), {
      times: { check: 50, answer: 100 },
      onChange: () => seen.push(replica.status),
    });
    await replica.healthy;
    process.kill(replica.pid ?? 0, "SIGSTOP");
    expect(await replica.ended).toBe("it did not answer /healthz 3 times");
    expect(seen[0]).toBe("healthy");
    expect(seen.slice(-2)).toEqual(["failing", "ended"]);
  });

  test("that drains ends its requests first, and only then hears of it", async () => {
    const replica = started(program(well));
    await replica.healthy;
    const done = replica.begin();
    const drained = replica.drain();
    expect(replica.status).toBe("draining");
    // A round trip later it is still there.
    expect((await fetch(`http://127.0.0.1:${replica.port}/`)).status).toBe(200);
    done();
    done();
    await drained;
    expect([replica.status, replica.inFlight]).toEqual(["ended", 0]);
    expect(await replica.ended).toBe("its process ended with code 0");
  });

  test("that does not stop is ended", async () => {
    const stubborn = well.replace("process.exit(0)", "{}");
    const replica = started(program(stubborn), { times: { stop: 200 } });
    await replica.healthy;
    await replica.drain();
    expect(await replica.ended).toBe("it did not end after SIGTERM");
  });
});

describe("a workload's replicas", () => {
  const served = (count: number) => {
    const said: string[] = [];
    const service = startService({
      name: "lab",
      count,
      listens: true,
      env: {},
      onTrouble: (text) => said.push(text),
    });
    ends.push(() => service.stop());
    return { service, said };
  };

  test("cannot be had where there is no program, which is known at once", async () => {
    const { service } = served(2);
    service.fail("it cannot be built");
    await service.settled;
    expect(service.pick()).toBeUndefined();
    expect(service.state()).toMatchObject({
      status: "failed",
      reason: "it cannot be built",
      replicas: [],
    });
  });

  test("are taken in turn, but for those that were tried", async () => {
    const { service } = served(2);
    await service.roll(program(well));
    await expect
      .poll(() => service.state().replicas.every((one) => one.status === "healthy"))
      .toBe(true);
    const [first, second] = [service.pick(), service.pick()];
    expect(new Set([first, second]).size).toBe(2);
    expect(service.pick(new Set([first as Replica]))).toBe(second);
    expect(service.pick(new Set([first as Replica, second as Replica]))).toBeUndefined();
  });

  test("keep what was counted by those that are gone", async () => {
    const counting = `${well}
      process.send({ kind: "stand", stand: { admitted: 6, spilled: 2, refused: 1 } });`;
    const { service } = served(1);
    await service.roll(program(counting, "one"));
    await service.settled;
    expect(await service.roll(program(counting, "two"))).toBe(true);
    await expect
      .poll(() => service.state())
      .toMatchObject({ admitted: 12, spilled: 4, refused: 2 });
  });

  test("do not begin with what comes once they are told to stop", async () => {
    const { service } = served(1);
    await service.roll(program(well, "one"));
    await service.settled;
    await service.stop();
    expect(await service.roll(program(well, "two"))).toBe(false);
    expect(service.state().replicas.map(({ status }) => status)).toEqual(["ended"]);
  });
});
