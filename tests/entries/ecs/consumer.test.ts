import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type ConsumerOptions, startConsumer } from "../../../runtime/entries/ecs/consumer.ts";
import {
  type JobHandler,
  type Json,
  type Message,
  type ObjectHandler,
  PortError,
} from "../../../runtime/ports/index.ts";
import { heard } from "../lambda/batches.ts";
import { memoryQueue } from "./memory-queue.ts";

function start(bodies: readonly Json[], options: Partial<ConsumerOptions> = {}) {
  const queue = memoryQueue(bodies);
  const { troubles, onTrouble } = heard();
  const consumer = startConsumer({
    consumer: queue.consumer,
    feed: "queue",
    visibilitySeconds: 30,
    handler: async () => {},
    onTrouble,
    ...options,
  });
  return { ...queue, troubles, stop: consumer.stop, alive: consumer.alive };
}
const never = () => new Promise<void>(() => {});
const lasting = (seconds: number) => () =>
  new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000));
const seconds = (n: number) => vi.advanceTimersByTimeAsync(n * 1000);

describe("a consumer", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("works on each message and is done with it", async () => {
    const handler = vi.fn(async (_: Message) => {});
    const { log } = start(["a", "b"], { handler });
    await seconds(1);
    expect(handler.mock.calls.map(([{ body }]) => body)).toEqual(["a", "b"]);
    expect(log).toEqual(["m-1 done", "m-2 done"]);
  });

  test("is alive while it waits for messages, works for long, or cannot ask", async () => {
    const idle = start([]);
    const busy = start(["a"], { handler: never, concurrency: 1 });
    const refused = start([], {
      consumer: { receive: async () => Promise.reject(new Error("no way there")) },
    });
    await seconds(600);
    expect([idle, busy, refused].map(({ alive }) => alive())).toEqual([true, true, true]);
  });

  test("is not alive where the queue never answers", async () => {
    const { alive } = start([], { consumer: { receive: never as never }, waitSeconds: 5 });
    await seconds(64);
    expect(alive()).toBe(true);
    await seconds(2);
    expect(alive()).toBe(false);
  });

  test("translates what the feed sends", async () => {
    const handler = vi.fn<ObjectHandler>(async () => {});
    const object = { key: "a%2Bb", size: 5, eTag: "e", sequencer: "0A" };
    const sent = { Records: [{ eventName: "ObjectCreated:Put", s3: { object } }] };
    const { log } = start([sent, { Event: "s3:TestEvent" }, "odd"], { handler, feed: "objects" });
    await seconds(1);
    expect(handler.mock.calls.map(([{ key }]) => key)).toEqual(["a+b"]);
    expect(log.sort()).toEqual([
      "m-1 done",
      "m-2 done",
      expect.stringMatching(/^m-3 reject: message m-3: it is no notification/),
    ]);
  });

  test("delivers again what failed, later each time", async () => {
    const handler = () => Promise.reject(new Error("closed"));
    const { log, troubles } = start(["a"], { handler });
    await seconds(1);
    expect(log).toEqual(["m-1 retry in 1: closed"]);
    expect(troubles).toMatchObject([{ outcome: "retry", message: "m-1" }]);
  });

  test("rejects poison at once", async () => {
    const handler = () => Promise.reject(new PortError("invalid", "no such order"));
    const { log } = start(["a"], { handler });
    await seconds(1);
    expect(log).toEqual(["m-1 reject: no such order"]);
  });

  test("takes no more than it may work on, in batches of what is asked", async () => {
    const { log, asked } = start([1, 2, 3, 4, 5], { handler: never, batch: 2, concurrency: 3 });
    await seconds(1);
    expect(asked).toEqual([2, 1]);
    expect(log).toEqual([]);
  });

  test("asks twice at once while the queue is behind, and once while it is not", async () => {
    const queue = memoryQueue();
    let asking = 0;
    const atOnce: number[] = [];
    const receive = async (max: number, waitSeconds: number) => {
      atOnce.push(++asking);
      return queue.consumer.receive(max, waitSeconds).finally(() => asking--);
    };
    start([], { consumer: { receive }, handler: lasting(1), batch: 2, concurrency: 6 });
    const most = () => Math.max(...atOnce.splice(0));
    await seconds(11);
    const before = most();
    for (let n = 1; n <= 50; n += 1) queue.send(n, `m-${n}`);
    await seconds(30);
    const behind = most();
    await seconds(20);
    expect([before, behind, most()]).toEqual([1, 2, 1]);
    expect(new Set(queue.log).size).toBe(50);
  });

  test("keeps hidden what takes long, and stops doing so at its end", async () => {
    const { log } = start(["a"], { handler: lasting(25), visibilitySeconds: 30 });
    await seconds(60);
    expect(log).toEqual(["m-1 extend 30", "m-1 extend 30", "m-1 done"]);
  });

  test("goes on where a renewal fails", async () => {
    const { log, state, troubles } = start(["a"], { handler: lasting(25), visibilitySeconds: 30 });
    await seconds(5);
    state.broken = true;
    await seconds(10);
    state.broken = false;
    await seconds(20);
    expect(log).toEqual(["m-1 extend 30", "m-1 done"]);
    expect(troubles.some(({ message }) => message === "m-1")).toBe(true);
  });

  test("gives up what hangs, and its place goes to another", async () => {
    const handler = ({ body }: Message) => (body === "hangs" ? never() : Promise.resolve());
    const { log } = start(["hangs", "fine"], { handler, concurrency: 1, timeLimitSeconds: 3 });
    await seconds(4);
    expect(log).toEqual(["m-1 retry in 1: it was not done within 3000 ms", "m-2 done"]);
  });

  test("asks again, ever later, while the queue cannot be reached", async () => {
    const { state, asked, send, log } = start([], { waitSeconds: 1 });
    state.broken = true;
    await seconds(200);
    const tries = asked.length;
    expect(tries).toBeLessThan(15);
    state.broken = false;
    send("late");
    await seconds(31);
    expect(log).toEqual(["m-1 done"]);
  });

  test("tells what it could not answer to the queue", async () => {
    const { state, send, troubles } = start([], { handler: lasting(1), waitSeconds: 1 });
    send("a");
    await seconds(1.5);
    state.broken = true;
    await seconds(1);
    expect(troubles).toMatchObject([{ outcome: "receive", message: "m-1" }, {}]);
  });
});

