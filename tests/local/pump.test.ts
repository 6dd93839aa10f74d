import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { backoffSeconds, startPump, type Trouble } from "../../local/pump.ts";
import { type Delivery, type Message, PortError } from "../../runtime/ports/index.ts";

/** A queue whose deliveries are noted by how they ended. */
function queueOf(count: number) {
  const ended: Record<string, string> = {};
  const waiting = Array.from({ length: count }, (_, index): Delivery => {
    const message: Message = { id: `${index}`, body: index, receives: 3, sentAt: new Date() };
    const end = (how: string) => async () => {
      ended[message.id] = how;
    };
    return {
      message,
      done: end("done"),
      extend: async () => {},
      retry: async (reason, delay) => end(`retry after ${delay} s: ${reason}`)(),
      reject: async (reason) => end(`reject: ${reason}`)(),
    };
  });
  const asked: number[] = [];
  const consumer = {
    async receive(max: number) {
      asked.push(max);
      if (waiting.length === 0) await sleep(2);
      return waiting.splice(0, max);
    },
  };
  return { consumer, ended, asked };
}

const settled = (ended: object, count: number) =>
  vi.waitFor(() => expect(Object.keys(ended)).toHaveLength(count), { interval: 5 });

describe("the pump", () => {
  test("is done with a message whose handler returns", async () => {
    const { consumer, ended } = queueOf(25);
    const handler = vi.fn(async () => {});
    const pump = startPump({ consumer, handler, batch: 10, onTrouble: () => {} });
    await settled(ended, 25);
    await pump.stop();
    expect(handler).toHaveBeenCalledTimes(25);
    expect(new Set(Object.values(ended))).toEqual(new Set(["done"]));
  });

  test.each([
    ["is tried again later", new Error("away"), "retry after 4 s: away", "retry"],
    [
      "is set aside when invalid",
      new PortError("invalid", "no order"),
      "reject: no order",
      "reject",
    ],
    ["is set aside when too large", new PortError("too-large", "big"), "reject: big", "reject"],
    [
      "is tried again when throttled",
      new PortError("throttled", "slow"),
      "retry after 4 s: slow",
      "retry",
    ],
  ])("a message that fails %s", async (_, error, expected, outcome) => {
    const { consumer, ended } = queueOf(1);
    const troubles: Trouble[] = [];
    const handler = async () => {
      throw error;
    };
    const pump = startPump({ consumer, handler, batch: 1, onTrouble: (t) => troubles.push(t) });
    await settled(ended, 1);
    await pump.stop();
    expect(ended).toEqual({ 0: expected });
    expect(troubles).toEqual([{ outcome, error }]);
  });

  test("a failing message leaves its neighbours alone", async () => {
    const { consumer, ended } = queueOf(3);
    const handler = async ({ id }: Message) => {
      if (id === "1") throw new Error("away");
    };
    const pump = startPump({ consumer, handler, batch: 10, onTrouble: () => {} });
    await settled(ended, 3);
    await pump.stop();
    expect(ended).toEqual({ 0: "done", 1: "retry after 4 s: away", 2: "done" });
  });

  test("works on no more than its concurrency, and never takes more than ten at a time", async () => {
    const { consumer, ended, asked } = queueOf(40);
    let now = 0;
    let most = 0;
    const handler = async () => {
      most = Math.max(most, ++now);
      await sleep(2);
      now -= 1;
    };
    const pump = startPump({ consumer, handler, batch: 500, concurrency: 12, onTrouble: () => {} });
    await settled(ended, 40);
    await pump.stop();
    expect(most).toBe(12);
    expect(Math.max(...asked)).toBe(10);
  });

  test("stop waits for what is being worked on", async () => {
    const { consumer, ended } = queueOf(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    const handler = vi.fn(() => promise);
    const pump = startPump({ consumer, handler, batch: 1, onTrouble: () => {} });
    await vi.waitFor(() => expect(handler).toHaveBeenCalled());
    const stopped = pump.stop();
    await sleep(20);
    expect(ended).toEqual({});
    resolve();
    await stopped;
    expect(ended).toEqual({ 0: "done" });
  });

  test("goes on after a receive that failed", async () => {
    const { consumer, ended } = queueOf(1);
    const receive = consumer.receive;
    const failing = vi.fn(receive).mockRejectedValueOnce(new PortError("unavailable", "away"));
    const troubles: Trouble[] = [];
    const handler = async () => {};
    const pump = startPump({
      consumer: { receive: failing },
      handler,
      batch: 1,
      onTrouble: (t) => troubles.push(t),
    });
    await vi.waitFor(() => expect(ended).toEqual({ 0: "done" }), { timeout: 5000 });
    await pump.stop();
    expect(troubles.map((t) => t.outcome)).toEqual(["receive"]);
  });
});

test("waits twice as long after each failure, up to a quarter of an hour", () => {
  expect([1, 2, 3, 4, 20].map(backoffSeconds)).toEqual([1, 2, 4, 8, 900]);
});