describe("a stop", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("waits for what is being worked on, and takes nothing more", async () => {
    const { stop, send, log } = start(["a"], { handler: lasting(10), concurrency: 1 });
    await seconds(1);
    const stopped = stop();
    send("b", "m-2");
    await seconds(10);
    expect(await stopped).toBe(0);
    expect(log).toEqual(["m-1 done"]);
  });

  test("gives back at the deadline what is left, to be delivered at once", async () => {
    const { stop, log } = start(["a"], { handler: never, drainSeconds: 5 });
    await seconds(1);
    const stopped = stop();
    await seconds(5);
    expect(await stopped).toBe(0);
    expect(log).toEqual(["m-1 retry in 0: its container stopped before it was done"]);
  });

  test("is told to jobs at once, by their signal", async () => {
    const job: JobHandler = (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("stopped halfway")));
      });
    const { stop, log } = start(["a"], { handler: job });
    await seconds(1);
    const stopped = stop();
    await seconds(5);
    expect(await stopped).toBe(0);
    expect(log).toEqual(["m-1 retry in 0: stopped halfway"]);
  });

  test("counts what could not be given back", async () => {
    const { stop, state } = start(["a"], { handler: never, drainSeconds: 5 });
    await seconds(1);
    state.broken = true;
    const stopped = stop();
    await seconds(10);
    expect(await stopped).toBe(1);
  });

  test("works on what was on its way, and gives it back where that is too late", async () => {
    const { stop, send, log } = start([], { handler: never, waitSeconds: 5, drainSeconds: 2 });
    await seconds(1);
    const stopped = stop();
    send("a");
    await seconds(6);
    expect(await stopped).toBe(0);
    expect(log).toEqual(["m-1 retry in 0: its container stopped before it was done"]);
  });

  test("is one, however often it is asked for", async () => {
    const { stop } = start([]);
    const [one, two] = [stop(), stop()];
    await seconds(5);
    expect(await Promise.all([one, two])).toEqual([0, 0]);
  });
});

describe("on SIGTERM", () => {
  async function run(
    env: Record<string, string>,
    meanwhile: () => Promise<unknown> = async () => {},
  ) {
    const file = fileURLToPath(new URL("worker.ts", import.meta.url));
    const child = spawn(process.execPath, [file], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const said: string[] = [];
    createInterface(child.stdout).on("line", (line) => said.push(line));
    const exited = once(child, "exit");
    await expect.poll(() => said, { timeout: 10_000 }).toContain("begins m-1");
    await meanwhile();
    child.kill("SIGTERM");
    return { exit: await exited, said };
  }

  test("a container ends the message in work, begins no other, and exits with 0", async () => {
    const { exit, said } = await run({ MESSAGES: "3", SLOW_MS: "300" });
    expect(exit).toEqual([0, null]);
    expect(said).toEqual(["begins m-1", "ends m-1"]);
  });

  test("a container says on loopback that it is alive, at the port that is set", async () => {
    const free = createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, "close");
    const ask = async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).status;
    const env = { SLOW_MS: "300", SPILLWAY_HEALTH_PORT: `${port}` };
    const { exit } = await run(env, async () => expect(await ask()).toBe(200));
    expect(exit).toEqual([0, null]);
  });

  test("a container that cannot give a message back exits with 1", async () => {
    const { exit, said } = await run({ SLOW_MS: "60000", DRAIN_SECONDS: "0.1", BREAK: "1" });
    expect(exit).toEqual([1, null]);
    expect(said).not.toContain("ends m-1");
  });
});
